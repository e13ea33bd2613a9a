import { types } from 'node:util';
import { described, printable } from '../config/text.js';
import type { AssetTokenStore, StoredValue } from '../config/token-store.js';

/**
 * Sends one command, such as `['GET', 'name']`, to the server that holds the key, and resolves with its reply: `null` where
 * there is nothing. The list is the function's own.
 */
export type RedisSendCommand = (command: [name: string, ...args: string[]], key: string) => Promise<unknown>;

/** How commands reach the server. */
interface Sender {
  readonly send: RedisSendCommand;
  /** Whether one connection carries them all out in the order in which they are sent. */
  readonly inOrder: boolean;
}

const MOST_READS = 3;

/**
 * A token store in Redis 6.2 or later, or Valkey. Takes a client of ioredis, iovalkey, node-redis (single, pool or cluster),
 * valkey-glide or `@upstash/redis`, or a function that sends one command. The connection stays the application's: it is
 * neither opened nor closed here. No Lua, no transaction; each command names one key.
 *
 * @throws TypeError at once when it is none of these, and says what to pass instead
 *
 * @example
 * ```ts
 * AssetAuthModule.forRootAsync({
 *   inject: [REDIS, ConfigService],
 *   useFactory: (redis: Redis, config: ConfigService) => ({
 *     ...assetAuthOptionsFromEnv(),
 *     store: redisTokenStore(redis),
 *     storeKeys: config.getOrThrow<string>('ASSET_STORE_KEYS').split(' '),
 *   }),
 * });
 * ```
 */
export function redisTokenStore(client: object | RedisSendCommand): AssetTokenStore {
  const sender = senderOf(client);
  const { send } = sender;
  const store = async (key: string, value: string, ...how: string[]): Promise<boolean> => {
    const reply = text(await send(['SET', key, value, ...how], key));
    const isStored = reply === 'OK';
    if (!isStored && (reply !== null || !how.includes('NX'))) throw new TypeError(UNEXPECTED);
    return isStored;
  };
  return {
    get: (key) => read(sender, key),
    set: async (key, value, ttlMs) => {
      await store(key, value, 'PX', milliseconds(ttlMs));
    },
    add: (key, value, ttlMs) => store(key, value, 'NX', 'PX', milliseconds(ttlMs)),
    delete: async (key) => {
      const deleted = text(await send(['DEL', key], key));
      if (deleted === null || Number.isNaN(Number(deleted))) throw new TypeError(UNEXPECTED);
    },
  };
}

/**
 * The time left must be that of the value that was read: a record may be replaced between two commands. Values never repeat,
 * so what is the same before and after was there all along.
 */
async function read({ send, inOrder }: Sender, key: string): Promise<StoredValue | undefined> {
  const look = (name: string): Promise<unknown> => send([name, key], key);
  for (let reads = 1; reads <= MOST_READS; reads += 1) {
    const [before, left, after] = inOrder
      ? await Promise.all([look('GET'), look('PTTL'), look('GET')])
      : [await look('GET'), await look('PTTL'), await look('GET')];
    const value = text(before);
    if (value === null) return undefined;
    if (value !== text(after)) continue;
    const remainingMs = Number(text(left) ?? NaN);
    if (Number.isNaN(remainingMs)) throw new TypeError(UNEXPECTED);
    // In its last millisecond.
    return remainingMs === 0 ? undefined : { value, remainingMs };
  }
  throw new Error('The record was replaced each time it was read.');
}

/** Buffers come from clients that map types, numbers from integers. */
function text(reply: unknown): string | null {
  if (reply === null || typeof reply === 'string') return reply;
  if (typeof reply === 'number' || typeof reply === 'bigint') return String(reply);
  if (types.isUint8Array(reply)) return Buffer.from(reply).toString('latin1');
  // As nothing there it would be believed: a lease that nobody holds would be waited for.
  if (reply === undefined) throw new TypeError(NO_REPLY);
  throw new TypeError(UNEXPECTED);
}

const UNEXPECTED =
  'Redis answered with something that belongs to another command. Is the client within a transaction?';
const NO_REPLY =
  'Redis answered undefined, where it would be null if nothing was there. Does the function return the promise of its client?';

const milliseconds = (ms: number): string => String(Math.max(1, Math.floor(ms)));

