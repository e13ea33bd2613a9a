// The providers of one client: its options, then config, connections, tokens and HTTP in the order of the flow.
import type {
  ConfigurableModuleAsyncOptions,
  ConfigurableModuleOptionsFactory,
  FactoryProvider,
  InjectionToken,
  Provider,
} from '@nestjs/common';
import {
  ASSET_CLOCK,
  getAssetAuthConfigToken,
  getAssetAuthOptionsToken,
  getAssetHttpToken,
  getAssetTokenServiceToken,
} from './asset-auth.tokens.js';
import { AssetAuthConfig } from './config/asset-auth.config.js';
import { AssetConfigError } from './config/asset-auth.errors.js';
import type { AssetAuthOptions } from './config/asset-auth.options.js';
import type { AssetClock } from './config/clock.js';
import { createAssetAxios } from './http/asset-http.factory.js';
import { AssetHttpService } from './http/asset-http.service.js';
import { ClientConnections } from './token/endpoint/connections.js';
import { AssetTokenService } from './token/token.service.js';

/** The method of a class for `useClass` or `useExisting`. */
export const OPTIONS_METHOD = 'createAssetAuthOptions';

type OptionsSource = Omit<ConfigurableModuleAsyncOptions<AssetAuthOptions, typeof OPTIONS_METHOD>, 'imports'>;

/** The provider of the options from a factory, a class or an existing provider, and the providers that it needs. */
export function optionsProviders(
  { useFactory, useClass, useExisting, inject, provideInjectionTokensFrom }: OptionsSource,
  name: string | undefined,
): Provider[] {
  const provide = getAssetAuthOptionsToken(name);
  if (useFactory) {
    const needed = providersOf(inject ?? [], provideInjectionTokensFrom ?? []);
    return [{ provide, inject: inject ?? [], useFactory }, ...needed];
  }
  if (useExisting) return [{ provide, ...optionsOf('useExisting', useExisting) }];
  return useClass ? [{ provide, ...optionsOf('useClass', useClass) }, useClass] : [];
}

/** The method is looked for at boot, not at the call: it may be a property of the instance. */
function optionsOf(
  how: string,
  source: InjectionToken,
): Pick<FactoryProvider<AssetAuthOptions>, 'inject' | 'useFactory'> {
  type Factory = ConfigurableModuleOptionsFactory<AssetAuthOptions, typeof OPTIONS_METHOD>;
  return {
    inject: [source],
    useFactory: (factory: Partial<Factory> | null | undefined) => {
      if (typeof factory?.[OPTIONS_METHOD] === 'function') return factory[OPTIONS_METHOD]();
      const given = typeof source === 'function' ? source.name : String(source);
      const problem = `${given} has no method ${OPTIONS_METHOD}(). Give it one that returns the options, as AssetAuthOptionsFactory describes`;
      throw new AssetConfigError([{ option: how, problem }]);
    },
  };
}

/** The candidates that are injected, and those that they inject in turn. */
function providersOf(inject: Dependencies, candidates: readonly Provider[], found = new Set<Provider>()) {
  const tokens = inject.map((one) => (typeof one === 'object' && 'token' in one ? one.token : one));
  for (const candidate of candidates) {
    const token = typeof candidate === 'function' ? candidate : candidate.provide;
    if (found.has(candidate) || !tokens.includes(token)) continue;
    found.add(candidate);
    providersOf(dependenciesOf(candidate), candidates, found);
  }
  return [...found];
}

type Dependencies = NonNullable<FactoryProvider['inject']>;

function dependenciesOf(provider: Provider): Dependencies {
  if ('useExisting' in provider) return [provider.useExisting as InjectionToken];
  return 'inject' in provider ? (provider.inject ?? []) : [];
}

/** The client's name; `null` for the default one. */
export const ASSET_CLIENT_NAME: unique symbol = Symbol.for('nestjs-asset-auth:client-name') as never;

/** All providers of a client but that of its options. */
export function clientProviders(name: string | undefined): Provider[] {
  return [
    { provide: ASSET_CLIENT_NAME, useValue: name ?? null },
    {
      provide: getAssetAuthConfigToken(name),
      inject: [getAssetAuthOptionsToken(name)],
      useFactory: (options: AssetAuthOptions) => new AssetAuthConfig(options),
    },
    {
      provide: ClientConnections,
      inject: [getAssetAuthConfigToken(name)],
      useFactory: (config: AssetAuthConfig) => new ClientConnections(config),
    },
    {
      provide: getAssetTokenServiceToken(name),
      inject: [getAssetAuthConfigToken(name), ClientConnections, ASSET_CLOCK],
      useFactory: (config: AssetAuthConfig, connections: ClientConnections, clock: AssetClock) =>
        new AssetTokenService(config, connections, clock),
    },
    {
      provide: getAssetHttpToken(name),
      inject: [
        getAssetAuthConfigToken(name),
        getAssetTokenServiceToken(name),
        ClientConnections,
        ASSET_CLOCK,
      ],
      useFactory: (
        config: AssetAuthConfig,
        tokens: AssetTokenService,
        connections: ClientConnections,
        clock: AssetClock,
      ) => new AssetHttpService(createAssetAxios({ config, tokens, connections, clock, client: name }), name),
    },
  ];
}

/** The providers that a client's module exports. */
export const clientExports = (name: string | undefined): InjectionToken[] => [
  getAssetAuthConfigToken(name),
  getAssetTokenServiceToken(name),
  getAssetHttpToken(name),
];
