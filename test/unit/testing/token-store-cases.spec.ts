import { assetTokenStoreCases } from 'nestjs-asset-auth/testing';
import { systemClock } from '../../../lib/config/clock.js';
import { MemoryTokenStore } from '../../support/memory-token-store.js';

type Store = MemoryTokenStore;
type Found = Awaited<ReturnType<Store['get']>>;

let keys = 0;
const newKey = (): string => `asset-auth:${(keys += 1)}`;

/** What the cases say of a store, one after the other: only what is wrong. */
async function complaintsOf(store: Store): Promise<string[]> {
  const complaints: string[] = [];
  for (const [title, run] of assetTokenStoreCases) {
    await run(store, newKey).catch((error: unknown) => {
      complaints.push(`${title}: ${(error as Error).message}`);
    });
  }
  return complaints;
}

/** Mistakes that a store of one's own may make. */
const MISTAKES: Readonly<Record<string, readonly [(right: Store) => Partial<Store>, RegExp]>> = {
  'answers null for nothing': [
    (right) => ({ get: async (key) => (await right.get(key)) ?? (null as unknown as Found) }),
    /where nothing was stored: .* answered null/,
  ],
  'says how long was set instead of what is left': [
    (right) => ({
      get: async (key) => {
        const found = await right.get(key);
        return found && { ...found, remainingMs: 60_000 };
      },
    }),
    /time left of 60000 ms for a value set for 200 ms/,
  ],
  'counts in seconds': [
    (right) => ({
      get: async (key) => {
        const found = await right.get(key);
        return found && { ...found, remainingMs: found.remainingMs / 1000 };
      },
    }),
    /time left of 59\.\d+ ms for a value set just now for 60000 ms/,
  ],
  'keeps times in 32 bits': [
    (right) => ({ set: (key, value, ttlMs) => right.set(key, value, ttlMs | 0) }),
    /be it longer or shorter: .* undefined instead of the text "of forty days"/,
  ],
  'cuts a long text': [
    (right) => ({ set: (key, value, ttlMs) => right.set(key, value.slice(0, 255), ttlMs) }),
    /4,000 characters/,
  ],
  'adds over what is there': [
    (right) => ({
      add: async (key, value, ttlMs) => {
        await right.set(key, value, ttlMs);
        return true;
      },
    }),
    /20 of 20 adds at once answered true/,
  ],
  'looks before it adds': [
    (right) => ({
      add: async (key, value, ttlMs) => {
        if ((await right.get(key)) !== undefined) return false;
        await new Promise((resolve) => setImmediate(resolve));
        await right.set(key, value, ttlMs);
        return true;
      },
    }),
    /20 of 20 adds at once answered true/,
  ],
  'answers 1 for true': [
    (right) => ({
      add: async (key, value, ttlMs) => Number(await right.add(key, value, ttlMs)) as unknown as boolean,
    }),
    /add to a free key answered 1 instead of true/,
  ],
  'never lets anything expire': [
    (right) => ({ set: (key, value, ttlMs) => right.set(key, value, ttlMs + 50_000) }),
    /200 ms/,
  ],
  'lets an added value stay': [
    (right) => ({ add: (key, value, ttlMs) => right.add(key, value, Math.max(ttlMs, 60_000)) }),
    /900 ms were not enough for a value added for 200 ms to expire/,
  ],
  'stores nothing': [
    () => ({ set: () => Promise.resolve(), add: () => Promise.resolve(true) }),
    /gone after \d+ ms, or was never there/,
  ],
  'does not delete': [
    () => ({ delete: () => Promise.resolve() }),
    /get after delete answered \{"value":"first"/,
  ],
  'minds deleting nothing': [
    (right) => ({
      delete: async (key) => {
        if ((await right.get(key)) === undefined) throw new Error('Not found.');
        await right.delete(key);
      },
    }),
    /delete of nothing is no error: Not found\./,
  ],
  'does not tell capitals from small letters': [
    (right) => ({
      get: (key) => right.get(key.toLowerCase()),
      set: (key, value, ttlMs) => right.set(key.toLowerCase(), value, ttlMs),
    }),
    /be they ever so alike/,
  ],
  'reads the text and its time one after the other': [
    (right) => ({
      get: async (key) => {
        const text = await right.get(key);
        await new Promise((resolve) => setTimeout(resolve, 2));
        const time = await right.get(key);
        return text && time && { ...text, remainingMs: time.remainingMs };
      },
    }),
    /while another replaces both: .* the text of one value with the time left of another/,
  ],
};

it('A store that does everything right passes all cases', async () => {
  expect(await complaintsOf(new MemoryTokenStore(systemClock))).toEqual([]);
});

it.each(Object.entries(MISTAKES))('A store that %s is told so', async (_, [mistaken, complaint]) => {
  const right = new MemoryTokenStore(systemClock);
  const store = Object.assign(new MemoryTokenStore(systemClock), {
    get: right.get.bind(right),
    set: right.set.bind(right),
    add: right.add.bind(right),
    delete: right.delete.bind(right),
    ...mistaken(right),
  });
  const complaints = await complaintsOf(store);
  expect(complaints.filter((text) => complaint.test(text))).not.toEqual([]);
});
