import { Module } from '@nestjs/common';
import { AssetAuthModule, assetAuthOptionsFromEnv } from 'nestjs-asset-auth';
import { LedgersController } from './scenario.js';

/** What the command `asset-scopes` is given. It calls no factory, so nothing has to be set. */
@Module({
  imports: [AssetAuthModule.forRootAsync({ useFactory: () => assetAuthOptionsFromEnv() })],
  controllers: [LedgersController],
})
export class AppModule {}
