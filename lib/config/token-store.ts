// The contract of a store that processes share: the options name it, and the store room keeps to it.
import { described } from './text.js';

/** What a store holds, as of one moment. */
export interface StoredValue {
  readonly value: string;
  /** Milliseconds until this very value expires, by the store's own clock. */
  readonly remainingMs: number;
}

/**
 * Where processes of one client share their tokens: four operations, each on one key. Keys and values are printable ASCII
 * and hold nothing readable. Whatever an operation rejects with, or however long it takes, no call fails of it.
 * `redisTokenStore` from `nestjs-asset-auth/store` makes one of a Redis client; `assetTokenStoreCases` from
 * `nestjs-asset-auth/testing` tests another.
 *
 * @example
 * ```ts
 * AssetAuthModule.forRoot({
 *   environment: 'production',
 *   clientId: 'platform',
 *   clientSecret: () => secrets.read('asset-client-secret'),
 *   store: redisTokenStore(redis),
 *   storeKeys: [secrets.storeKey],
 * });
 * ```
 */
export interface AssetTokenStore {
  /** The value and its time left, of the same moment; `undefined` when there is none, or when it has expired. */
  get(key: string): Promise<StoredValue | undefined>;
  /** Stores the value, for so many milliseconds, in place of another. */
  set(key: string, value: string, ttlMs: number): Promise<void>;
  /** Stores the value only if there is none, atomically. @returns whether it did */
  add(key: string, value: string, ttlMs: number): Promise<boolean>;
  /** Removes the value, if there is one. */
  delete(key: string): Promise<void>;
}

const METHODS = ['get', 'set', 'add', 'delete'] as const;

/** What is wrong with the option `store`. */
export function storeProblem(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) {
    return `must be a token store such as redisTokenStore(client) of nestjs-asset-auth/store, not ${described(value)}`;
  }
  const given = value as Readonly<Record<string, unknown>>;
  const missing = METHODS.filter((name) => typeof given[name] !== 'function');
  if (missing.length === 0) return undefined;
  return typeof given.del === 'function' || typeof given.sendCommand === 'function'
    ? 'is a Redis client. Wrap it: redisTokenStore(client) of nestjs-asset-auth/store'
    : `lacks ${missing.join(', ')}. A token store has the methods get, set, add and delete, such as redisTokenStore(client) of nestjs-asset-auth/store`;
}

const MOST_KEYS = 8;
const KEY_BYTES = 32;
const KEY_TEXT = /^[\w+/-]{43}=?$/;

/** What is wrong with the option `storeKeys`. The key at fault is named by its place. */
export function storeKeysProblem(value: unknown): string | undefined {
  if (!Array.isArray(value) || value.length === 0 || value.length > MOST_KEYS) {
    return `must be a list of 1 to ${MOST_KEYS} keys, each of ${KEY_BYTES} bytes in base64. Make one with: openssl rand -base64 32`;
  }
  const keys: readonly unknown[] = value;
  const wrong = keys.findIndex((key) => typeof key !== 'string' || !KEY_TEXT.test(key));
  if (wrong >= 0) {
    return `holds as key ${wrong + 1} something other than ${KEY_BYTES} bytes in base64. Make one with: openssl rand -base64 32`;
  }
  const seen = keys.map((key) => storeKey(key as string).toString('base64'));
  const again = seen.findIndex((key, place) => seen.indexOf(key) < place);
  return again >= 0 ? `holds key ${again + 1} twice. Each key is named once` : undefined;
}

/** The bytes of a key. */
export const storeKey = (text: string): Buffer => Buffer.from(text, 'base64');

/** What is wrong with the option `storePrefix`. */
export function storePrefixProblem(value: unknown): string | undefined {
  return typeof value === 'string' && /^[!-~]{1,100}$/.test(value)
    ? undefined
    : 'must be 1 to 100 printable ASCII characters without space, such as "asset-auth:"';
}
