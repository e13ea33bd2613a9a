import { Module, ValidationPipe } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import type { Redis } from 'ioredis';
import { AssetAuthExceptionFilter, AssetAuthModule, assetAuthOptionsFromEnv } from 'nestjs-asset-auth';
import { redisTokenStore } from 'nestjs-asset-auth/store';
import { CLIENT_SECRET, type ReadClientSecret } from './asset/client-secret.js';
import { BusinessesModule } from './businesses/businesses.module.js';
import { JournalEntriesModule } from './journal-entries/journal-entries.module.js';
import { LedgersModule } from './ledgers/ledgers.module.js';
import { REDIS, RedisModule } from './redis/redis.module.js';
import { ReportsModule } from './reports/reports.module.js';
import { ThisMachineGuard } from './this-machine.guard.js';
import { TokensModule } from './tokens/tokens.module.js';

@Module({
  imports: [
    AssetAuthModule.forRootAsync({
      imports: [RedisModule],
      inject: [REDIS, { token: CLIENT_SECRET, optional: true }],
      useFactory: (redis: Redis | null, clientSecret?: ReadClientSecret) => ({
        http: { timeout: 10_000 },
        ...assetAuthOptionsFromEnv(),
        ...(clientSecret && { clientSecret }),
        // Its storeKeys come from ASSET_STORE_KEYS.
        ...(redis && { store: redisTokenStore(redis) }),
      }),
    }),
    ScheduleModule.forRoot(),
    BusinessesModule,
    LedgersModule,
    JournalEntriesModule,
    ReportsModule,
    TokensModule,
  ],
  providers: [
    { provide: APP_GUARD, useClass: ThisMachineGuard },
    {
      provide: APP_PIPE,
      useValue: new ValidationPipe({ transform: true, whitelist: true, forbidNonWhitelisted: true }),
    },
    { provide: APP_FILTER, useClass: AssetAuthExceptionFilter.with({ passOn: [400, 404, 409, 422] }) },
  ],
})
export class AppModule {}
