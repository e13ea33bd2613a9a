// What is injected. All symbols are `Symbol.for`: the ESM and the CJS copy of this package name the same providers. Only the
// default client's are classes, each copy's its own.
import { Inject, type InjectionToken } from '@nestjs/common';
import { AssetAuthConfig } from './config/asset-auth.config.js';
import { AssetHttpService } from './http/asset-http.service.js';
import { AssetTokenService } from './token/token.service.js';

/** The clock of all clients. Override it in tests with a `ManualClock`. */
export const ASSET_CLOCK: unique symbol = Symbol.for('nestjs-asset-auth:clock') as never;

const named = (what: string, name: string): symbol => Symbol.for(`nestjs-asset-auth:${what}:${name}`);

/**
 * What to inject for the HTTP service of a client: the class itself, or a token for a client that was given a name.
 *
 * @example
 * ```ts
 * const eu = app.get<AssetHttpService>(getAssetHttpToken('eu'));
 * ```
 */
export const getAssetHttpToken = (name?: string): InjectionToken<AssetHttpService> =>
  name === undefined ? AssetHttpService : named('http', name);

/**
 * What to inject for the token service of a client.
 *
 * @example
 * ```ts
 * Test.createTestingModule({ imports: [AppModule] }).overrideProvider(getAssetTokenServiceToken('eu')).useValue(stub);
 * ```
 */
export const getAssetTokenServiceToken = (name?: string): InjectionToken<AssetTokenService> =>
  name === undefined ? AssetTokenService : named('tokens', name);

/** What publishes the events of a client. */
export const eventsToken = (name: string | null | undefined): symbol =>
  name === undefined || name === null ? EVENTS : named('events', name);

const EVENTS: unique symbol = Symbol.for('nestjs-asset-auth:events') as never;

/** The options of the default client. */
const OPTIONS: unique symbol = Symbol.for('nestjs-asset-auth:options') as never;

/**
 * What the options of a client are provided under, as the application gave them: for tests, which override them with
 * those of a sandbox. The application's own factory is not called then. To read them, inject `AssetAuthConfig`.
 *
 * @example
 * ```ts
 * Test.createTestingModule({ imports: [AppModule] })
 *   .overrideProvider(getAssetAuthOptionsToken('eu'))
 *   .useValue(sandbox.moduleOptions());
 * ```
 */
export const getAssetAuthOptionsToken = (name?: string): symbol =>
  name === undefined ? OPTIONS : named('options', name);

/**
 * What to inject for the checked configuration of a client.
 *
 * @example
 * ```ts
 * const { origin } = app.get<AssetAuthConfig>(getAssetAuthConfigToken('eu'));
 * ```
 */
export const getAssetAuthConfigToken = (name?: string): InjectionToken<AssetAuthConfig> =>
  name === undefined ? AssetAuthConfig : named('config', name);

/**
 * Injects the HTTP service of a client.
 *
 * @example
 * ```ts
 * constructor(@InjectAssetHttp('eu') private readonly asset: AssetHttpService) {}
 * ```
 */
export const InjectAssetHttp = (name?: string): PropertyDecorator & ParameterDecorator =>
  Inject(getAssetHttpToken(name));

/**
 * Injects the token service of a client.
 *
 * @example
 * ```ts
 * constructor(@InjectAssetTokenService('eu') private readonly tokens: AssetTokenService) {}
 * ```
 */
export const InjectAssetTokenService = (name?: string): PropertyDecorator & ParameterDecorator =>
  Inject(getAssetTokenServiceToken(name));
