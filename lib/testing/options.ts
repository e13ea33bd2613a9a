import type { AssetClock } from './clock.js';
import type { SandboxRequest } from './recorder.js';

/** Options of {@link AssetSandbox.start}. Every one is optional. */
export interface AssetSandboxOptions extends Partial<AssetSandboxSettings> {
  /** The port on 127.0.0.1. Default 0: any free one. */
  readonly port?: number;
  /** The sandbox's own clock, for expiry, `Date`, rate limits and latency. Default: the machine's. */
  readonly clock?: AssetClock;
  /** Default: a random one. */
  readonly clientId?: string;
  /** Default: a random one, with characters that a client has to form-encode. */
  readonly clientSecret?: string;
  /** How many requests (and issued tokens) are remembered; the oldest are forgotten first. Default 100 000. */
  readonly maxRecordedRequests?: number;
  /** The largest request body that is read, in bytes; above it the answer is 413. Default 10 MiB. */
  readonly maxBodyBytes?: number;
  /** Called with each request once its answer leaves, or it is certain that none will: then its `status` is `undefined`. */
  readonly onRequest?: (request: SandboxRequest) => void;
}

/**
 * How an {@link AssetSandbox} behaves. All of it can be changed while it runs, with {@link AssetSandbox.configure}.
 *
 * Where Asset documents several behaviours, or none, there is a switch; a client that is sure to work with Asset works
 * with every position of it.
 */
export interface AssetSandboxSettings {
  /**
   * The scopes that the client has been granted in the Asset Dashboard. Default: the 15 documented ones and
   * `business:read`, whose name is assumed.
   */
  readonly scopes: readonly string[];

  /**
   * The shape of `expires_in` in a token answer, of which the Asset API reference documents three:
   * - `'timestamp'` (default): the unix time in seconds at which the token expires;
   * - `'seconds'`: its lifetime, as RFC 6749 §5.1 has it;
   * - `'absent'`: none, as in the Asset authentication guide.
   *
   * `'string'` is the lifetime as a string, which many servers send although no document says so.
   */
  readonly expiresIn: 'timestamp' | 'seconds' | 'string' | 'absent';

  /**
   * How many seconds a token lives: `'asked'` (default) for the request's own `expires_in`, or 3600 where it names none;
   * a number for that many, whatever was asked. A token is refused from the earliest moment on that its answer names.
   */
  readonly tokenLifetimeSeconds: 'asked' | number;

  /** `'jwt'` (default): signed with HS256 and a key of this sandbox. `'opaque'`: a random string. */
  readonly tokenFormat: 'jwt' | 'opaque';

  /**
   * What a JWT claims. `'full'` (default): `aud`, `iat`, `exp`, `jti`, `scope`, `client_id` and, if narrowed,
   * `business_id`. `'documented'`: `aud`, the only claim that Asset documents, and a `jti`.
   */
  readonly jwtClaims: 'full' | 'documented';

  /**
   * What happens to a request for a scope that the client lacks, which Asset does not document. `'reject'` (default):
   * 400 `invalid_scope`, as in RFC 6749 §5.2. `'narrow'`: the scope is left out silently; where none would remain, 400.
   */
  readonly missingScope: 'reject' | 'narrow';

  /** What a request without `scope` is granted, which Asset does not document. Default `'everything'` the client has. */
  readonly omittedScope: 'everything' | 'nothing';

  /** Whether a token narrowed to a business may call tenant-level paths, which Asset does not document. Default `'allow'`. */
  readonly businessTokensOnTenantPaths: 'allow' | 'reject';

  /**
   * The fields of an error body, which Asset does not document: `'message'` (default) for `error` and `message`,
   * `'oauth'` for `error` and `error_description`, `'detail'` for `detail` alone, `'empty'` for no body at all.
   */
  readonly errorFormat: 'message' | 'oauth' | 'detail' | 'empty';

