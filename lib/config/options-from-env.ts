// Reads the options from the environment, each from the variable of its name.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { ASSET_AUTH_OPTION_NAMES, type AssetAuthOptions, OPTION_KINDS } from './asset-auth.options.js';
import { said } from './plain-object.js';

/** Where variables are read: an object such as `process.env`, or Nest's `ConfigService`. */
export type AssetVariables =
  Readonly<Record<string, string | undefined>> | { get(variable: string): unknown };

/** Names a file that holds the client secret, in place of the secret itself. */
const SECRET_FILE = 'ASSET_CLIENT_SECRET_FILE';

/**
 * Reads the options from `ASSET_*` variables: `ASSET_ENVIRONMENT`, `ASSET_BASE_URL`, `ASSET_TOKEN_PATH`,
 * `ASSET_CLIENT_ID`, `ASSET_CLIENT_SECRET`, `ASSET_SCOPES` and `ASSET_ALLOWED_SCOPES` (separated by spaces),
 * `ASSET_BUSINESS_ID`, `ASSET_RESOURCE`, `ASSET_UNDECLARED_SCOPES`, `ASSET_GRANTED_SCOPES`, `ASSET_TOKEN_TTL_SECONDS`,
 * `ASSET_REFRESH_AHEAD_RATIO`, `ASSET_TOKEN_TIMEOUT_MS`, `ASSET_MAX_TOKENS`, `ASSET_MAX_CONCURRENT_TOKEN_REQUESTS`,
 * `ASSET_STARTUP`, `ASSET_STORE_KEYS` (separated by spaces), `ASSET_STORE_PREFIX` and `ASSET_STORE_TIMEOUT_MS`. In place of
 * `ASSET_CLIENT_SECRET`, `ASSET_CLIENT_SECRET_FILE` may name a file that holds the secret: it is read now, and again for
 * each token request, so that a secret that is replaced there takes effect. The values are checked where they are used, in
 * `AssetAuthModule`. The environment is only read.
 *
 * @param variables - where to read
 * @returns the options that are set, and no others
 *
 * @example
 * ```ts
 * AssetAuthModule.forRootAsync({
 *   inject: [ConfigService],
 *   useFactory: (config: ConfigService) => assetAuthOptionsFromEnv(config),
 * });
 * ```
 */
export function assetAuthOptionsFromEnv(variables: AssetVariables = process.env): AssetAuthOptions {
  const read = readerOf(variables);
  const options: Record<string, unknown> = {};
  for (const option of ASSET_AUTH_OPTION_NAMES) {
    const variable = environmentVariable(option);
    const value = variable === undefined ? undefined : read(variable);
    if (typeof value === 'string') options[option] = valueOf(value, OPTION_KINDS[option]);
    // What a schema of the application's has made of the text.
    else if (typeof value === 'number') options[option] = value;
  }
  const file = read(SECRET_FILE);
  if (typeof file === 'string') options.clientSecret = secretIn(file, Object.hasOwn(options, 'clientSecret'));
  return options as unknown as AssetAuthOptions;
}

function readerOf(variables: AssetVariables): (variable: string) => unknown {
  const get = said(variables as Partial<ConfigReader>, 'get');
  if (typeof get === 'function') return (variable) => (variables as ConfigReader).get(variable);
  return (variable) => said(variables as Readonly<Record<string, unknown>>, variable);
}

type ConfigReader = Extract<AssetVariables, { get: unknown }>;

/** A function that reads the secret, once it is sure that it can. The file is not named: it may be the secret itself. */
function secretIn(file: string, isGivenToo: boolean): (() => Promise<string>) | UnreadableVariable {
  if (isGivenToo) return new UnreadableVariable(`is set, and so is ${SECRET_FILE}. Unset one of them`);
  try {
    if (readFileSync(file, 'utf8').trim() === '') {
      return new UnreadableVariable(`is to come from the file that ${SECRET_FILE} names, which is empty`);
    }
  } catch (error) {
    const { code = 'no code' } = Object(error) as { readonly code?: string };
    return new UnreadableVariable(
      `is to come from the file that ${SECRET_FILE} names, which cannot be read (${code}). Check its path and its permissions`,
    );
  }
  // Editors and shells end a file with a line feed.
  return async () => (await readFile(file, 'utf8')).trim();
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
