import { setTimeout as pause } from 'node:timers/promises';

/** What a token store holds, as of one moment. As that of `nestjs-asset-auth/store`. */
export interface StoredValue {
  readonly value: string;
  readonly remainingMs: number;
}

/** What {@link assetTokenStoreCases} test. As that of `nestjs-asset-auth/store`. */
export interface AssetTokenStore {
  get(key: string): Promise<StoredValue | undefined>;
  set(key: string, value: string, ttlMs: number): Promise<void>;
  add(key: string, value: string, ttlMs: number): Promise<boolean>;
  delete(key: string): Promise<void>;
}

/**
 * The title of a case, and what runs it: with the store, and with what makes up a key that nobody has used yet. It rejects
 * with an Error that says what the store did wrong.
 */
export type AssetTokenStoreCase = readonly [title: string, run: Run];

type Run = (store: AssetTokenStore, newKey: () => string) => Promise<void>;

const MINUTE = 60_000;
/** More milliseconds than fit into 32 bits: a token may live so long. */
const FORTY_DAYS = 40 * 24 * 60 * MINUTE;
const SHORT_MS = 200;
const LONGEST_WAIT_MS = 900;
/** Clocks are read in whole milliseconds, and two of them do not tick at the same moment. */
const TICK_MS = 20;
const CONCURRENT_ADDS = 20;
const MANY_KEYS = 300;
const READS_UNDER_REPLACEMENT = 100;

const CASES: Readonly<Record<string, Run>> = {
  'get answers undefined where nothing was stored': async (store, newKey) => {
    const found = await store.get(newKey());
    check(found === undefined, `get of a key that was never stored answered ${shown(found)}`);
  },
  'get answers the text that was set, and the time that it has left': async (store, newKey) => {
    const key = newKey();
    await store.set(key, 'k1.Zm9v-YmFy_', MINUTE);
    await holds(store, key, 'k1.Zm9v-YmFy_', MINUTE);
  },
  'a text of 4,000 characters comes back as it is': async (store, newKey) => {
    const key = newKey();
    const text = 'aZ09-_.'.repeat(600).slice(0, 4000);
    await store.set(key, text, MINUTE);
    await holds(store, key, text, MINUTE);
  },
  'set replaces the text and the time, be it longer or shorter': async (store, newKey) => {
    const key = newKey();
    for (const [text, ttlMs] of [
      ['first', MINUTE],
      ['of forty days', FORTY_DAYS],
      ['of a minute again', MINUTE],
    ] as const) {
      await store.set(key, text, ttlMs);
      await holds(store, key, text, ttlMs);
    }
  },
  'add stores only where nothing is, and changes nothing otherwise': async (store, newKey) => {
    const key = newKey();
    const first: unknown = await store.add(key, 'first', MINUTE);
    check(first === true, `add to a free key answered ${shown(first)} instead of true`);
    const again: unknown = await store.add(key, 'second', FORTY_DAYS);
    check(again === false, `add to a key that is taken answered ${shown(again)} instead of false`);
    await holds(store, key, 'first', MINUTE);
  },
  'of 20 adds at once exactly one is told that it stored': async (store, newKey) => {
    const key = newKey();
    const owners = Array.from({ length: CONCURRENT_ADDS }, (_, i) => `owner-${i}`);
    const won = await Promise.all(owners.map((owner) => store.add(key, owner, MINUTE)));
    const winners = owners.filter((_, i) => won[i]);
    check(winners.length === 1, `${winners.length} of ${CONCURRENT_ADDS} adds at once answered true`);
    await holds(store, key, String(winners[0]), MINUTE);
  },
  'what was set expires when its time is up, and not before': async (store, newKey) => {
    const key = newKey();
    const startedAt = performance.now();
    await store.set(key, 'short', SHORT_MS);
    await until(`a value set for ${SHORT_MS} ms to expire`, async () => {
      const found = await store.get(key);
      if (found === undefined) return true;
      check(
        found.remainingMs > 0 && found.remainingMs <= SHORT_MS,
        `get answered a time left of ${found.remainingMs} ms for a value set for ${SHORT_MS} ms`,
      );
      return false;
    });
    wasThere(startedAt);
  },
  'what was added expires too, and then another may add': async (store, newKey) => {
    const key = newKey();
    const startedAt = performance.now();
    check(await store.add(key, 'first', SHORT_MS), 'add to a free key did not answer true');
    await until(`a value added for ${SHORT_MS} ms to expire`, () => store.add(key, 'second', MINUTE));
    wasThere(startedAt);
    await holds(store, key, 'second', MINUTE);
  },
  'delete removes a text, and then another may be added': async (store, newKey) => {
    const key = newKey();
    await store.set(key, 'first', MINUTE);
    await store.delete(key);
    const found = await store.get(key);
    check(found === undefined, `get after delete answered ${shown(found)}`);
    check(await store.add(key, 'second', MINUTE), 'add after delete did not answer true');
    await holds(store, key, 'second', MINUTE);
  },
  'delete of nothing is no error': async (store, newKey) => {
    const key = newKey();
    await store.delete(key);
    await store.delete(key);
  },
  'the text and the time left belong together while another replaces both': async (store, newKey) => {
    const key = newKey();
    // No text comes twice, as with sealed tokens.
    const replace = (i: number): Promise<void> =>
      i % 2 === 0 ? store.set(key, `minute-${i}`, MINUTE) : store.set(key, `days-${i}`, FORTY_DAYS);
    await replace(0);
    const over = new AbortController();
    const replaceAllTheTime = async (): Promise<void> => {
      for (let i = 1; !over.signal.aborted; i += 1) {
        await replace(i);
        await pause(i % 4);
      }
    };
    const read = async (): Promise<void> => {
      let answers = 0;
      for (let reads = 0; reads < READS_UNDER_REPLACEMENT; reads += 1) {
        // A store that cannot read both at once may give up.
        const found = await store.get(key).catch(() => null);
        if (found === null) continue;
        answers += 1;
        check(found !== undefined, 'get answered undefined while the value was only being replaced');
        const ttlMs = found.value.startsWith('days-') ? FORTY_DAYS : MINUTE;
        check(
          isWithin(found.remainingMs, ttlMs),
          `get answered the text of one value with the time left of another: ${found.remainingMs} ms for a value set for ${ttlMs} ms`,
        );
      }
      check(answers > 0, 'get gave no answer at all while the value was being replaced');
    };
    const reading = read().finally(() => {
      over.abort();
    });
    const ends = await Promise.allSettled([reading, replaceAllTheTime()]);
    await store.delete(key);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  },
  'keys have nothing to do with each other, be they ever so alike': async (store, newKey) => {
    const key = `${newKey()}:v1:aB3-_xYz`;
    const alike = [key, `${key}:`, `${key}:none`, `${key}:aB3-_`, `${key}:Ab3-_`, `${key}:aB3_-`];
    for (const [i, each] of alike.entries()) await store.set(each, `text-${i}`, MINUTE + i);
    for (const [i, each] of alike.entries()) await holds(store, each, `text-${i}`, MINUTE + i);
    await store.delete(key);
    for (const [i, each] of alike.entries()) {
      if (each !== key) await holds(store, each, `text-${i}`, MINUTE + i);
    }
  },
  'hundreds of keys are stored and read at once': async (store, newKey) => {
    const keys = Array.from({ length: MANY_KEYS }, newKey);
    await Promise.all(keys.map((key, i) => store.set(key, `text-${i}`, MINUTE)));
    await Promise.all(keys.map((key, i) => holds(store, key, `text-${i}`, MINUTE)));
    await Promise.all(keys.map((key) => store.delete(key)));
  },
};

