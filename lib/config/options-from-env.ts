import type { AssetAuthOptions } from './asset-auth.options.js';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the options from `ASSET_*` variables: `ASSET_ENVIRONMENT`, `ASSET_BASE_URL`, `ASSET_TOKEN_PATH`,
 * `ASSET_CLIENT_ID`, `ASSET_CLIENT_SECRET`, `ASSET_SCOPES` and `ASSET_ALLOWED_SCOPES` (separated by spaces),
 * `ASSET_BUSINESS_ID`, `ASSET_RESOURCE`, `ASSET_UNDECLARED_SCOPES`, `ASSET_GRANTED_SCOPES`, `ASSET_TOKEN_TTL_SECONDS`,
 * `ASSET_REFRESH_AHEAD_RATIO`, `ASSET_TOKEN_TIMEOUT_MS`, `ASSET_MAX_TOKENS`, `ASSET_MAX_CONCURRENT_TOKEN_REQUESTS` and
 * `ASSET_STARTUP`. The values are checked where they are used, in `AssetAuthModule`. The environment is only read.
 *
 * @param env - where to read
 * @returns the options that are set, and no others
 *
 * @example
 * ```ts
 * AssetAuthModule.forRootAsync({ useFactory: () => assetAuthOptionsFromEnv() });
 * ```
 */
export function assetAuthOptionsFromEnv(env: Environment = process.env): AssetAuthOptions {
  const options: Record<string, unknown> = {};
  for (const [option, variable] of Object.entries(ENVIRONMENT_VARIABLES)) {
    const value = env[variable];
    if (value !== undefined) options[option] = (READERS[option] ?? asGiven)(value);
  }
  return options as unknown as AssetAuthOptions;
}

const asGiven = (value: string): unknown => value;

/** `ASSET_SCOPES=` (set, but empty) becomes an empty list, which the options refuse: it must not ask for everything. */
const list = (value: string): unknown => value.split(' ').filter((scope) => scope !== '');

/** What is no number stays text, which the check of the option refuses. */
function number(value: string): unknown {
  const parsed = Number(value);
  return value.trim() === '' || Number.isNaN(parsed) ? value : parsed;
}

/** The options that are more than text. */
const READERS: Readonly<Record<string, (value: string) => unknown>> = {
  scopes: list,
  allowedScopes: list,
  tokenTtlSeconds: number,
  refreshAheadRatio: number,
  tokenTimeoutMs: number,
  maxTokens: number,
  maxConcurrentTokenRequests: number,
} satisfies { readonly [Option in keyof AssetAuthOptions]?: (value: string) => unknown };

/** The variable of each option that one can be read from: all but `http`, which holds objects. */
export const ENVIRONMENT_VARIABLES = {
  environment: 'ASSET_ENVIRONMENT',
  baseUrl: 'ASSET_BASE_URL',
  tokenPath: 'ASSET_TOKEN_PATH',
  clientId: 'ASSET_CLIENT_ID',
  clientSecret: 'ASSET_CLIENT_SECRET',
  scopes: 'ASSET_SCOPES',
  businessId: 'ASSET_BUSINESS_ID',
  resource: 'ASSET_RESOURCE',
  undeclaredScopes: 'ASSET_UNDECLARED_SCOPES',
  allowedScopes: 'ASSET_ALLOWED_SCOPES',
  grantedScopes: 'ASSET_GRANTED_SCOPES',
  tokenTtlSeconds: 'ASSET_TOKEN_TTL_SECONDS',
  refreshAheadRatio: 'ASSET_REFRESH_AHEAD_RATIO',
  tokenTimeoutMs: 'ASSET_TOKEN_TIMEOUT_MS',
  maxTokens: 'ASSET_MAX_TOKENS',
  maxConcurrentTokenRequests: 'ASSET_MAX_CONCURRENT_TOKEN_REQUESTS',
  startup: 'ASSET_STARTUP',
} as const satisfies Readonly<Record<Exclude<keyof AssetAuthOptions, 'http'>, string>>;

/** The variable of an option, or `undefined` if it has none. */
export function environmentVariable(option: string): string | undefined {
  return Object.entries(ENVIRONMENT_VARIABLES).find(([name]) => name === option)?.[1];
}
