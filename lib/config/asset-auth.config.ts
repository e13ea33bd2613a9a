import { inspect, type InspectOptionsStylized } from 'node:util';
import {
  type AssetAuthOptions,
  type AssetClientSecret,
  type AssetEnvironment,
  type AssetHttpDefaults,
  ASSET_AUTH_OPTION_NAMES,
  AssetAuthOptionsShape,
} from './asset-auth.options.js';
import { scopeSet, type AssetScopes, type ScopeSet, scopesBeyond, scopesProblem } from './scope-set.js';
import { validateSync } from 'class-validator';
import { AssetConfigError, type AssetConfigProblem } from './asset-auth.errors.js';
import { described, printable, quoted } from './text.js';

/** Where each environment lives (Asset API reference). */
const ORIGINS: Readonly<Record<AssetEnvironment, string>> = {
  sandbox: 'https://api.sandbox.getasset.com',
  production: 'https://api.getasset.com',
};

/**
 * The options as the library reads them: checked, with defaults filled in, frozen. Inject it to learn what an
 * application is set up for; it prints no secret.
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
  readonly startup: 'lazy' | 'warm' | 'required';
  // Private, so that no dump of the configuration shows the secret or a proxy's password.
  readonly #clientSecret: AssetClientSecret;
  readonly #http: AssetHttpDefaults;

  /**
   * @throws AssetConfigError naming every problem of the options at once
   */
  constructor(given: AssetAuthOptions) {
    const options = checkedOptions(given);
    this.origin = originOf(options);
    this.environment = options.environment ?? this.origin;
    this.tokenUrl = this.origin + (options.tokenPath ?? '/v0/auth/token');
    this.clientId = options.clientId;
    this.#clientSecret = options.clientSecret;
    this.scopes = setOf(options.scopes);
    this.businessId = options.businessId;
    this.resource = options.resource === undefined ? undefined : resourceSet(options.resource);
    this.undeclaredScopes = options.undeclaredScopes ?? 'allow';
    this.allowedScopes = setOf(options.allowedScopes);
    this.grantedScopes = options.grantedScopes ?? 'warn';
    this.tokenTtlSeconds = options.tokenTtlSeconds ?? 3600;
    this.refreshAheadRatio = options.refreshAheadRatio ?? 0.25;
    this.tokenTimeoutMs = options.tokenTimeoutMs ?? 10_000;
    this.maxTokens = options.maxTokens ?? 10_000;
    this.maxConcurrentTokenRequests = options.maxConcurrentTokenRequests ?? 8;
    this.startup = options.startup ?? 'lazy';
    this.#http = Object.freeze({ ...options.http });
    Object.freeze(this);
  }

  /** Axios defaults of API requests, as given. */
  get http(): AssetHttpDefaults {
    return this.#http;
  }

  /** Whether the secret can change while the application runs. */
  get hasRotatingSecret(): boolean {
    return typeof this.#clientSecret === 'function';
  }

  /** Printed without the getters: `inspect` would call them on request, and `http` may hold a proxy's password. */
  [inspect.custom](_depth: number, options: InspectOptionsStylized): string {
    return `${AssetAuthConfig.name} ${inspect(Object.assign({}, this), options)}`;
  }

  /** The secret as of now. A function that was given for it is called each time; what it throws is thrown. */
  async readClientSecret(): Promise<string> {
    return typeof this.#clientSecret === 'function' ? this.#clientSecret() : this.#clientSecret;
  }
}

function originOf({ baseUrl, environment }: AssetAuthOptions): string {
  if (baseUrl !== undefined) return new URL(baseUrl).origin;
  // The options were checked: without a base URL there is an environment.
  return ORIGINS[environment ?? 'sandbox'];
}

const setOf = (scopes: AssetScopes | undefined): ScopeSet | undefined =>
  scopes === undefined ? undefined : scopeSet(scopes);

/** One or more resource indicators in normal form. Compared as text: RFC 8707 defines no equivalence of URIs. */
export function resourceSet(resource: string | readonly string[]): readonly string[] {
  return Object.freeze([...new Set(typeof resource === 'string' ? [resource] : resource)].sort());
}

/**
 * The options that were said, copied: `undefined` means "not said here", and what was checked is what is used, whatever
 * a getter answers the next time.
 *
 * @throws AssetConfigError naming every problem at once, each option by itself and then between options
 */
export function checkedOptions(given: unknown): AssetAuthOptions {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    const problem = `must be an object, not ${described(given)}. Did a factory forget to return?`;
    throw new AssetConfigError([{ option: 'options', problem }]);
  }
  const options = knownOptions(given);
  const problems = [...unknownOptions(given), ...problemsOfEach(options), ...problemsBetween(options)];
  if (problems.length > 0) throw new AssetConfigError(problems);
  return options;
}

function knownOptions(given: object): AssetAuthOptions {
  const options: Record<string, unknown> = {};
  for (const name of ASSET_AUTH_OPTION_NAMES) {
    const value: unknown = (given as Record<string, unknown>)[name];
    if (value !== undefined) options[name] = shallowCopy(value);
  }
  return Object.assign(new AssetAuthOptionsShape(), options);
}

/** Shallow, since the agents and signals within `http` are themselves what is meant. */
function shallowCopy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Array.isArray(value) ? [...(value as unknown[])] : { ...value };
}

function unknownOptions(given: object): AssetConfigProblem[] {
  const known: readonly string[] = ASSET_AUTH_OPTION_NAMES;
  return Object.keys(given)
    .filter((name) => !known.includes(name))
    .map((name) => ({
      option: printable(name, 80),
      problem: `is not an option. The options are ${known.join(', ')}`,
    }));
}

function problemsOfEach(options: AssetAuthOptions): AssetConfigProblem[] {
  // By default class-validator keeps the object and its values, and thus the secret, in its errors.
  const errors = validateSync(options, { validationError: { target: false, value: false } });
  return errors.map(({ property, constraints = {} }) => ({
    option: property,
    problem: Object.values(constraints).join('; '),
  }));
}

function problemsBetween(options: AssetAuthOptions): AssetConfigProblem[] {
  const problems: AssetConfigProblem[] = [];
  if (options.environment === undefined && options.baseUrl === undefined) {
    problems.push({
      option: 'environment',
      problem:
        "is missing. Say 'sandbox' or 'production' (their credentials are separate), or give a baseUrl",
    });
  }
  const { scopes, allowedScopes } = options;
  if (wellFormed(scopes) && wellFormed(allowedScopes)) {
    const beyond = scopesBeyond(scopeSet(allowedScopes), scopeSet(scopes));
    if (beyond.length > 0) {
      problems.push({
        option: 'scopes',
        problem: `allowedScopes lacks ${beyond.map(quoted).join(', ')}. Add it there or leave it out here`,
      });
    }
  }
  const fetchesAtBoot = options.startup === 'warm' || options.startup === 'required';
  if (fetchesAtBoot && options.undeclaredScopes === 'deny' && scopes === undefined) {
    problems.push({
      option: 'startup',
      problem: `'${options.startup}' asks for the default token, which undeclaredScopes: 'deny' forbids without default scopes. Name some in the option scopes`,
    });
  }
  return problems;
}

const wellFormed = (scopes: AssetScopes | undefined): scopes is AssetScopes =>
  scopes !== undefined && scopesProblem(scopes) === undefined;
