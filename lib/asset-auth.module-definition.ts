import { ConfigurableModuleBuilder } from '@nestjs/common';
import { AssetAuthRegistryModule } from './asset-auth.registry.module.js';
import { ASSET_AUTH_OPTIONS, clientExports, clientProviders } from './asset-auth.client-providers.js';
import type { AssetAuthOptions } from './config/asset-auth.options.js';
import { AssetConfigError } from './config/config.errors.js';

/** What a registration says besides the options. */
export interface AssetAuthModuleExtras {
  /**
   * Whether every module of the application can inject the client without importing {@link AssetAuthModule}.
   *
   * @default true
   */
  isGlobal?: boolean | undefined;
  /** A name makes it a second, independent client, injected with `@InjectAssetHttp(name)`. */
  name?: string | undefined;
}

export const { ConfigurableModuleClass, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<AssetAuthOptions>({ optionsInjectionToken: ASSET_AUTH_OPTIONS })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createAssetAuthOptions')
    .setExtras<AssetAuthModuleExtras>(
      { isGlobal: true, name: undefined },
      (definition, { isGlobal = true, name }) => {
        assertName(name);
        return {
          ...definition,
          global: isGlobal,
          imports: [...(definition.imports ?? []), AssetAuthRegistryModule],
          providers: [...(definition.providers ?? []), ...clientProviders(name)],
          exports: clientExports(name),
        };
      },
    )
    .build();

/** What `forRootAsync` takes: `useFactory`, `useClass` or `useExisting`, `imports`, `inject`, and the extras. */
export type AssetAuthModuleAsyncOptions = typeof ASYNC_OPTIONS_TYPE;

/**
 * What a class for `useClass` or `useExisting` implements.
 *
 * @example
 * ```ts
 * @Injectable()
 * export class AssetSettings implements AssetAuthOptionsFactory {
 *   createAssetAuthOptions() {
 *     return assetAuthOptionsFromEnv();
 *   }
 * }
 * ```
 */
export interface AssetAuthOptionsFactory {
  createAssetAuthOptions(): AssetAuthOptions | Promise<AssetAuthOptions>;
}

/** An empty variable, say, must not become a client of its own that nobody injects. */
function assertName(name: unknown): void {
  if (name === undefined || (typeof name === 'string' && name.trim() !== '')) return;
  throw new AssetConfigError([
    { option: 'name', problem: 'must be a non-empty text. Leave it out for the default client' },
  ]);
}
