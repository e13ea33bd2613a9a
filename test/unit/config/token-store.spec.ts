import { randomBytes } from 'node:crypto';
import { expectNoSecrets } from 'nestjs-asset-auth/testing';
import { assetAuthOptionsFromEnv } from '../../../lib/config/options-from-env.js';
import { configOf, errorOf, everyTextOf, LEAST, problemsOf } from './options.fixture.js';

const KEY = randomBytes(32).toString('base64');
const KEYS = [KEY];

/** A store as a class of the application: its methods are on the prototype. */
class Store {
  readonly #values = new Map<string, string>();
  get = (): Promise<undefined> => Promise.resolve(undefined);
  set(key: string, value: string): Promise<void> {
    this.#values.set(key, value);
    return Promise.resolve();
  }
  add(): Promise<boolean> {
    return Promise.resolve(true);
  }
  delete(): Promise<void> {
    return Promise.resolve();
  }
}

describe('a token store among the options', () => {
  it('is taken as it is, with its keys', async () => {
    const store = new Store();
    const config = configOf({ store, storeKeys: KEYS });
    expect(config.store).toBe(store);
    expect(config.readStoreKeys()).toEqual(KEYS);
    await config.store?.set('key', 'value', 1);
  });

  it.each([
    [
      'a raw client of ioredis',
      { get() {}, set() {}, del() {}, call() {} },
      /is a Redis client. Wrap it: redisTokenStore\(client\)/,
    ],
    ['a raw client of node-redis', { get() {}, set() {}, del() {}, sendCommand() {} }, /is a Redis client/],
    ['a map', new Map(), /lacks add\./],
    ['a promise', Promise.resolve(new Store()), /lacks get, set, add, delete\./],
    ['half a store', { get() {}, set() {} }, /lacks add, delete\./],
    [
      'a function',
      () => new Store(),
      /must be a token store such as redisTokenStore\(client\) .*, not a value of type function/,
    ],
    ['a class', Store, /must be a token store/],
    ['a URL', 'redis://:hunter2hunter2@host', /must be a token store .*, not a string/],
    ['a number', 5, /must be a token store/],
  ])('is none: %s', (_what, store, said) => {
    const problems = problemsOf({ store, storeKeys: KEYS });
    expect(problems.store).toMatch(said);
    expectNoSecrets(problems, [...KEYS, 'hunter2hunter2']);
  });

  it('is not enough without keys, nor are keys without it', () => {
    expect(problemsOf({ store: new Store() }).storeKeys).toMatch(
      /^is missing, and store is given.*openssl rand -base64 32/,
    );
    expect(problemsOf({ storeKeys: KEYS }).store).toMatch(/^is missing, and storeKeys are given/);
  });

  it.each([
    ['none', [], /must be a list of 1 to 8 keys/],
    ['a text', KEY, /must be a list of 1 to 8 keys/],
    [
      'nine',
      Array.from({ length: 9 }, () => randomBytes(32).toString('base64')),
      /must be a list of 1 to 8 keys/,
    ],
    [
      'one of 16 bytes',
      [KEY, randomBytes(16).toString('base64')],
      /holds as key 2 something other than 32 bytes in base64/,
    ],
    ['one of 33 bytes', [randomBytes(33).toString('base64')], /holds as key 1 something other/],
    ['one in hex', [randomBytes(32).toString('hex')], /holds as key 1 something other/],
    ['one with a line break', [`${KEY}\n`], /holds as key 1 something other/],
    ['a buffer', [randomBytes(32)], /holds as key 1 something other/],
    ['the same twice', [KEY, randomBytes(32).toString('base64'), KEY], /holds key 3 twice/],
    ['the same in base64url', [KEY, Buffer.from(KEY, 'base64').toString('base64url')], /holds key 2 twice/],
  ])('has no use for keys such as %s, and repeats none', (_what, storeKeys, said) => {
    const error = errorOf({ ...LEAST, store: new Store(), storeKeys });
    expect(error.message).toMatch(said);
    const keys = [storeKeys].flat().filter((key) => typeof key === 'string');
    if (keys.length > 0) expectNoSecrets(error, keys);
  });

  it.each(['', 'with space:', 'é:', 'line\n:', 'x'.repeat(101), 5])(
    'has no use for the prefix %j',
    (storePrefix) => {
      expect(problemsOf({ store: new Store(), storeKeys: KEYS, storePrefix }).storePrefix).toMatch(
        /^must be 1 to 100 printable ASCII characters/,
      );
    },
  );

  it.each([0, -1, 1.5, 60_001, '250', Number.NaN])('has no use for the time-out %p', (storeTimeoutMs) => {
    expect(problemsOf({ store: new Store(), storeKeys: KEYS, storeTimeoutMs }).storeTimeoutMs).toMatch(
      /whole number of milliseconds from 1 to 60000/,
    );
  });

  it('T129 has keys that no dump shows', () => {
    const config = configOf({ store: new Store(), storeKeys: KEYS });
    expectNoSecrets([config, everyTextOf(config)], [KEY, Buffer.from(KEY, 'base64').toString('hex')]);
  });

  it('has its keys, prefix and time-out in the environment', () => {
    const other = randomBytes(32).toString('base64');
    const options = assetAuthOptionsFromEnv({
      ASSET_STORE_KEYS: ` ${KEY}  ${other} `,
      ASSET_STORE_PREFIX: 'p:',
      ASSET_STORE_TIMEOUT_MS: '100',
    });
    const config = configOf({ ...options, store: new Store() });
    expect(config.readStoreKeys()).toEqual([KEY, other]);
    expect(config).toMatchObject({ storePrefix: 'p:', storeTimeoutMs: 100 });
    expect(problemsOf(options).store).toMatch(/^is missing/);
  });
});
