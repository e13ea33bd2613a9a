import { type DynamicModule, Inject, Module } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { ASSET_CLIENT_NAME } from './asset-auth.client-providers.js';
import { type AssetAuthModuleAsyncOptions, ConfigurableModuleClass } from './asset-auth.module-definition.js';
import { AssetAuthRegistry } from './asset-auth.registry.js';
import { AssetConfigError } from './config/config.errors.js';

/**
 * Gives an application a client of Asset's API whose every request carries a valid, fresh, narrowly scoped access token.
 * Import it once, in the root module; with a `name`, once more for each further client.
 *
 * Provides {@link AssetHttpService}, {@link AssetTokenService} and {@link AssetAuthConfig}.
 *
 * @example
 * ```ts
 * @Module({
 *   imports: [
 *     AssetAuthModule.forRootAsync({
 *       inject: [ConfigService],
 *       useFactory: (config: ConfigService) => ({
 *         environment: 'sandbox',
 *         clientId: config.getOrThrow('ASSET_CLIENT_ID'),
 *         clientSecret: config.getOrThrow('ASSET_CLIENT_SECRET'),
 *       }),
 *     }),
 *   ],
 * })
 * export class AppModule {}
 * ```
 */
@Module({})
export class AssetAuthModule extends ConfigurableModuleClass {
  // Injecting the options here would hide that they are request-scoped: Nest would not build the module at all.
  constructor(
    registry: AssetAuthRegistry,
    @Inject(ASSET_CLIENT_NAME) name: string | null,
    moduleRef: ModuleRef,
  ) {
    super();
    registry.register(name, moduleRef);
  }

  /**
   * Options from a factory, a class or an existing provider with the method `createAssetAuthOptions`.
   *
   * @throws AssetConfigError when none of the three is given
   */
  static override forRootAsync(options: AssetAuthModuleAsyncOptions): DynamicModule {
    if ((options.useFactory ?? options.useClass ?? options.useExisting) === undefined) {
      throw new AssetConfigError([
        {
          option: 'forRootAsync',
          problem: 'needs useFactory, useClass or useExisting to get the options from',
        },
      ]);
    }
    return super.forRootAsync(options);
  }
}
