import { inspect } from 'node:util';
import { AssetAuthConfig } from '../../../lib/config/asset-auth.config.js';
import type { AssetAuthOptions } from '../../../lib/config/asset-auth.options.js';
import { AssetConfigError } from '../../../lib/config/asset-auth.errors.js';

export const SECRET = 'QmF0-hunter2-é:%';

/** The least that works. */
export const LEAST = { environment: 'sandbox', clientId: 'platform', clientSecret: SECRET } as const;

/** The configuration of exactly these options. */
export const configFrom = (options: object): AssetAuthConfig =>
  new AssetAuthConfig(options as AssetAuthOptions);

/** The configuration of whatever a user without a type checker may hand over, on top of the least that works. */
export const configOf = (options: object = {}): AssetAuthConfig => configFrom({ ...LEAST, ...options });

/** The error that exactly these options end in. */
export function errorOf(options: unknown): AssetConfigError {
  try {
    new AssetAuthConfig(options as AssetAuthOptions);
  } catch (error) {
    if (error instanceof AssetConfigError) return error;
    throw error;
  }
  throw new Error('The options were accepted.');
}

/** What is said about each option, on top of the least that works. */
export const problemsOf = (options: object): Readonly<Record<string, string>> =>
  Object.fromEntries(
    errorOf({ ...LEAST, ...options }).problems.map(({ option, problem }) => [option, problem]),
  );

/** Everything that a log, a dump or a template could make of a value. */
export function everyTextOf(value: object): string {
  const inspected = inspect(value, { showHidden: true, getters: true, depth: Infinity });
  const own = Reflect.ownKeys(value).map((key) => inspect(Reflect.get(value, key)));
  // eslint-disable-next-line @typescript-eslint/no-base-to-string -- what a careless template prints is the question
  const inTemplate = String(value);
  return [inspected, inTemplate, JSON.stringify(value), ...own].join('\n');
}

/** The public fields, to compare with a plain object. */
export const plain = (config: AssetAuthConfig): object => Object.assign({}, config);
