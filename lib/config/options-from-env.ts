// Reads the options from the environment, each from the variable of its name.
import { ASSET_AUTH_OPTION_NAMES, type AssetAuthOptions, OPTION_KINDS } from './asset-auth.options.js';

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
    if (text !== undefined) options[option] = valueOf(text, OPTION_KINDS[option]);
  }
  return options as unknown as AssetAuthOptions;
}

/** The variable of an option, such as `ASSET_TOKEN_TTL_SECONDS`, or `undefined` if it has none. */
export function environmentVariable(option: keyof AssetAuthOptions): string | undefined {
  if (OPTION_KINDS[option] === 'object') return undefined;
  return `ASSET_${option.replace(/[A-Z]/g, '_$&').toUpperCase()}`;
}

/** `ASSET_SCOPES=` becomes an empty list, and text that is no number stays text: the options refuse both. */
function valueOf(text: string, kind: string): unknown {
  if (kind === 'list') return text.split(' ').filter((scope) => scope !== '');
  const isNumber = kind === 'number' && text.trim() !== '' && !Number.isNaN(Number(text));
  return isNumber ? Number(text) : text;
}
