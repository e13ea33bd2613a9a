// Reads the options from the environment, each from the variable of its name.
import { ASSET_AUTH_OPTION_NAMES, type AssetAuthOptions, OPTION_KINDS } from './asset-auth.options.js';
import { said } from './plain-object.js';

/**
 * Reads the options from `ASSET_*` variables: `ASSET_ENVIRONMENT`, `ASSET_BASE_URL`, `ASSET_TOKEN_PATH`,
 * `ASSET_CLIENT_ID`, `ASSET_CLIENT_SECRET`, `ASSET_SCOPES` and `ASSET_ALLOWED_SCOPES` (separated by spaces),
 * `ASSET_BUSINESS_ID`, `ASSET_RESOURCE`, `ASSET_UNDECLARED_SCOPES`, `ASSET_GRANTED_SCOPES`, `ASSET_TOKEN_TTL_SECONDS`,
 * `ASSET_REFRESH_AHEAD_RATIO`, `ASSET_TOKEN_TIMEOUT_MS`, `ASSET_MAX_TOKENS`, `ASSET_MAX_CONCURRENT_TOKEN_REQUESTS`,
 * `ASSET_STARTUP`, `ASSET_STORE_KEYS` (separated by spaces), `ASSET_STORE_PREFIX` and `ASSET_STORE_TIMEOUT_MS`. The
 * values are checked where they are used, in `AssetAuthModule`. The environment is only read.
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
    const text = variable === undefined ? undefined : said(env, variable);
    if (typeof text === 'string') options[option] = valueOf(text, OPTION_KINDS[option]);
  }
  return options as unknown as AssetAuthOptions;
}

/** The variable of an option, such as `ASSET_TOKEN_TTL_SECONDS`, or `undefined` if it has none. */
export function environmentVariable(option: keyof AssetAuthOptions): string | undefined {
  if (OPTION_KINDS[option] === 'object') return undefined;
  return `ASSET_${option.replace(/[A-Z]/g, '_$&').toUpperCase()}`;
}

/** What stands in an option whose variable cannot be read, in words: the options refuse it with the others. */
export class UnreadableVariable {
  constructor(readonly problem: string) {}
}

/** A scope may hold a comma or a semicolon (RFC 6749 §3.3), but here it is a slip: "a:r,b:r" would be one scope. */
const SEPARATED_OTHERWISE = new UnreadableVariable(
  'holds a comma or a semicolon. Separate the scopes by spaces, as in "ledger:read report:read"; a scope that really holds one can be given in code',
);

/** `ASSET_SCOPES=` becomes an empty list, and text that is no number stays text: the options refuse both. */
function valueOf(text: string, kind: string): unknown {
  if (kind === 'list' && /[,;]/.test(text)) return SEPARATED_OTHERWISE;
  if (kind === 'keys') return text.split(/\s+/).filter((key) => key !== '');
  if (kind === 'list') return text.split(' ').filter((scope) => scope !== '');
  const isNumber = kind === 'number' && text.trim() !== '' && !Number.isNaN(Number(text));
  return isNumber ? Number(text) : text;
}
