import { Module } from '@nestjs/common';
import { AssetConnection } from './asset-connection.js';

@Module({ providers: [AssetConnection], exports: [AssetConnection] })
export class AssetConnectionModule {}
