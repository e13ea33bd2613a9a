// The configuration of a client: its options, checked together and with their defaults.
import { inspect, type InspectOptionsStylized } from 'node:util';
import type {
  AssetAuthOptions,
  AssetClientSecret,
  AssetEnvironment,
  AssetHttpDefaults,
} from './asset-auth.options.js';
import { checkedOptions, ORIGINS } from './checked-options.js';
import { type AssetScopes, resourceSet, scopeSet, type ScopeSet } from './scope-set.js';
import type { AssetTokenStore } from './token-store.js';
import { type AssetStartupMode, type AssetStartupRequest, startupPlan } from './startup.js';

/**
 * The options, checked, with defaults filled in, and frozen. Inject it to read how a client is set up; it prints no
 * secret.
 *
 * @example
 * ```ts
 * constructor(private readonly config: AssetAuthConfig) {
 *   this.logger.log(`Talking to Asset at ${config.origin}`);
 * }
 * ```
 */
export class AssetAuthConfig {
  /** `'sandbox'`, `'production'`, or the origin when only `baseUrl` was given. */
  readonly environment: string;
  /** The client's name; `undefined` for the default one. */
  readonly name: string | undefined;
  /** Scheme, host and port that tokens may be sent to. */
  readonly origin: string;
  /** Absolute URL of the token endpoint. */
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly scopes: ScopeSet | undefined;
  readonly businessId: string | undefined;
  /** Sorted, without duplicates; compared as text. */
  readonly resource: readonly string[] | undefined;
  readonly undeclaredScopes: 'allow' | 'deny';
  readonly allowedScopes: ScopeSet | undefined;
  readonly grantedScopes: 'warn' | 'error';
  /** Seconds. */
  readonly tokenTtlSeconds: number;
  /** Share of a token's life. */
  readonly refreshAheadRatio: number;
  /** Milliseconds. */
  readonly tokenTimeoutMs: number;
  readonly maxTokens: number;
  readonly maxConcurrentTokenRequests: number;
  /** Its tokens are {@link startupRequests}. */
  readonly startup: AssetStartupMode;
  readonly storePrefix: string;
  /** Milliseconds. */
  readonly storeTimeoutMs: number;
  // Private, so that no dump of the configuration shows the secret or a proxy's password.
  readonly #clientSecret: AssetClientSecret;
  readonly #http: AssetHttpDefaults;
  readonly #store: AssetTokenStore | undefined;
  readonly #storeKeys: readonly string[];
  readonly #startupRequests: readonly AssetStartupRequest[];

  /**
   * @throws AssetConfigError naming every problem of the options at once
   */
  constructor(given: AssetAuthOptions, name?: string) {
    this.name = name;
    const options = checkedOptions(given);
    // The options were checked: without a base URL there is an environment.
    const { baseUrl = ORIGINS[options.environment as AssetEnvironment] } = options;
    this.origin = new URL(baseUrl).origin;
    this.environment = options.environment ?? this.origin;
    this.tokenUrl = this.origin + (options.tokenPath ?? '/v0/auth/token');
    this.clientId = options.clientId;
    this.#clientSecret = options.clientSecret;
    this.scopes = setOf(options.scopes);
    this.businessId = options.businessId;
    this.resource = options.resource === undefined ? undefined : resourceSet(options.resource);
    this.undeclaredScopes = options.undeclaredScopes ?? 'deny';
    this.allowedScopes = setOf(options.allowedScopes);
    this.grantedScopes = options.grantedScopes ?? 'warn';
    this.tokenTtlSeconds = options.tokenTtlSeconds ?? 3600;
    this.refreshAheadRatio = options.refreshAheadRatio ?? 0.25;
    this.tokenTimeoutMs = options.tokenTimeoutMs ?? 10_000;
    this.maxTokens = options.maxTokens ?? 10_000;
    this.maxConcurrentTokenRequests = options.maxConcurrentTokenRequests ?? 8;
    this.#store = options.store;
    this.#storeKeys = options.storeKeys ?? [];
    this.storePrefix = options.storePrefix ?? 'asset-auth:';
    this.storeTimeoutMs = options.storeTimeoutMs ?? 250;
    const { mode, requests } = startupPlan(options.startup);
    this.startup = mode;
    this.#startupRequests = requests;
    this.#http = Object.freeze(httpDefaults(options.http));
    Object.freeze(this);
  }

  /** Which client this is, for messages: its name if it has one, its environment, its origin if that is not the usual one. */
  get label(): string {
    const { name, environment, origin } = this;
    const isUsual = environment === origin || Object.values(ORIGINS).includes(origin);
    return [name === undefined ? [] : `client ${name}`, environment, isUsual ? [] : origin].flat().join(', ');
  }

  /** The tokens that are fetched at boot and kept fresh; none with `startup: 'lazy'`. */
  get startupRequests(): readonly AssetStartupRequest[] {
    return this.#startupRequests;
  }

  /** Axios defaults of API requests: those given, over a `timeout` of 30 seconds and `maxRedirects: 0`. */
  get http(): AssetHttpDefaults {
    return this.#http;
  }

  /** Where processes share their tokens; `undefined`: this one has its own. */
  get store(): AssetTokenStore | undefined {
    return this.#store;
  }

  /** Whether the secret can change while the application runs. */
  get hasRotatingSecret(): boolean {
    return typeof this.#clientSecret === 'function';
  }

  /** Printed without the getters: `inspect` would call them on request, and `http` may hold a proxy's password. */
  [inspect.custom](_depth: number, options: InspectOptionsStylized): string {
    return `${AssetAuthConfig.name} ${inspect(Object.assign({}, this), options)}`;
  }

  /** The keys that seal what is stored, the one in use first. Empty without a store. */
  readStoreKeys(): readonly string[] {
    return this.#storeKeys;
  }

  /** The present secret. If the option is a function, it is called each time, and what it throws is thrown. */
  async readClientSecret(): Promise<string> {
    return typeof this.#clientSecret === 'function' ? this.#clientSecret() : this.#clientSecret;
  }
}

/** Without a prototype: what is left on `Object.prototype` is no default. */
function httpDefaults(http: AssetHttpDefaults = Object.create(null) as object): AssetHttpDefaults {
  const { timeout = 30_000, maxRedirects = 0 } = http;
  return Object.assign(Object.create(null) as object, http, { timeout, maxRedirects });
}

const setOf = (scopes: AssetScopes | undefined): ScopeSet | undefined =>
  scopes === undefined ? undefined : scopeSet(scopes);
