import { Redis } from 'ioredis';
import { redisTokenStore } from 'nestjs-asset-auth/store';
import { createClient, createSentinel } from 'redis';
import { failureOf } from '../../support/failure-of.js';

/** Answers by the command's name, and notes what it was asked, and how much was under way at once. */
class Wire {
  readonly sent: unknown[] = [];
  mostAtOnce = 0;
  #underWay = 0;

  async answer(sent: unknown, command: readonly unknown[]): Promise<unknown> {
    this.sent.push(sent);
    this.#underWay += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#underWay);
    await new Promise((resolve) => setImmediate(resolve));
    this.#underWay -= 1;
    return { GET: 'text', PTTL: 1000, SET: 'OK', DEL: 1 }[String(command[0])];
  }
}

type Shape = (wire: Wire) => object;

const sendCommand = (wire: Wire) => (command: unknown[]) => wire.answer(command, command);
const nothing = (): void => {};

/** What each kind of client has, where its reads go together, and how a command is passed. */
const SHAPES: Readonly<Record<string, readonly [Shape, isTogether: boolean, passed: unknown]>> = {
  ioredis: [
    (wire) => ({ isCluster: false, call: (...command: unknown[]) => wire.answer(command, command) }),
    true,
    ['DEL', 'key'],
  ],
  'a cluster of ioredis': [
    (wire) => ({ isCluster: true, call: (...command: unknown[]) => wire.answer(command, command) }),
    false,
    ['DEL', 'key'],
  ],
  'node-redis': [(wire) => ({ isOpen: true, sendCommand: sendCommand(wire) }), true, ['DEL', 'key']],
  'node-redis 4 in legacy mode': [
    (wire) => ({
      isOpen: true,
      options: { legacyMode: true },
      sendCommand: nothing,
      v4: { sendCommand: sendCommand(wire) },
    }),
    true,
    ['DEL', 'key'],
  ],
  'a pool of node-redis': [
    (wire) => ({ isOpen: true, execute: nothing, sendCommand: sendCommand(wire) }),
    false,
    ['DEL', 'key'],
  ],
  'a cluster of node-redis': [
    (wire) => ({
      isOpen: true,
      getSlotRandomNode: nothing,
      sendCommand: (key: unknown, isReadonly: unknown, command: unknown[]) =>
        wire.answer([key, isReadonly, command], command),
    }),
    false,
    ['key', false, ['DEL', 'key']],
  ],
  'valkey-glide': [
    (wire) => ({
      exec: nothing,
      customCommand: (...all: unknown[][]) => wire.answer(all, all[0] ?? []),
    }),
    false,
    [['DEL', 'key']],
  ],
  '@upstash/redis': [
    (wire) => ({ pipeline: nothing, exec: (...all: unknown[][]) => wire.answer(all, all[0] ?? []) }),
    false,
    [['DEL', 'key']],
  ],
  'a function': [
    (wire) => (command: unknown[], key: unknown) => wire.answer([command, key], command),
    false,
    [['DEL', 'key'], 'key'],
  ],
};

describe('A client of Redis is told by what it has', () => {
  it.each(Object.entries(SHAPES))('%s', async (_, [shape, isTogether, passed]) => {
    const wire = new Wire();
    const store = redisTokenStore(shape(wire));
    await store.delete('key');
    expect(wire.sent).toEqual([passed]);
    expect(await store.get('key')).toEqual({ value: 'text', remainingMs: 1000 });
    expect(wire.mostAtOnce).toBe(isTogether ? 3 : 1);
    expect(await store.add('key', 'text', 1000.7)).toBe(true);
    expect(JSON.stringify(wire.sent.at(-1))).toContain('"SET","key","text","NX","PX","1000"');
  });

  it('is used by its methods of the moment, which a tracer or a mock may replace', async () => {
    const [first, second] = [new Wire(), new Wire()];
    const client = { isOpen: true, sendCommand: sendCommand(first) };
    const store = redisTokenStore(client);
    client.sendCommand = sendCommand(second);
    await store.delete('key');
    expect([first.sent, second.sent]).toEqual([[], [['DEL', 'key']]]);
  });
});

