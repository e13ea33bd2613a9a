// The configuration of a client: its options, checked together and with their defaults.
import { inspect, type InspectOptionsStylized } from 'node:util';
import { validateSync } from 'class-validator';
import { AssetConfigError, type AssetConfigProblem } from './asset-auth.errors.js';
import {
  ASSET_AUTH_OPTION_NAMES,
  type AssetAuthOptions,
  AssetAuthOptionsShape,
  type AssetClientSecret,
  type AssetEnvironment,
  type AssetHttpDefaults,
} from './asset-auth.options.js';
import { environmentVariable } from './options-from-env.js';
import { said } from './plain-object.js';
import { scopeSet, type AssetScopes, type ScopeSet, scopesBeyond, scopesProblem } from './scope-set.js';
import { described, printable, quoted } from './text.js';

/** The origin of each environment (Asset API reference). */
const ORIGINS: Readonly<Record<AssetEnvironment, string>> = {
  sandbox: 'https://api.sandbox.getasset.com',
  production: 'https://api.getasset.com',
};

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
    // The options were checked: without a base URL there is an environment.
    const { baseUrl = ORIGINS[options.environment ?? 'sandbox'] } = options;
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
    this.startup = options.startup ?? 'lazy';
    const { timeout = 30_000, maxRedirects = 0 } = options.http ?? {};
    this.#http = Object.freeze({ ...options.http, timeout, maxRedirects });
    Object.freeze(this);
  }

  /** Axios defaults of API requests: those given, over a `timeout` of 30 seconds and `maxRedirects: 0`. */
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

  /** The present secret. If the option is a function, it is called each time, and what it throws is thrown. */
  async readClientSecret(): Promise<string> {
    return typeof this.#clientSecret === 'function' ? this.#clientSecret() : this.#clientSecret;
  }
}

const setOf = (scopes: AssetScopes | undefined): ScopeSet | undefined =>
  scopes === undefined ? undefined : scopeSet(scopes);

/** One or more resource indicators in normal form. Compared as text: RFC 8707 defines no equivalence of URIs. */
export function resourceSet(resource: string | readonly string[]): readonly string[] {
  return Object.freeze([...new Set(typeof resource === 'string' ? [resource] : resource)].sort());
}

/**
 * The options that are given, copied: `undefined` means "not given", and a getter is read once, so that the values that
 * are checked are those that are used.
 *
 * @throws AssetConfigError naming every problem at once, each option by itself and then between options
 */
function checkedOptions(given: unknown): AssetAuthOptions {
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
    const value: unknown = said(given as Record<string, unknown>, name);
    if (value !== undefined) options[name] = shallowCopy(value);
  }
  return Object.assign(new AssetAuthOptionsShape(), options);
}

/** Shallow, since the agents and signals within `http` are themselves meant. */
function shallowCopy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Array.isArray(value) ? [...(value as unknown[])] : { ...value };
}

function unknownOptions(given: object): AssetConfigProblem[] {
  const known: readonly string[] = ASSET_AUTH_OPTION_NAMES;
  const problem = `is not an option. The options are ${known.join(', ')}`;
  const unknown = Object.keys(given).filter((name) => !known.includes(name));
  return unknown.map((name) => ({ option: printable(name, 80), problem }));
}

function problemsOfEach(options: AssetAuthOptions): AssetConfigProblem[] {
  // By default class-validator keeps the object and its values, and thus the secret, in its errors.
  const errors = validateSync(options, { validationError: { target: false, value: false } });
  const values: Readonly<Record<string, unknown>> = { ...options };
  return ASSET_AUTH_OPTION_NAMES.flatMap((name) => {
    // The checks of one option have one message.
    const [found] = Object.values(errors.find(({ property }) => property === name)?.constraints ?? {});
    // `@IsOptional` lets null pass, and `allowedScopes: null` must not lift a limit.
    const unlessNull = values[name] === null ? 'must not be null. Leave the option out instead' : undefined;
    const problem = found ?? unlessNull;
    return problem === undefined ? [] : [problemOf(name, problem)];
  });
}

function problemsBetween(options: AssetAuthOptions): AssetConfigProblem[] {
  const { environment, baseUrl, scopes, allowedScopes, startup, undeclaredScopes = 'deny' } = options;
  const problems: AssetConfigProblem[] = [];
  if (environment === undefined && baseUrl === undefined) {
    const problem =
      "is missing. Say 'sandbox' or 'production' (their credentials are separate), or give a baseUrl";
    problems.push(problemOf('environment', problem));
  }
  if (wellFormed(scopes) && wellFormed(allowedScopes)) {
    const beyond = scopesBeyond(scopeSet(allowedScopes), scopeSet(scopes)).map(quoted).join(', ');
    const problem = `allowedScopes lacks ${beyond}. Add it there or leave it out here`;
    if (beyond !== '') problems.push(problemOf('scopes', problem));
  }
  const fetchesAtBoot = startup === 'warm' || startup === 'required';
  if (fetchesAtBoot && undeclaredScopes === 'deny' && scopes === undefined) {
    const problem = `'${startup}' asks for the default token, which undeclaredScopes: 'deny', the default, forbids without default scopes. Name some in the option scopes, or say undeclaredScopes: 'allow'`;
    problems.push(problemOf('startup', problem));
  }
  return problems;
}

function problemOf(option: keyof AssetAuthOptions, problem: string): AssetConfigProblem {
  const variable = environmentVariable(option);
  return { option, ...(variable === undefined ? {} : { variable }), problem };
}

const wellFormed = (scopes: AssetScopes | undefined): scopes is AssetScopes =>
  scopes !== undefined && scopesProblem(scopes) === undefined;
