import { ConfigurableModuleBuilder } from '@nestjs/common';
import { AssetAuthRegistryModule } from './asset-auth.registry.module.js';
import { clientExports, clientProviders } from './asset-auth.client-providers.js';
import { OPTIONS_METHOD, underItsName } from './asset-auth.options-provider.js';
import { assertExtras } from './asset-auth.registration.js';
import { getAssetAuthOptionsToken } from './asset-auth.tokens.js';
import type { AssetAuthOptions } from './config/asset-auth.options.js';

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
  new ConfigurableModuleBuilder<AssetAuthOptions>({ optionsInjectionToken: getAssetAuthOptionsToken() })
    .setClassMethodName('forRoot')
    .setFactoryMethodName(OPTIONS_METHOD)
    .setExtras<AssetAuthModuleExtras>(
      { isGlobal: true, name: undefined },
      (definition, { isGlobal = true, name }) => {
        assertExtras({ name, isGlobal });
        return {
          ...definition,
          global: isGlobal,
          imports: [...(definition.imports ?? []), AssetAuthRegistryModule],
          providers: [...underItsName(definition.providers ?? [], name), ...clientProviders(name)],
          exports: clientExports(name),
        };
      },
    )
    .build();

/** What `forRoot` takes: the options, and the extras. */
export type AssetAuthModuleOptions = typeof OPTIONS_TYPE;

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
