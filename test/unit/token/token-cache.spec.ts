import { AccessToken, type TokenLife } from '../../../lib/token/access-token.js';
import type { CacheEntry } from '../../../lib/token/cache-entry.js';
import { TokenCache } from '../../../lib/token/token-cache.js';
import type { AccessTokenRequest } from '../../../lib/token/token-request.js';
import { garbageCollected, heapInMegabytes } from '../../support/heap.js';
import { configOf, requestFor } from './endpoint/token-endpoint.fixture.js';

const request = (scope: string): AccessTokenRequest => requestFor({ scopes: [scope] });

const life: TokenLife = { issuedAt: { wall: 0, monotonic: 0 }, lifeMs: 60_000, windowMs: 6_000 };
const token = new AccessToken('secret', request('held'), life);

const cacheOf = (maxTokens: number, onLeave: (entry: CacheEntry) => void = () => {}): TokenCache =>
  new TokenCache(configOf({ maxTokens }), onLeave);

describe('the cache of tokens', () => {
  it('T125 remembers failures of keys without a token apart, so that they push no token out', () => {
    const cache = cacheOf(200);
    const held = Array.from({ length: 200 }, (_, i) => cache.keepToken(request(`held:${i}`)));
    for (let i = 0; i < 10_000; i += 1) cache.keep(request(`stranger:${i}`));
    expect(held.every(({ isCached }) => isCached)).toBe(true);
    expect(cache.entries()).toHaveLength(2200);
    expect(cache.find({ scopes: 'stranger:9999' })).toBe(cache.keep(request('stranger:9999')));
  });

  it('T123 knows for a key whose token left that it had one', () => {
    const cache = cacheOf(1);
    const evicted = cache.keepToken(request('evicted'));
    expect(evicted.isNewcomer).toBe(true);
    evicted.hold(token);
    cache.keepToken(request('other'));
    expect(cache.peek(evicted.request)).toBeUndefined();
    expect(cache.find({ scopes: 'evicted' }).isNewcomer).toBe(false);
    expect(cache.find({ scopes: 'stranger' }).isNewcomer).toBe(true);
  });

  it('keeps one entry per key', () => {
    const cache = cacheOf(10);
    const entry = cache.keepToken(request('a'));
    expect(cache.keepToken(request('a'))).toBe(entry);
    expect(cache.find({ scopes: 'a' })).toBe(entry);
    expect(cache.peek(request('b'))).toBeUndefined();
    expect(cache.entries()).toEqual([entry]);
  });

  it('T12 T14 T15 T16 finds an entry for exactly what is asked', () => {
    const cache = cacheOf(10);
    const entry = cache.keepToken(requestFor({ scopes: ['a', 'b'], businessId: 'biz_1' }));
    expect(cache.find({ scopes: ['b', 'a', 'b'], businessId: 'biz_1' })).toBe(entry);
    for (const asked of [
      { scopes: ['a'], businessId: 'biz_1' },
      { scopes: ['a', 'b', 'c'], businessId: 'biz_1' },
      { scopes: ['A', 'b'], businessId: 'biz_1' },
      { scopes: ['a', 'b'], businessId: 'biz_2' },
      { scopes: ['a', 'b'] },
    ]) {
      expect(cache.find(asked)).not.toBe(entry);
    }
  });

  it('T20 T71 takes no place for a key that has no result yet', () => {
    const cache = cacheOf(1);
    const entry = cache.keepToken(request('a'));
    for (let i = 0; i < 10; i += 1) expect(cache.find({ scopes: `scope:${i}` }).isCached).toBe(false);
    expect(cache.entries()).toEqual([entry]);
  });

  it('T20 T71 holds no more than its bound over ten thousand keys; the least recently used leaves first', () => {
    const cache = cacheOf(100);
    const hot = cache.keepToken(request('hot'));
    for (let i = 0; i < 10_000; i += 1) {
      cache.keepToken(request(`scope:${i}`));
      if (i % 50 === 0) cache.find({ scopes: 'hot' });
    }
    expect(cache.entries()).toHaveLength(100);
    expect(cache.peek(hot.request)).toBe(hot);
    expect(cache.peek(request('scope:9999'))).toBeDefined();
    expect(cache.peek(request('scope:9800'))).toBeUndefined();
  });

  it('lets the one leave that was not used since the others, however often they were used in between', () => {
    const cache = cacheOf(3);
    const [a, b, c] = ['a', 'b', 'c'].map((scope) => cache.keepToken(request(scope)));
    for (const used of ['b', 'a', 'b', 'a', 'c']) cache.find({ scopes: used });
    cache.keepToken(request('d'));
    expect([a!.isCached, b!.isCached, c!.isCached]).toEqual([true, false, true]);
    cache.find({ scopes: 'a' });
    cache.keepToken(request('e'));
    expect([a!.isCached, c!.isCached]).toEqual([true, false]);
  });

  it('T20 lets none leave that is used more often than others are added', () => {
    const cache = cacheOf(100);
    const entries = Array.from({ length: 100 }, (_, i) => cache.keepToken(request(`scope:${i}`)));
    const use = (i: number): void => void cache.find({ scopes: `scope:${i}` });
    for (let i = 0; i < 25; i += 1) use(i);
    for (let i = 0; i < 400; i += 1) {
      use(0);
      use((i % 24) + 1);
      cache.keepToken(request(`new:${i}`));
    }
    expect(entries.filter(({ isCached }) => isCached)).toEqual(entries.slice(0, 25));
  });

  it('takes the token from an entry that leaves, since callers may still hold the entry', () => {
    const cache = cacheOf(1);
    const pinned = cache.pin(request('pinned'));
    const evicted = cache.keepToken(request('evicted'));
    for (const entry of [pinned, evicted]) entry.hold(token);
    cache.keepToken(request('other'));
    expect(evicted).toMatchObject({ isCached: false, settled: undefined, windowMs: 0 });
    expect(evicted.lifeOf('secret')).toBeUndefined();
    expect(pinned.lifeOf('secret')).toBe(life);
    cache.clear();
    expect(pinned).toMatchObject({ isCached: false, settled: undefined, windowMs: 0 });
    expect(pinned.lifeOf('secret')).toBeUndefined();
  });

  it('lists a pinned entry once, new or known', () => {
    const cache = cacheOf(10);
    const known = cache.keepToken(request('known'));
    expect(cache.pin(request('known'))).toBe(known);
    const added = cache.pin(request('new'));
    expect(cache.entries()).toEqual([known, added]);
  });

  it('does not take a look for a use', () => {
    const cache = cacheOf(2);
    const [a, b] = [cache.keepToken(request('a')), cache.keepToken(request('b'))];
    cache.entries();
    cache.peek(a.request);
    cache.keepToken(request('c'));
    expect(a.isCached).toBe(false);
    expect(b.isCached).toBe(true);
  });

  it('tells of each entry that leaves, but not of one that is pinned', () => {
    const left: string[] = [];
    const cache = cacheOf(1, ({ request: { scopes } }) => left.push(String(scopes)));
    cache.keepToken(request('evicted'));
    const deleted = cache.keepToken(request('deleted'));
    expect(left).toEqual(['evicted']);
    cache.delete(deleted);
    expect(left).toEqual(['evicted', 'deleted']);
    cache.pin(request('pinned'));
    cache.keepToken(request('cleared'));
    cache.clear();
    expect(left).toEqual(['evicted', 'deleted', 'cleared']);
    expect(cache.entries()).toEqual([]);
  });

  it('keeps a pinned entry for good, beside its bound', () => {
    const cache = cacheOf(1);
    const entry = cache.keepToken(request('default'));
    expect(cache.pin(entry.request)).toBe(entry);
    cache.keepToken(request('a'));
    cache.keepToken(request('b'));
    cache.delete(entry);
    expect(cache.find({ scopes: 'default' })).toBe(entry);
    expect(cache.keepToken(entry.request)).toBe(entry);
    expect(entry.isCached).toBe(true);
    expect(cache.entries()).toHaveLength(2);
  });

  it('deletes by identity: an entry that took the place of another stays', () => {
    const cache = cacheOf(1);
    const former = cache.keepToken(request('a'));
    cache.keepToken(request('b'));
    const present = cache.keepToken(request('a'));
    cache.delete(former);
    expect(former.isCached).toBe(false);
    expect(cache.peek(request('a'))).toBe(present);
  });

  it.each([10, 200, 1000])('T11 finds the entry of that business, whatever has left a cache of %i', (max) => {
    const cache = cacheOf(max);
    for (let move = 0; move < 5000; move += 1) {
      // By turns the same ones again and again, and one after another of all.
      const number = move % 2 === 0 ? move % 14 : (move * 7) % 600;
      const asked = { scopes: 'a:b', businessId: `biz_${number % 3}x${1000 + Math.floor(number / 3)}` };
      const found = cache.find(asked);
      const entry = move % 5 === 0 ? cache.keepToken(found.request) : found;
      expect(entry.request.businessId).toBe(asked.businessId);
      expect(cache.peek(entry.request) ?? entry).toBe(entry);
    }
  });

  it('holds on to no longer text that a business was cut from', async () => {
    const cache = cacheOf(10_000);
    const businesses = Array.from({ length: 300 }, (_, i) => `biz_GA6EG2qFxA97N${1000 + i}`);
    const cutFrom = (text: string): string => /"business":"(\w+)"/.exec(text)![1]!;
    const before = await heapInMegabytes();
    for (const business of [...businesses, ...businesses, ...businesses]) {
      const body = Buffer.from(`{"business":"${business}","rest":"${'x'.repeat(500_000)}"}`);
      const { request: asked } = cache.find({ businessId: cutFrom(body.toString('latin1')) });
      cache.keepToken(asked);
      expect(asked.businessId).toBe(business);
    }
    /x/.exec('x'); // The last text that an expression matched is kept by the language.
    expect((await heapInMegabytes()) - before).toBeLessThan(20);
  });

  it('holds on to no entry that has no result yet', async () => {
    const cache = cacheOf(10);
    const waiting = Array.from(
      { length: 600 },
      (_, i) => new WeakRef(cache.find({ businessId: `biz_${1000 + i}` })),
    );
    await garbageCollected();
    expect(waiting.filter((entry) => entry.deref() !== undefined)).toEqual([]);
  });
});
