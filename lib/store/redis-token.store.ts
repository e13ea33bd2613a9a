import type { AssetTokenStore, StoredValue } from '../config/token-store.js';

/** Sends one command, such as `['GET', 'name']`, to the server that holds the key, and resolves with its reply. */
export type RedisSendCommand = (command: readonly string[], key: string) => Promise<unknown>;

/** How commands reach the server. */
interface Sender {
  readonly send: RedisSendCommand;
  /** Whether one connection carries them all out in the order in which they are sent. */
  readonly inOrder: boolean;
}

const MOST_READS = 3;

/**
 * A token store in Redis 6.2 or later, or Valkey. Takes a client of ioredis, iovalkey, node-redis (single, pool or cluster), valkey-glide
 * or `@upstash/redis`, or a function that sends one command. The connection stays the application's: it is neither opened nor
 * closed here. No Lua, no transaction; each command names one key.
 *
 * @throws TypeError when the client is none that is known
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
  return {
    get: (key) => read(sender, key),
    set: async (key, value, ttlMs) => {
      await send(['SET', key, value, 'PX', milliseconds(ttlMs)], key);
    },
    add: async (key, value, ttlMs) => {
      const reply = text(await send(['SET', key, value, 'NX', 'PX', milliseconds(ttlMs)], key));
      if (reply !== undefined && reply !== 'OK') throw new TypeError(UNEXPECTED);
      return reply === 'OK';
    },
    delete: async (key) => {
      await send(['DEL', key], key);
    },
  };
}

/**
 * The time left must be that of the value that was read: a record may be replaced between two commands. Values never repeat,
 * so what is the same before and after was there all along.
 */
async function read({ send, inOrder }: Sender, key: string): Promise<StoredValue | undefined> {
  const commands = [
    ['GET', key],
    ['PTTL', key],
    ['GET', key],
  ];
  for (let reads = 1; ; reads += 1) {
    const replies: unknown[] = [];
    if (inOrder) replies.push(...(await Promise.all(commands.map((command) => send(command, key)))));
    else for (const command of commands) replies.push(await send(command, key));
    const [before, left, after] = replies;
    const value = text(before);
    if (value === undefined) return undefined;
    if (value === text(after)) return { value, remainingMs: Number(text(left)) };
    if (reads === MOST_READS) throw new Error('the record was replaced each time it was read');
  }
}

type Send = (...args: unknown[]) => Promise<unknown>;

/**
 * Clients by what they have. What a pool, a cluster or REST sends together may be carried out in any order.
 * - ioredis, iovalkey: `call(name, ...args)`, also of a cluster
 * - node-redis: `sendCommand(args)`; a cluster's takes the key first, and without it hangs (express-rate-limit/rate-limit-redis#208)
 * - valkey-glide: `customCommand(args)`
 * - `@upstash/redis`: `exec(args)`
 */
function senderOf(client: unknown): Sender {
  if (typeof client === 'function') return { send: client as RedisSendCommand, inOrder: false };
  const its = Object(client) as Readonly<Record<string, unknown>>;
  const method = (name: string): Send | undefined =>
    typeof its[name] === 'function' ? (...args) => (its[name] as Send)(...args) : undefined;
  const call = method('call');
  if (call !== undefined) {
    return { send: ([name, ...args]) => call(name, ...args), inOrder: its.isCluster !== true };
  }
  const custom = method('customCommand');
  if (custom !== undefined) return { send: (command) => custom([...command]), inOrder: false };
  const sendCommand = method('sendCommand');
  if (sendCommand !== undefined && method('getMasterNode') !== undefined) throw new TypeError(SENTINEL);
  if (sendCommand !== undefined && method('getSlotRandomNode') !== undefined) {
    return { send: (command, key) => sendCommand(key, false, [...command]), inOrder: false };
  }
  if (sendCommand !== undefined) {
    const isPool = method('execute') !== undefined;
    return { send: (command) => sendCommand([...command]), inOrder: !isPool };
  }
  const exec = method('exec');
  if (exec !== undefined) return { send: (command) => exec([...command]), inOrder: false };
  throw new TypeError(UNKNOWN);
}

const UNKNOWN =
  'redisTokenStore takes a client of ioredis, iovalkey, node-redis, valkey-glide or @upstash/redis. For another one, pass a function that sends one command: (args, key) => Promise.';
const SENTINEL =
  'redisTokenStore takes a sentinel of node-redis as a function, since a command needs to go to its master: redisTokenStore((args) => sentinel.sendCommand(false, [...args])).';
const UNEXPECTED = 'Redis answered a SET with something else. Is the client within a transaction?';

/** Buffers come from clients that map types, numbers from RESP integers. */
function text(reply: unknown): string | undefined {
  if (reply === null || reply === undefined) return undefined;
  if (typeof reply === 'string') return reply;
  if (typeof reply === 'number' || typeof reply === 'bigint') return String(reply);
  if (reply instanceof Uint8Array) return Buffer.from(reply).toString('latin1');
  throw new TypeError('Redis answered with something other than text.');
}

const milliseconds = (ms: number): string => String(Math.max(1, Math.floor(ms)));
