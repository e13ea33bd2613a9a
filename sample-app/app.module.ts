import { Module, ValidationPipe } from '@nestjs/common';
import { APP_FILTER, APP_PIPE } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { AssetAuthExceptionFilter, AssetAuthModule, assetAuthOptionsFromEnv } from 'nestjs-asset-auth';
import { BusinessesModule } from './businesses/businesses.module.js';
import { JournalEntriesModule } from './journal-entries/journal-entries.module.js';
import { LedgersModule } from './ledgers/ledgers.module.js';
import { ReportsModule } from './reports/reports.module.js';
import { TokensModule } from './tokens/tokens.module.js';

@Module({
  imports: [
    AssetAuthModule.forRootAsync({
      useFactory: () => ({ http: { timeout: 10_000 }, ...assetAuthOptionsFromEnv() }),
    }),
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
    { provide: APP_FILTER, useClass: AssetAuthExceptionFilter.with({ passOn: [400, 404, 409, 422] }) },
  ],
})
export class AppModule {}