type Method = (...args: unknown[]) => Promise<unknown>;

/**
 * Clients by what they have, as several copies and versions of their packages may be installed. What a pool, a cluster or
 * REST sends together may be carried out in any order.
 * - ioredis, iovalkey: `call(name, ...args)`, also of a cluster
 * - valkey-glide: `customCommand(args)`, also of a cluster
 * - node-redis: `sendCommand(args)`; a cluster's takes the key first, and without it hangs (express-rate-limit/rate-limit-redis#208)
 * - `@upstash/redis`: `exec(args)`
 */
function senderOf(client: unknown): Sender {
  if (typeof client === 'function') {
    if (isClass(client)) throw refusal(`the class ${printable(client.name)}`, ...NO_CLIENT);
    return { send: client as RedisSendCommand, inOrder: false };
  }
  const its = Object(client) as Readonly<Record<string, unknown>>;
  const has = (name: string): boolean => typeof its[name] === 'function';
  // Looked up for each command: what traces or mocks a client replaces its methods later.
  const by =
    (name: string): RedisSendCommand =>
    (command) =>
      (its[name] as Method)(command);
  if (has('then')) throw refusal(...PROMISE);
  if (its.isPipeline === true || has('execAsPipeline')) throw refusal(...TRANSACTION);
  if (has('call')) {
    return { send: (command) => (its.call as Method)(...command), inOrder: its.isCluster !== true };
  }
  if (has('customCommand')) {
    if (!has('exec')) throw refusal(...TRANSACTION);
    return { send: by('customCommand'), inOrder: false };
  }
  if (has('sendCommand')) return senderOfNodeRedis(its);
  if (has('exec')) {
    if (!has('pipeline')) throw refusal(...TRANSACTION);
    return { send: by('exec'), inOrder: false };
  }
  throw refusal(nameOf(client), ...NO_CLIENT);
}

function senderOfNodeRedis(its: Readonly<Record<string, unknown>>): Sender {
  const sendCommand: Method = (...args) => (its.sendCommand as Method)(...args);
  if ('getMasterNode' in its) throw refusal(...SENTINEL);
  if (!('isOpen' in its)) throw refusal(...CALLBACKS);
  if ('getSlotRandomNode' in its) {
    return { send: (command, key) => sendCommand(key, false, command), inOrder: false };
  }
  const options = its.options as { readonly legacyMode?: unknown } | undefined;
  if (options?.legacyMode === true) {
    const { v4 } = its as { readonly v4: { sendCommand: Method } };
    return { send: (command) => v4.sendCommand(command), inOrder: true };
  }
  return { send: (command) => sendCommand(command), inOrder: !('execute' in its) };
}

const isClass = (value: object): boolean => /^class\b/.test(Function.prototype.toString.call(value));

function nameOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return described(value);
  const { name } = Object(value.constructor) as { readonly name?: unknown };
  if (typeof name !== 'string' || name === '' || name === 'Object') return 'a plain object';
  return `an object of the class ${printable(name, 80)}`;
}

type Refusal = readonly [what: string, why: string, cure: string];

const refusal = (...[what, why, cure]: Refusal): TypeError =>
  new TypeError(`redisTokenStore cannot use ${what}: ${why}. ${cure}.`);

const NO_CLIENT = [
  'it is no client of ioredis, iovalkey, node-redis, valkey-glide or @upstash/redis',
  'Pass one of these, or a function that sends one command: ([name, ...args], key) => Promise',
] as const;
const PROMISE: Refusal = [
  'a promise',
  'a client is what it resolves with',
  'Await it, in the factory that provides the client',
];
const TRANSACTION: Refusal = [
  'a pipeline, batch or transaction',
  'it collects commands for later',
  'Pass the client that it was made from',
];
const CALLBACKS: Refusal = [
  'a client that answers by callback, such as that of redis 3 or of legacy()',
  'the answers would be lost',
  'Pass the client that legacy() was called on, or a function that sends one command: ([name, ...args], key) => Promise',
];
const SENTINEL: Refusal = [
  'a sentinel of node-redis as it is',
  'each command must be told to go to the master',
  'Pass a function: redisTokenStore((command) => sentinel.sendCommand(false, command))',
];