  /**
   * Whether the `x-ratelimit-*` headers are sent and 429 is answered above the limit. `true` for the documented limits.
   * Default `false`, so that a test suite is not slowed down by its own size.
   */
  readonly rateLimits: boolean | SandboxRateLimits;

  /**
   * Milliseconds between the moment an answer is ready and the moment it leaves, measured on the sandbox's clock. A number
   * stands for both kinds of request. Default 0. What an answer says was true when the request arrived, so a token
   * that travels slowly has lived for as long.
   */
  readonly latencyMs: number | SandboxLatency;

  /** Hand out the same token again for the same request until less than a tenth of its life is left. Default `false`. */
  readonly stickyTokens: boolean;

  /** Whether answers carry a `Date` header, which shows the sandbox's clock. Default `'on'`. */
  readonly date: 'on' | 'off';
}

/** The limits of an {@link AssetSandbox}, per minute of its clock. Anything left out is as the Asset API reference says. */
export interface SandboxRateLimits {
  /** Tenant-level requests a minute. Default 300 (Asset API reference). */
  readonly tenantPerMinute?: number;
  /** Requests a minute for each business. Default 300 (Asset API reference; that each business counts apart is assumed). */
  readonly businessPerMinute?: number;
  /** Whether token requests count as tenant-level requests, which Asset does not document. Default false. */
  readonly tokenRequestsCount?: boolean;
}

/** How long an {@link AssetSandbox} sits on its finished answers, in milliseconds of its clock. */
export interface SandboxLatency {
  /** For token requests. Default 0. */
  readonly token?: number;
  /** For all other requests. Default 0. */
  readonly api?: number;
}

const DOCUMENTED_SCOPES = [
  'business:create',
  'ledger:create',
  'ledger:read',
  'ledger:update',
  'journal_entry:create',
  'transaction:update',
  'invoice:create',
  'invoice:update',
  'bill:create',
  'bill:update',
  'credit_memo:create',
  'vendor_credit:create',
  'request:read',
  'request:create',
  'report:read',
] as const;

const DEFAULT_SETTINGS: AssetSandboxSettings = Object.freeze({
  scopes: [...DOCUMENTED_SCOPES, 'business:read'],
  expiresIn: 'timestamp',
  tokenLifetimeSeconds: 'asked',
  tokenFormat: 'jwt',
  jwtClaims: 'full',
  missingScope: 'reject',
  omittedScope: 'everything',
  businessTokensOnTenantPaths: 'allow',
  errorFormat: 'message',
  rateLimits: false,
  latencyMs: 0,
  stickyTokens: false,
  date: 'on',
});

type Check = (value: unknown) => boolean;
type Rule = readonly [mustBe: string, check: Check];

const oneOf = (...allowed: readonly string[]): Rule => [
  `one of ${allowed.map((value) => `'${value}'`).join(', ')}`,
  (value) => allowed.some((one) => one === value),
];
const flag: Rule = ['true or false', (value) => typeof value === 'boolean'];
const text: Rule = ['a non-empty string', (value) => typeof value === 'string' && value !== ''];

const SETTING_RULES: { readonly [K in keyof AssetSandboxSettings]: Rule } = {
  scopes: [
    'a list of scope strings such as ledger:read',
    (value) =>
      Array.isArray(value) && value.every((scope) => typeof scope === 'string' && isScopeToken(scope)),
  ],
  expiresIn: oneOf('timestamp', 'seconds', 'string', 'absent'),
  tokenLifetimeSeconds: [
    "'asked' or a positive whole number",
    (value) => value === 'asked' || isPositiveWhole(value),
  ],
  tokenFormat: oneOf('jwt', 'opaque'),
  jwtClaims: oneOf('full', 'documented'),
  missingScope: oneOf('reject', 'narrow'),
  omittedScope: oneOf('everything', 'nothing'),
  businessTokensOnTenantPaths: oneOf('allow', 'reject'),
  errorFormat: oneOf('message', 'oauth', 'detail', 'empty'),
  rateLimits: [
    'true, false or { tenantPerMinute, businessPerMinute, tokenRequestsCount } with positive whole numbers',
    (value) =>
      typeof value === 'boolean' ||
      hasOnly(value, {
        tenantPerMinute: isPositiveWhole,
        businessPerMinute: isPositiveWhole,
        tokenRequestsCount: flag[1],
      }),
  ],
  latencyMs: [
    'a number of milliseconds or { token, api }, each 0 to 2147483647',
    (value) => isDelay(value) || hasOnly(value, { token: isDelay, api: isDelay }),
  ],
  stickyTokens: flag,
  date: oneOf('on', 'off'),
};

