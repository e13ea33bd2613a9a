// The providers of one client: its options, then config, connections, tokens and HTTP in the order of the flow.
import type {
  ConfigurableModuleAsyncOptions,
  ConfigurableModuleOptionsFactory,
  InjectionToken,
  Provider,
} from '@nestjs/common';
import {
  ASSET_CLOCK,
  eventsToken,
  getAssetAuthConfigToken,
  getAssetAuthOptionsToken,
  getAssetHttpToken,
  getAssetTokenServiceToken,
} from './asset-auth.tokens.js';
import { AssetAuthConfig } from './config/asset-auth.config.js';
import { AssetConfigError } from './config/asset-auth.errors.js';
import type { AssetAuthOptions } from './config/asset-auth.options.js';
import type { AssetClock } from './config/clock.js';
import { EventPublisher } from './events/event-publisher.js';
import { createAssetAxios } from './http/asset-http.factory.js';
import { AssetHttpService } from './http/asset-http.service.js';
import type { SharedTokens } from './store/shared-tokens.js';
import { ClientConnections } from './token/endpoint/connections.js';
import { AssetTokenService } from './token/token.service.js';

/** The method of a class for `useClass` or `useExisting`. */
export const OPTIONS_METHOD = 'createAssetAuthOptions';

/** Where `forRootAsync` gets the options from. */
export type OptionsSource = Omit<
  ConfigurableModuleAsyncOptions<AssetAuthOptions, typeof OPTIONS_METHOD>,
  'provideInjectionTokensFrom'
>;

/**
 * Options as the container keeps them: out of reach of whatever dumps the application, since they hold the secret and
 * perhaps a proxy's password.
 */
export class HeldOptions {
  readonly #options: unknown;

  constructor(options: unknown) {
    this.#options = options;
  }

  /** What is held, or the options themselves: a test overrides the provider by them. */
  static read(options: unknown): AssetAuthOptions {
    const isHeld = typeof options === 'object' && options !== null && #options in options;
    return (isHeld ? options.#options : options) as AssetAuthOptions;
  }
}

/** The provider of the options, and for `useClass` that of the class. */
export function optionsProviders(
  { useFactory, useClass, useExisting, inject = [] }: OptionsSource,
  name: string | undefined,
): Provider[] {
  const provide = getAssetAuthOptionsToken(name);
  if (useFactory) return [{ provide, inject, useFactory: holding(useFactory) }];
  if (useExisting) {
    return [{ provide, inject: [useExisting], useFactory: holding(readFrom('useExisting', useExisting)) }];
  }
  if (!useClass) return [];
  return [{ provide, inject: [useClass], useFactory: holding(readFrom('useClass', useClass)) }, useClass];
}

const holding =
  <Injected extends unknown[]>(factory: (...injected: Injected) => unknown) =>
  async (...injected: Injected): Promise<HeldOptions> =>
    new HeldOptions(await factory(...injected));

/** The method is looked for at boot, not at the call: it may be a property of the instance. */
function readFrom(option: string, source: InjectionToken) {
  type Factory = ConfigurableModuleOptionsFactory<AssetAuthOptions, typeof OPTIONS_METHOD>;
  return (factory: Partial<Factory> | null | undefined) => {
    if (typeof factory?.[OPTIONS_METHOD] === 'function') return factory[OPTIONS_METHOD]();
    const given = typeof source === 'function' ? source.name : String(source);
    const problem = `${given} has no method ${OPTIONS_METHOD}(). Give it one that returns the options, as AssetAuthOptionsFactory describes`;
    throw new AssetConfigError([{ option, problem }]);
  };
}

/** The client's name; `null` for the default one. */
export const ASSET_CLIENT_NAME: unique symbol = Symbol.for('nestjs-asset-auth:client-name') as never;

/** All providers of a client but that of its options. */
export function clientProviders(name: string | undefined): Provider[] {
  const configToken = getAssetAuthConfigToken(name);
  const tokensToken = getAssetTokenServiceToken(name);
  const events = eventsToken(name);
  return [
    { provide: ASSET_CLIENT_NAME, useValue: name ?? null },
    {
      provide: configToken,
      inject: [getAssetAuthOptionsToken(name)],
      useFactory: (options: unknown) => new AssetAuthConfig(HeldOptions.read(options), name),
    },
    {
      provide: events,
      inject: [configToken],
      useFactory: (config: AssetAuthConfig) => new EventPublisher(config),
    },
    {
      provide: ClientConnections,
      inject: [configToken],
      useFactory: (config: AssetAuthConfig) => new ClientConnections(config),
    },
    {
      provide: tokensToken,
      inject: [configToken, ClientConnections, ASSET_CLOCK, events],
      useFactory: async (
        config: AssetAuthConfig,
        connections: ClientConnections,
        clock: AssetClock,
        publisher: EventPublisher,
      ) => {
        const shared = await sharedTokensOf(config, clock, publisher);
        return new AssetTokenService(config, connections, clock, publisher, shared);
      },
    },
    {
      provide: getAssetHttpToken(name),
      inject: [configToken, tokensToken, ClientConnections, ASSET_CLOCK, events],
      useFactory: (
        config: AssetAuthConfig,
        tokens: AssetTokenService,
        connections: ClientConnections,
        clock: AssetClock,
        publisher: EventPublisher,
      ) => {
        const parts = { config, tokens, connections, clock, events: publisher };
        return new AssetHttpService(createAssetAxios(parts), name);
      },
    },
  ];
}

/** What shares tokens is loaded only where there is a store. */
async function sharedTokensOf(
  config: AssetAuthConfig,
  clock: AssetClock,
  events: EventPublisher,
): Promise<SharedTokens | undefined> {
  if (config.store === undefined) return undefined;
  const room = await import('./store/shared-tokens.js');
  return new room.SharedTokens(config.store, config, clock, events);
}

/** The providers that a client's module exports. */
export const clientExports = (name: string | undefined): InjectionToken[] => [
  getAssetAuthConfigToken(name),
  getAssetTokenServiceToken(name),
  getAssetHttpToken(name),
];