describe('What is no client of Redis is refused at once, with its cure', () => {
  const idle = () => createClient({ url: 'redis://127.0.0.1:1' });
  const idleIoredis = () => new Redis({ lazyConnect: true });

  it.each<[string, () => unknown, RegExp]>([
    [
      'nothing',
      () => undefined,
      /cannot use undefined: it is no client of ioredis.* Pass one of these, or a function/,
    ],
    ['null', () => null, /cannot use null: it is no client/],
    ['a URL', () => 'redis://:password@127.0.0.1', /cannot use a string: it is no client/],
    ['options', () => ({ host: '127.0.0.1' }), /cannot use a plain object: it is no client/],
    ['another store', () => new Map(), /cannot use an object of the class Map: it is no client/],
    ['a client that is not there yet', () => Promise.resolve(idle()), /cannot use a promise: .* Await it/],
    ['a class', () => Redis, /cannot use the class Redis: it is no client/],
    [
      'a pipeline of ioredis',
      () => idleIoredis().pipeline(),
      /a pipeline, batch or transaction: .* the client that/,
    ],
    ['a transaction of ioredis', () => idleIoredis().multi(), /a pipeline, batch or transaction/],
    ['a transaction of node-redis', () => idle().multi(), /a pipeline, batch or transaction/],
    ['a batch of valkey-glide', () => ({ customCommand: nothing }), /a pipeline, batch or transaction/],
    ['a pipeline of @upstash/redis', () => ({ exec: nothing }), /a pipeline, batch or transaction/],
    [
      'a client of callbacks',
      () => idle().legacy(),
      /answers by callback.* the client that legacy\(\) was called on/,
    ],
    [
      'a sentinel of node-redis',
      () => createSentinel({ name: 'main', sentinelRootNodes: [{ host: '127.0.0.1', port: 1 }] }),
      /a sentinel of node-redis as it is: .* redisTokenStore\(\(command\) => sentinel\.sendCommand\(false, command\)\)\.$/,
    ],
  ])('%s', async (_, wrong, message) => {
    const error = await failureOf(Promise.resolve().then(() => redisTokenStore(wrong() as object)));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain('password');
  });
});

describe('An answer that belongs to another command is a failure, and not "nothing there"', () => {
  const answering = (reply: unknown) => redisTokenStore(() => reply);

  it.each([
    ['a function that returns nothing', undefined, /answered undefined.* return the promise/],
    ['a client within a transaction', 'QUEUED', /within a transaction/],
    ['a list', [], /within a transaction/],
  ])('%s', async (_, reply, message) => {
    const store = answering(reply);
    const operations = [
      () => store.get('key'),
      () => store.set('key', 'text', 1000),
      () => store.add('key', 'text', 1000),
      () => store.delete('key'),
    ];
    for (const operation of operations) {
      const error = await failureOf(operation());
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toMatch(message);
    }
  });

  it('a time left that is none', async () => {
    const reply = { GET: 'text', PTTL: null as unknown };
    const store = redisTokenStore(([name]) => Promise.resolve(reply[name as 'GET']));
    expect((await failureOf(store.get('key'))).message).toMatch(/belongs to another/);
    // Nobody set this record with a time to live. Whoever reads it sees that.
    reply.PTTL = -1;
    expect(await store.get('key')).toEqual({ value: 'text', remainingMs: -1 });
    // In its last millisecond it is as good as gone.
    reply.PTTL = 0;
    expect(await store.get('key')).toBeUndefined();
  });

  it('a plain write that was not carried out', async () => {
    expect((await failureOf(answering(null).set('key', 'text', 1000))).message).toMatch(/belongs to another/);
    expect(await answering(null).add('key', 'text', 1000)).toBe(false);
    expect(await answering(null).get('key')).toBeUndefined();
  });
});