const OPTION_RULES: { readonly [K in keyof Required<AssetSandboxOptions>]: Rule } = {
  ...SETTING_RULES,
  port: [
    'a port number, 0 to 65535',
    (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 65_535,
  ],
  clock: ['an AssetClock with now, monotonic and setTimeout', isClock],
  clientId: text,
  clientSecret: text,
  onRequest: ['a function', (value) => typeof value === 'function'],
  maxRecordedRequests: ['a positive whole number', isPositiveWhole],
  maxBodyBytes: ['a positive whole number', isPositiveWhole],
};

/**
 * The settings that a sandbox starts with.
 *
 * @throws TypeError that names every option that is unknown or unusable, never showing a value.
 */
export function initialSettings(options: AssetSandboxOptions): AssetSandboxSettings {
  assertRules('AssetSandbox.start', options, OPTION_RULES);
  return mergeSettings(DEFAULT_SETTINGS, options);
}

/** @throws TypeError that names every setting that is unknown or unusable. */
export function changedSettings(
  settings: AssetSandboxSettings,
  changes: Partial<AssetSandboxSettings>,
): AssetSandboxSettings {
  assertRules('AssetSandbox.configure', changes, SETTING_RULES);
  return mergeSettings(settings, changes);
}

/** Lays the settings among `changes` over `settings`; `undefined` means "as it was". */
function mergeSettings(
  settings: AssetSandboxSettings,
  changes: Partial<AssetSandboxSettings>,
): AssetSandboxSettings {
  const known = Object.entries(changes).filter(
    ([name, value]: [string, unknown]) => Object.hasOwn(SETTING_RULES, name) && value !== undefined,
  );
  const merged: AssetSandboxSettings = {
    ...settings,
    ...(Object.fromEntries(known) as Partial<AssetSandboxSettings>),
  };
  return Object.freeze({ ...merged, scopes: Object.freeze([...merged.scopes]) });
}

function assertRules(where: string, given: object, rules: Readonly<Record<string, Rule>>): void {
  const problems = Object.entries(given).flatMap(([name, value]: [string, unknown]) => {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule === undefined) {
      return [`\`${name}\` is not one of: ${Object.keys(rules).join(', ')}`];
    }
    return value === undefined || rule[1](value) ? [] : [`\`${name}\` must be ${rule[0]}`];
  });
  if (problems.length > 0) {
    throw new TypeError(`${where}: ${problems.join('; ')}.`);
  }
}

/** Whether `text` is one scope-token of RFC 6749 §3.3: printable ASCII without space, `"` and `\`. */
export function isScopeToken(text: string): boolean {
  return /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(text);
}

function hasOnly(value: unknown, checks: Readonly<Record<string, Check>>): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.entries(value).every(
      ([name, member]) =>
        Object.hasOwn(checks, name) && (member === undefined || checks[name]?.(member) === true),
    )
  );
}

function isPositiveWhole(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) > 0;
}

function isDelay(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= 2 ** 31 - 1;
}

function isClock(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    ['now', 'monotonic', 'setTimeout'].every((name) => typeof Reflect.get(value, name) === 'function')
  );
}
