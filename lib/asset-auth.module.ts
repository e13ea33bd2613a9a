import { type DynamicModule, Inject, Module } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { ASSET_CLIENT_NAME } from './asset-auth.client-providers.js';
import {
  type AssetAuthModuleAsyncOptions,
  type AssetAuthModuleOptions,
  ConfigurableModuleClass,
} from './asset-auth.module-definition.js';
import { withMethodChecked } from './asset-auth.options-provider.js';
import { assertAsyncOptions, assertOptions } from './asset-auth.registration.js';
import { AssetAuthRegistry } from './asset-auth.registry.js';

/**
 * Gives an application a client of Asset's API whose every request carries a valid, fresh, narrowly scoped access token.
 * Import it once, in the root module; with a `name`, once more for each further client. Not lazily, with
 * `LazyModuleLoader`: Nest runs no lifecycle hooks there, so that nothing checks the client at boot or closes it.
 *
 * Provides {@link AssetHttpService}, {@link AssetTokenService} and {@link AssetAuthConfig}.
 *
 * @example
 * ```ts
 * @Module({
 *   imports: [
 *     AssetAuthModule.forRootAsync({
 *       imports: [ConfigModule],
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
   * Options that are known when the module is imported, or read from the environment by `assetAuthOptionsFromEnv()`.
   *
   * @throws AssetConfigError when it is called without options, or with a `name` or `isGlobal` that is none
   */
  static override forRoot(options: AssetAuthModuleOptions): DynamicModule {
    assertOptions(options);
    return super.forRoot(options);
  }

  /**
   * Options from a factory, a class or an existing provider with the method `createAssetAuthOptions`.
   *
   * @throws AssetConfigError when none of the three is given, or when something is that it does not know
   */
  static override forRootAsync(options: AssetAuthModuleAsyncOptions): DynamicModule {
    assertAsyncOptions(options);
    const definition = super.forRootAsync(options);
    return { ...definition, providers: withMethodChecked(definition.providers ?? [], options) };
  }
}
