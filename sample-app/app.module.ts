import { Module, ValidationPipe } from '@nestjs/common';
import { APP_FILTER, APP_PIPE } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { AssetAuthModule } from 'nestjs-asset-auth';
import { AssetConnection } from './asset/asset-connection.js';
import { AssetConnectionModule } from './asset/asset-connection.module.js';
import { AssetErrorFilter } from './asset/asset-error.filter.js';
import { BusinessesModule } from './businesses/businesses.module.js';
import { JournalEntriesModule } from './journal-entries/journal-entries.module.js';
import { LedgersModule } from './ledgers/ledgers.module.js';
import { ReportsModule } from './reports/reports.module.js';
import { TokensModule } from './tokens/tokens.module.js';

@Module({
  imports: [
    AssetAuthModule.forRootAsync({ imports: [AssetConnectionModule], useExisting: AssetConnection }),
    ScheduleModule.forRoot(),
    BusinessesModule,
    LedgersModule,
    JournalEntriesModule,
    ReportsModule,
    TokensModule,
  ],
  providers: [
    {
      provide: APP_PIPE,
      useValue: new ValidationPipe({ transform: true, whitelist: true, forbidNonWhitelisted: true }),
    },
    { provide: APP_FILTER, useClass: AssetErrorFilter },
  ],
})
export class AppModule {}
