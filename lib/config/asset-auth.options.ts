// The options of a client: what each means, its default and its check. Users write them as `AssetAuthOptions`.
import type { HttpService } from '@nestjs/axios';
import { IsIn, IsInt, IsOptional, IsPositive, Max, Min } from 'class-validator';
import { MAX_TIMER_MS } from './clock.js';
import {
  CHOICE,
  decorator,
  IsBusinessId,
  IsClientSecret,
  IsCredential,
  IsHttpDefaults,
  IsOrigin,
  IsResource,
  IsScopes,
  IsTokenPath,
  numberMessage,
  type RESERVED,
} from './option-checks.js';
import type { AssetScopes } from './scope-set.js';
import { type AssetTokenStore, storeKeysProblem, storePrefixProblem, storeProblem } from './token-store.js';
import { type AssetStartup, type AssetStartupMode, startupProblem } from './startup.js';

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
  (typeof RESERVED)[number]
>;

const SECONDS = numberMessage('a whole number of seconds from 1 to 315360000');
const MILLISECONDS = numberMessage(`a whole number of milliseconds from 1 to ${MAX_TIMER_MS}`);
const STORE_MILLISECONDS = numberMessage('a whole number of milliseconds from 1 to 60000');
const TOKENS = numberMessage('a whole number of tokens from 1 to 10000000');
const REQUESTS = numberMessage('a whole number of requests from 1 to 1000');
const RATIO = numberMessage('a number above 0 and up to 0.5');

const IsStartup = decorator('isStartup', startupProblem);
const IsStore = decorator('isStore', storeProblem);
const AreStoreKeys = decorator('areStoreKeys', storeKeysProblem);
const IsStorePrefix = decorator('isStorePrefix', storePrefixProblem);

/** The options with their checks. `@IsOptional` lets `null` pass, which is refused for all options at once. */
export class AssetAuthOptionsShape {
  /**
   * Which environment to talk to: `'sandbox'` or `'production'`, which is checked at boot, since it mostly comes from
   * configuration. Decides the origin. Required unless `baseUrl` is given.
   */
  @IsOptional()
  @IsIn(['sandbox', 'production'], CHOICE)
  readonly environment?: AssetEnvironment | (string & {}) | undefined;

  /**
   * Another origin, such as a gateway or `AssetSandbox`: https, or http on a loopback address.
   *
   * @default the origin of `environment`
   */
  @IsOptional()
  @IsOrigin()
  readonly baseUrl?: string | undefined;

  /**
   * Path of the token endpoint.
   *
   * @default '/v0/auth/token'
   */
  @IsOptional()
  @IsTokenPath()
  readonly tokenPath?: string | undefined;

  /** OAuth client id, from registering an application in the Asset Dashboard. */
  @IsCredential()
  readonly clientId!: string;

  /** OAuth client secret. Never logged, never part of an error. */
  @IsClientSecret()
  readonly clientSecret!: AssetClientSecret;

  /** Scopes for requests that declare none. */
  @IsOptional()
  @IsScopes()
  readonly scopes?: AssetScopes | undefined;

  /** Business for requests that declare none. */
  @IsOptional()
  @IsBusinessId()
  readonly businessId?: string | undefined;

  /** Resource indicator or indicators (RFC 8707) for requests that declare none, such as `https://api.getasset.com/mcp`. */
  @IsOptional()
  @IsResource()
  readonly resource?: string | readonly string[] | undefined;

  /**
   * What happens to a request for which nobody declared a scope: `'deny'` fails it with `ASSET_SCOPE_UNDECLARED` before
   * anything is sent, `'allow'` asks for the client's full grant.
   *
   * @default 'deny'
   */
  @IsOptional()
  @IsIn(['allow', 'deny'], CHOICE)
  readonly undeclaredScopes?: 'allow' | 'deny' | undefined;

  /**
   * The most that this client may ever ask for. A decorator beyond it fails at boot, a call beyond it fails before
   * anything is sent. With `undeclaredScopes: 'allow'`, a request without scopes asks for exactly these.
   */
  @IsOptional()
  @IsScopes()
  readonly allowedScopes?: AssetScopes | undefined;

  /**
   * What happens when a token's own claims, or else the `scope` of its answer, show other scopes than were asked for: log
   * a warning, or fail with `ASSET_GRANT_MISMATCH`. A token that says it is of another business always fails.
   *
   * @default 'warn'
   */
  @IsOptional()
  @IsIn(['warn', 'error'], CHOICE)
  readonly grantedScopes?: 'warn' | 'error' | undefined;

  /**
   * Lifetime in seconds to ask for (`expires_in` of the token request).
   *
   * @default 3600
   */
  @IsOptional()
  @IsInt(SECONDS)
  @Min(1, SECONDS)
  @Max(315_360_000, SECONDS)
  readonly tokenTtlSeconds?: number | undefined;

