import { Module } from '@nestjs/common';
import { AssetAuthRegistry } from './asset-auth.registry.js';
import { ASSET_CLOCK } from './asset-auth.tokens.js';
import { AssetScopeExplorer } from './scope/asset-scope.explorer.js';
import { systemClock } from './config/clock.js';

/** What exists once however many clients there are: Nest de-duplicates static modules, dynamic ones never. */
@Module({
  providers: [{ provide: ASSET_CLOCK, useValue: systemClock }, AssetScopeExplorer, AssetAuthRegistry],
  exports: [ASSET_CLOCK, AssetScopeExplorer, AssetAuthRegistry],
})
export class AssetAuthRegistryModule {}
