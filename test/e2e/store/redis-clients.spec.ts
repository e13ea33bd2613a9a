import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { type AssetTokenStore, type RedisSendCommand, redisTokenStore } from 'nestjs-asset-auth/store';
import { assetTokenStoreCases } from 'nestjs-asset-auth/testing';
import { createClient, createClientPool, RESP_TYPES } from 'redis';
import { systemClock } from '../../../lib/config/clock.js';
import { failureOf } from '../../support/failure-of.js';
import { MemoryTokenStore } from '../../support/memory-token-store.js';
import { type RunningRedis, startRedis } from '../../support/redis.js';

let server: RunningRedis;
const opened: (() => unknown)[] = [];

beforeAll(async () => {
  server = await startRedis();
});

afterAll(async () => {
  for (const close of opened) await close();
  await server.stop();
});

const newKey = (): string => `asset-auth:v1:${randomUUID()}`;

function ioredis(): Redis {
  const client = new Redis({ path: server.path });
  opened.push(() => {
    client.disconnect();
  });
  return client;
}

async function nodeRedis(options: Parameters<typeof createClient>[0] = {}) {
  const client = createClient({ ...options, socket: { path: server.path, tls: false } });
  client.on('error', () => {});
  await client.connect();
  opened.push(() => client.close());
  return client;
}

async function nodeRedisPool() {
  const pool = createClientPool({ socket: { path: server.path, tls: false } }, { minimum: 2, maximum: 5 });
  pool.on('error', () => {});
  await pool.connect();
  opened.push(() => pool.close());
  return pool;
}

function functionOf(client: Redis): RedisSendCommand {
  return (command) => client.call(...command);
}

const STORES: Readonly<Record<string, () => AssetTokenStore | Promise<AssetTokenStore>>> = {
  ioredis: () => redisTokenStore(ioredis()),
  'node-redis': async () => redisTokenStore(await nodeRedis()),
  'node-redis that speaks RESP 2': async () => redisTokenStore(await nodeRedis({ RESP: 2 })),
  'node-redis that answers in buffers': async () => {
    const buffers = { [RESP_TYPES.BLOB_STRING]: Buffer, [RESP_TYPES.SIMPLE_STRING]: Buffer };
    return redisTokenStore((await nodeRedis()).withTypeMapping(buffers));
  },
  'a pool of node-redis': async () => redisTokenStore(await nodeRedisPool()),
  'a function': () => redisTokenStore(functionOf(ioredis())),
  'memory, the store of other tests': () => new MemoryTokenStore(systemClock),
};

describe.each(Object.entries(STORES))('T70 a token store keeps each key by itself: %s', (_, open) => {
  let store: AssetTokenStore;

  beforeAll(async () => {
    store = await open();
  });

  it.each(assetTokenStoreCases)('%s', (_title, run) => run(store, newKey));
});

/** Of the two kinds of values that replace each other. */
const LIVES = [60_000, 600_000] as const;

describe('T76 a record that is replaced all the time', () => {
  it.each([
    ['ioredis, which sends the reads together', () => redisTokenStore(ioredis())],
    ['a function, one read after the other', () => redisTokenStore(functionOf(ioredis()))],
    ['a pool, one read after the other', async () => redisTokenStore(await nodeRedisPool())],
  ])('is never read with the time of another: %s', async (_, open) => {
    const [store, writer, key] = [await open(), ioredis(), newKey()];
    const write = (i: number) =>
      writer.set(key, `${i % 2 === 0 ? 'short' : 'long'}-${i}`, 'PX', LIVES[i % 2]!);
    await write(0);
    const over = new AbortController();
    const writing = (async () => {
      for (let i = 1; !over.signal.aborted; i += 1) {
        await write(i);
        for (let turns = i % 7; turns > 0; turns -= 1) await new Promise<void>((done) => setImmediate(done));
      }
    })();
    const seen = { short: 0, long: 0, wrong: 0 };
    for (let reads = 0; reads < 1000; reads += 1) {
      const found = await store.get(key).catch(() => undefined);
      if (found === undefined) continue;
      const kind = found.value.startsWith('short') ? 'short' : 'long';
      const isItsOwn = (kind === 'short') === found.remainingMs <= LIVES[0];
      seen[isItsOwn ? kind : 'wrong'] += 1;
    }
    over.abort();
    await writing;
    expect(seen.wrong).toBe(0);
    expect(Math.min(seen.short, seen.long)).toBeGreaterThan(50);
  });

  it('is given up after three reads, rather than answered with a wrong time', async () => {
    let reads = 0;
    const store = redisTokenStore(([name]) =>
      Promise.resolve(name === 'PTTL' ? 1000 : `text-${(reads += 1)}`),
    );
    expect((await failureOf(store.get('key'))).message).toMatch(/replaced each time/);
    expect(reads).toBe(6);
  });
});