  /**
   * The last part of a token's life in which its successor is fetched in the background; above 0, up to 0.5.
   *
   * @default 0.25
   */
  @IsOptional()
  @IsPositive(RATIO)
  @Max(0.5, RATIO)
  readonly refreshAheadRatio?: number | undefined;

  /**
   * Deadline of one token request in milliseconds, connection and answer together. Callers that find all slots taken
   * wait at most as long again.
   *
   * @default 10000
   */
  @IsOptional()
  @IsInt(MILLISECONDS)
  @Min(1, MILLISECONDS)
  @Max(MAX_TIMER_MS, MILLISECONDS)
  readonly tokenTimeoutMs?: number | undefined;

  /**
   * Most tokens kept; the least recently used leaves first.
   *
   * @default 10000
   */
  @IsOptional()
  @IsInt(TOKENS)
  @Min(1, TOKENS)
  @Max(10_000_000, TOKENS)
  readonly maxTokens?: number | undefined;

  /**
   * Most token requests under way at once, over all scopes and businesses. Callers that wait go before background
   * refreshes.
   *
   * @default 8
   */
  @IsOptional()
  @IsInt(REQUESTS)
  @Min(1, REQUESTS)
  @Max(1000, REQUESTS)
  readonly maxConcurrentTokenRequests?: number | undefined;

  /**
   * `'lazy'` asks for nothing at boot. `'warm'` asks for the default token at boot and logs if that fails. `'required'`
   * refuses to boot without it. Both keep it fresh as long as the application runs, and need `scopes` or
   * `undeclaredScopes: 'allow'`. `{ mode, requests }` names other tokens. They are asked for in
   * `onApplicationBootstrap`, so that a secret may come from a provider that connects in `onModuleInit`.
   *
   * @default 'lazy'
   */
  @IsOptional()
  @IsStartup()
  readonly startup?: AssetStartupMode | AssetStartup | undefined;

  /**
   * Where processes with the same client share their tokens, so that a fleet asks for each token once. Tokens are sealed
   * with {@link storeKeys}. Without it, each process has its own.
   */
  @IsOptional()
  @IsStore()
  readonly store?: AssetTokenStore | undefined;

  /**
   * 1 to 8 keys of 32 bytes, in base64 (`openssl rand -base64 32`); required with {@link store}. The first seals, all open:
   * to change keys, put the new one in front, and drop the old one when all processes have it and a token's life is over.
   */
  @IsOptional()
  @AreStoreKeys()
  readonly storeKeys?: readonly string[] | undefined;

  /**
   * What the names in the store begin with, for access lists such as Redis' `~asset-auth:*`.
   *
   * @default 'asset-auth:'
   */
  @IsOptional()
  @IsStorePrefix()
  readonly storePrefix?: string | undefined;

  /**
   * Milliseconds that a caller with nothing in hand waits for one operation of the store. In the background up to eight
   * times that, and at most a tenth of what the token has left.
   *
   * @default 250
   */
  @IsOptional()
  @IsInt(STORE_MILLISECONDS)
  @Min(1, STORE_MILLISECONDS)
  @Max(60_000, STORE_MILLISECONDS)
  readonly storeTimeoutMs?: number | undefined;

  /**
   * Axios defaults of every API request. Its agents and proxy serve token requests too. `timeout` is in milliseconds,
   * and 0 means none; `maxRedirects: 0` refuses redirects. Each default holds unless that name is given.
   *
   * @default { timeout: 30_000, maxRedirects: 0 }
   */
  @IsOptional()
  @IsHttpDefaults()
  readonly http?: AssetHttpDefaults | undefined;
}

/**
 * The options of {@link AssetAuthModule}. Checked at boot; every problem is reported at once in one
 * {@link AssetConfigError}.
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

/** What each option holds in the environment: text, a list of scopes, of keys, a number, or nothing at all (an object). */
export const OPTION_KINDS = {
  environment: 'text',
  baseUrl: 'text',
  tokenPath: 'text',
  clientId: 'text',
  clientSecret: 'text',
  scopes: 'list',
  businessId: 'text',
  resource: 'text',
  undeclaredScopes: 'text',
  allowedScopes: 'list',
  grantedScopes: 'text',
  tokenTtlSeconds: 'number',
  refreshAheadRatio: 'number',
  tokenTimeoutMs: 'number',
  maxTokens: 'number',
  maxConcurrentTokenRequests: 'number',
  startup: 'text',
  store: 'object',
  storeKeys: 'keys',
  storePrefix: 'text',
  storeTimeoutMs: 'number',
  http: 'object',
} as const satisfies Record<keyof AssetAuthOptions, string>;

export const ASSET_AUTH_OPTION_NAMES = Object.keys(OPTION_KINDS) as (keyof AssetAuthOptions)[];
