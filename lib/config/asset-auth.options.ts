import type { HttpService } from '@nestjs/axios';
import { MAX_TIMER_MS } from './clock.js';
import {
  business,
  credential,
  httpDefaults,
  oneOf,
  Optional,
  origin,
  path,
  ratio,
  Required,
  resource,
  scopes,
  secret,
  wholeNumber,
} from './option-checks.js';
import type { AssetScopes } from './scope-set.js';

/** Asset's two environments. Their credentials are separate (Asset authentication guide). */
export type AssetEnvironment = 'sandbox' | 'production';

/**
 * The client secret, or a function that is called again for each token request, so that a rotated secret needs no
 * restart. The function runs within `tokenTimeoutMs`.
 */
export type AssetClientSecret = string | (() => string | Promise<string>);

/** Axios defaults: timeout, agents, proxy, headers and the like. */
export type AssetHttpDefaults = Omit<
  Parameters<HttpService['axiosRef']['request']>[0],
  'url' | 'baseURL' | 'adapter' | 'auth' | 'method' | 'data' | 'params' | 'asset'
>;

/** The options and the check of each. Users write {@link AssetAuthOptions}. */
export class AssetAuthOptionsShape {
  /** Which environment to talk to; decides the origin. Required unless `baseUrl` is given. */
  @Optional(oneOf('sandbox', 'production'))
  readonly environment?: AssetEnvironment | undefined;

  /**
   * Another origin, such as a gateway or `AssetSandbox`: https, or http on a loopback address.
   *
   * @default the origin of `environment`
   */
  @Optional(origin)
  readonly baseUrl?: string | undefined;

  /**
   * Path of the token endpoint.
   *
   * @default '/v0/auth/token'
   */
  @Optional(path)
  readonly tokenPath?: string | undefined;

  /** OAuth client id, from registering an application in the Asset Dashboard. */
  @Required(credential)
  readonly clientId!: string;

  /** OAuth client secret. Never logged, never part of an error. */
  @Required(secret)
  readonly clientSecret!: AssetClientSecret;

  /** Scopes for requests that declare none. */
  @Optional(scopes)
  readonly scopes?: AssetScopes | undefined;

  /** Business for requests that declare none. */
  @Optional(business)
  readonly businessId?: string | undefined;

  /** Resource indicator or indicators (RFC 8707) for requests that declare none, such as `https://api.getasset.com/mcp`. */
  @Optional(resource)
  readonly resource?: string | readonly string[] | undefined;

  /**
   * What happens to a request for which nobody declared a scope: `'allow'` asks for the client's full grant, `'deny'`
   * fails it with `ASSET_SCOPE_UNDECLARED` before anything is sent.
   *
   * @default 'allow'
   */
  @Optional(oneOf('allow', 'deny'))
  readonly undeclaredScopes?: 'allow' | 'deny' | undefined;

  /**
   * The most that this client may ever ask for. A decorator beyond it fails at boot, a call beyond it fails before
   * anything is sent, and a request without scopes asks for exactly these.
   */
  @Optional(scopes)
  readonly allowedScopes?: AssetScopes | undefined;

  /**
   * What happens when a token's own claims show other scopes or another business than was asked for: log a warning, or
   * fail with `ASSET_GRANT_MISMATCH`. Tokens without such claims are taken at their word.
   *
   * @default 'warn'
   */
  @Optional(oneOf('warn', 'error'))
  readonly grantedScopes?: 'warn' | 'error' | undefined;

  /**
   * Lifetime in seconds to ask for (`expires_in` of the token request).
   *
   * @default 3600
   */
  @Optional(wholeNumber('seconds', 1, 315_360_000))
  readonly tokenTtlSeconds?: number | undefined;

  /**
   * The last part of a token's life in which its successor is fetched in the background; above 0, up to 0.5.
   *
   * @default 0.25
   */
  @Optional(ratio)
  readonly refreshAheadRatio?: number | undefined;

  /**
   * Deadline of one token request in milliseconds, connection and answer together. Callers that find all slots taken
   * wait at most as long again.
   *
   * @default 10000
   */
  @Optional(wholeNumber('milliseconds', 1, MAX_TIMER_MS))
  readonly tokenTimeoutMs?: number | undefined;

  /**
   * Most tokens kept; the least recently used leaves first.
   *
   * @default 10000
   */
  @Optional(wholeNumber('tokens', 1, 10_000_000))
  readonly maxTokens?: number | undefined;

  /**
   * Most token requests under way at once, over all scopes and businesses. Callers that wait go before background
   * refreshes.
   *
   * @default 8
   */
  @Optional(wholeNumber('requests', 1, 1000))
  readonly maxConcurrentTokenRequests?: number | undefined;

  /**
   * `'lazy'` asks for nothing at boot. `'warm'` asks for the default token at boot and logs if that fails. `'required'`
   * refuses to boot without it. The default token of the latter two is kept fresh for ever.
   *
   * @default 'lazy'
   */
  @Optional(oneOf('lazy', 'warm', 'required'))
  readonly startup?: 'lazy' | 'warm' | 'required' | undefined;

  /**
   * Axios defaults of every API request. Its agents and proxy serve token requests too.
   *
   * @default {}
   */
  @Optional(httpDefaults)
  readonly http?: AssetHttpDefaults | undefined;
}

/**
 * What an application tells {@link AssetAuthModule} about itself. Checked at boot; every problem is reported at once in
 * one {@link AssetConfigError}.
 *
 * @example
 * ```ts
 * AssetAuthModule.forRoot({
 *   environment: 'sandbox',
 *   clientId: 'platform',
 *   clientSecret: () => secrets.read('asset-client-secret'),
 * });
 * ```
 */
export type AssetAuthOptions = Pick<AssetAuthOptionsShape, keyof AssetAuthOptionsShape>;

/** The names of all options; an unknown one is a mistake to point at, not to ignore. */
export const ASSET_AUTH_OPTION_NAMES = [
  'environment',
  'baseUrl',
  'tokenPath',
  'clientId',
  'clientSecret',
  'scopes',
  'businessId',
  'resource',
  'undeclaredScopes',
  'allowedScopes',
  'grantedScopes',
  'tokenTtlSeconds',
  'refreshAheadRatio',
  'tokenTimeoutMs',
  'maxTokens',
  'maxConcurrentTokenRequests',
  'startup',
  'http',
] as const satisfies readonly (keyof AssetAuthOptions)[];
