import type { AssetSandboxOptions, AssetSandboxSettings } from './sandbox.options.js';
import { isScopeToken } from './scope-token.js';

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

export const DEFAULT_SETTINGS: AssetSandboxSettings = Object.freeze({
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
  maxRecordedRequests: ['a positive whole number', isPositiveWhole],
  maxBodyBytes: ['a positive whole number', isPositiveWhole],
};

/** @throws TypeError that names every option that is unknown or unusable, never showing a value. */
export function assertOptions(options: AssetSandboxOptions): void {
  assertRules('AssetSandbox.start', options, OPTION_RULES);
}

/** Lays the settings among `changes` over `settings`; `undefined` means "as it was". */
export function mergeSettings(
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

/** @throws TypeError that names every setting that is unknown or unusable. */
export function assertSettings(changes: Partial<AssetSandboxSettings>): void {
  assertRules('AssetSandbox.configure', changes, SETTING_RULES);
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
