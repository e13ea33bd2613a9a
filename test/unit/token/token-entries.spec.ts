import type { AssetTokenRequest } from '../../../lib/token/token-request.js';
import { TokenCache, TokenEntries } from '../../../lib/token/token-cache.js';
import type { TokenEntry } from '../../../lib/token/cache-entry.js';
import { garbageCollected, heapInMegabytes } from '../../support/heap.js';
import { configOf } from './endpoint/token-endpoint.fixture.js';

const setting = (
  maxTokens = 10_000,
): {
  cache: TokenCache;
  entries: TokenEntries;
  keptFor: (said: AssetTokenRequest) => TokenEntry;
} => {
  const cache = new TokenCache(maxTokens, () => {});
  const entries = new TokenEntries(configOf({ maxTokens }), cache);
  const keptFor = (said: AssetTokenRequest): TokenEntry => {
    cache.findOrCreate(entries.entryFor(said).request);
    return entries.entryFor(said);
  };
  return { cache, entries, keptFor };
};

/** Two things to say, and one that says now this, now that. */
const ONE = { scopes: 'a:b', businessId: 'biz_AAAA1' };
const OTHER = { scopes: 'c:d', businessId: 'biz_BBBB2' };
const changing = (...answers: (typeof ONE)[]): typeof ONE => {
  const next = (): typeof ONE => (answers.length > 1 ? answers.shift()! : answers[0]!);
  return {
    get scopes() {
      return next().scopes;
    },
    get businessId() {
      return next().businessId;
    },
  };
};

describe('The entry for what a caller says', () => {
  it.each<[string, (its: ReturnType<typeof setting>) => void]>([
    ['nothing is known', () => {}],
    ['what is said is known, and waits', ({ entries }) => void entries.entryFor(ONE)],
    [
      'what is said was fetched just now',
      ({ cache, entries }) => void cache.findOrCreate(entries.entryFor(ONE).request),
    ],
    [
      'what is said was let go',
      ({ cache, keptFor }) => {
        cache.delete(keptFor(ONE));
      },
    ],
    ['what is said is kept', ({ keptFor }) => void keptFor(ONE)],
  ])('T11 T12 takes nobody else to what a getter answered later, when %s', (_state, prepare) => {
    for (let same = 0; same < 8; same += 1) {
      const its = setting();
      prepare(its);
      its.entries.entryFor(changing(...Array<typeof ONE>(same).fill(ONE), OTHER, ONE, OTHER));
      for (const said of [ONE, OTHER, { ...ONE, scopes: OTHER.scopes }, { ...OTHER, scopes: ONE.scopes }]) {
        const { request } = its.entries.entryFor(said);
        expect(request).toMatchObject({ scopes: [said.scopes], businessId: said.businessId });
      }
    }
  });

  it.each([10, 200, 1000])(
    'T11 is of that business, and kept if one is, whatever has left a cache of %i since it was found',
    (maxTokens) => {
      const { cache, entries, keptFor } = setting(maxTokens);
      for (let move = 0; move < 5000; move += 1) {
        // By turns the same ones again and again, and one after another of all; 200 and more share places with others.
        const number = move % 2 === 0 ? move % 14 : (move * 7) % 600;
        const said = { scopes: 'a:b', businessId: `biz_${number % 3}x${1000 + Math.floor(number / 3)}` };
        const entry = move % 5 === 0 ? keptFor(said) : entries.entryFor(said);
        expect(entry.request.businessId).toBe(said.businessId);
        expect(cache.peek(entry.request.key) ?? entry).toBe(entry);
      }
    },
  );

  it('holds on to no longer text that a business was cut from, the first time or later', async () => {
    const { keptFor } = setting();
    const businesses = Array.from({ length: 300 }, (_, i) => `biz_GA6EG2qFxA97N${1000 + i}`);
    const cutFrom = (text: string): string => /"business":"(\w+)"/.exec(text)![1]!;
    const before = await heapInMegabytes();
    for (const business of [...businesses, ...businesses, ...businesses]) {
      const body = Buffer.from(`{"business":"${business}","rest":"${'x'.repeat(500_000)}"}`);
      const { request } = keptFor({ businessId: cutFrom(body.toString('latin1')) });
      expect(request.businessId).toBe(business);
    }
    /x/.exec('x'); // The last text that an expression matched is kept by the language.
    expect((await heapInMegabytes()) - before).toBeLessThan(20);
  });

  it('holds on to no entry that another one has taken the place of', async () => {
    const { entries, keptFor } = setting();
    const businesses = Array.from({ length: 600 }, (_, i) => `biz_${1000 + i}`);
    // Looked up twice, so that it lies at hand.
    const waiting = [...businesses, ...businesses].map(
      (businessId) => new WeakRef(entries.entryFor({ businessId })),
    );
    for (const businessId of businesses) keptFor({ businessId });
    await garbageCollected();
    expect(waiting.filter((entry) => entry.deref() !== undefined)).toEqual([]);
    expect(entries.entryFor({ businessId: businesses[0] }).kept).toBe(true);
  });
});
