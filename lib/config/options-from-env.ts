// Reads the options from the environment, each from the variable of its name.
import { ASSET_AUTH_OPTION_NAMES, type AssetAuthOptions } from './asset-auth.options.js';

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
export function assetAuthOptionsFromEnv(
  env: Readonly<Record<string, string | undefined>> = process.env,
): AssetAuthOptions {
  const options: Record<string, unknown> = {};
  for (const option of ASSET_AUTH_OPTION_NAMES) {
    const variable = environmentVariable(option);
    const text = variable === undefined ? undefined : env[variable];
    if (text !== undefined) options[option] = READERS[option]?.(text) ?? text;
  }
  return options as unknown as AssetAuthOptions;
}

/** Options that hold objects, which no variable can. */
const WITHOUT_VARIABLE: readonly (keyof AssetAuthOptions)[] = ['http'];

/** The variable of an option, such as `ASSET_TOKEN_TTL_SECONDS`, or `undefined` if it has none. */
export function environmentVariable(option: keyof AssetAuthOptions): string | undefined {
  if (WITHOUT_VARIABLE.includes(option)) return undefined;
  return `ASSET_${option.replace(/[A-Z]/g, '_$&').toUpperCase()}`;
}

/** `ASSET_SCOPES=` becomes an empty list, which the options refuse: it must not ask for everything. */
const list = (text: string): unknown => text.split(' ').filter((scope) => scope !== '');

/** Text that is no number stays text, which the options refuse. */
function number(text: string): unknown {
  const parsed = Number(text);
  return text.trim() === '' || Number.isNaN(parsed) ? text : parsed;
}

/** The options that are more than text. */
const READERS: Readonly<{ [Option in keyof AssetAuthOptions]?: (text: string) => unknown }> = {
  scopes: list,
  allowedScopes: list,
  tokenTtlSeconds: number,
  refreshAheadRatio: number,
  tokenTimeoutMs: number,
  maxTokens: number,
  maxConcurrentTokenRequests: number,
};