/**
 * What a token store must do for processes to share tokens through it, as cases for a store of your own, in any runner with
 * `it.each`, or in a loop. Each takes less than a second of real time: a store's own clock is part of what is tested.
 *
 * @example
 * ```ts
 * describe('our store in Postgres', () => {
 *   const store = postgresTokenStore(pool);
 *   const newKey = () => `asset-auth:test:${randomUUID()}`;
 *
 *   it.each(assetTokenStoreCases)('%s', (_, run) => run(store, newKey));
 * });
 * ```
 */
export const assetTokenStoreCases: readonly AssetTokenStoreCase[] = Object.entries(CASES);

/** A value set a moment ago is there, with nearly all of its time. */
async function holds(store: AssetTokenStore, key: string, text: string, ttlMs: number): Promise<void> {
  const found = await store.get(key);
  check(found?.value === text, `get answered ${shown(found)} instead of the text ${shown(text)}`);
  check(
    isWithin(found.remainingMs, ttlMs),
    `get answered a time left of ${shown(found.remainingMs)} ms for a value set just now for ${ttlMs} ms`,
  );
}

const isWithin = (remainingMs: number, ttlMs: number): boolean =>
  remainingMs > ttlMs - MINUTE / 2 && remainingMs <= ttlMs;

/** Asks until the answer is yes, for less than a second. */
async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + LONGEST_WAIT_MS;
  while (!(await condition())) {
    check(performance.now() < end, `${LONGEST_WAIT_MS} ms were not enough for ${what}`);
    await pause(TICK_MS);
  }
}

/** What has expired by now has not done so early. */
function wasThere(startedAt: number): void {
  const tookMs = Math.round(performance.now() - startedAt);
  check(
    tookMs >= SHORT_MS - TICK_MS,
    `a value stored for ${SHORT_MS} ms was gone after ${tookMs} ms, or was never there`,
  );
}

const shown = (value: unknown): string =>
  value === undefined ? 'undefined' : JSON.stringify(value).slice(0, 100);

function check(isRight: boolean, wrong: string): asserts isRight {
  if (!isRight) throw new Error(`Token store: ${wrong}.`);
}
