import { AccessToken, type TokenLife } from '../../../lib/token/access-token.js';
import { AccessTokenRequest } from '../../../lib/token/token-request.js';
import { TokenCache } from '../../../lib/token/token-cache.js';

const request = (scope: string): AccessTokenRequest =>
  new AccessTokenRequest(
    { clientId: 'client', tokenTtlSeconds: 3600 },
    { scopes: [scope], businessId: undefined, resource: undefined },
  );

const life: TokenLife = { sent: { wall: 0, monotonic: 0 }, lifeMs: 60_000, windowMs: 6_000 };
const token = new AccessToken('secret', request('held'), life);

const ignored = (): void => {};

describe('the cache of tokens', () => {
  it('keeps one entry per key', () => {
    const cache = new TokenCache(10, ignored);
    const entry = cache.findOrCreate(request('a'));
    expect(cache.findOrCreate(request('a'))).toBe(entry);
    expect(cache.find(request('a').key)).toBe(entry);
    expect(cache.find(request('b').key)).toBeUndefined();
    expect(cache.entries()).toEqual([entry]);
  });

  it('T20 T71 holds no more than its bound over ten thousand keys; the least recently used leaves first', () => {
    const cache = new TokenCache(100, ignored);
    const hot = cache.findOrCreate(request('hot'));
    for (let i = 0; i < 10_000; i += 1) {
      cache.findOrCreate(request(`scope:${i}`));
      if (i % 50 === 0) cache.find(hot.request.key);
    }
    expect(cache.entries()).toHaveLength(100);
    expect(cache.find(hot.request.key)).toBe(hot);
    expect(cache.find(request('scope:9999').key)).toBeDefined();
    expect(cache.find(request('scope:9800').key)).toBeUndefined();
  });

  it('lets the one leave that was not used since the others, however often they were used in between', () => {
    const cache = new TokenCache(3, ignored);
    const [a, b, c] = ['a', 'b', 'c'].map((scope) => cache.findOrCreate(request(scope)));
    for (const used of [b!, a!, b!, a!, c!]) cache.touch(used);
    cache.findOrCreate(request('d'));
    expect([a!.kept, b!.kept, c!.kept]).toEqual([true, false, true]);
    cache.touch(a!);
    cache.findOrCreate(request('e'));
    expect([a!.kept, c!.kept]).toEqual([true, false]);
  });

  it('T20 lets none leave that was used since most of the others were, in a cache of any size', () => {
    const cache = new TokenCache(100, ignored);
    const entries = Array.from({ length: 100 }, (_, i) => cache.findOrCreate(request(`scope:${i}`)));
    const [hot] = entries;
    for (const entry of entries.slice(0, 25)) cache.touch(entry);
    for (let i = 0; i < 400; i += 1) {
      cache.touch(hot!);
      cache.touch(entries[(i % 24) + 1]!);
      cache.findOrCreate(request(`new:${i}`));
    }
    expect(entries.filter(({ kept }) => kept)).toEqual(entries.slice(0, 25));
  });

  it('looks up nothing for the hot ones among many, however often they are used', () => {
    const cache = new TokenCache(100, ignored);
    for (let i = 0; i < 80; i += 1) cache.findOrCreate(request(`scope:${i}`));
    const hot = Array.from({ length: 20 }, (_, i) => cache.findOrCreate(request(`hot:${i}`)));
    const before = hot.map(({ movedAt }) => movedAt);
    for (let i = 0; i < 1000; i += 1) cache.touch(hot[i % 20]!);
    expect(hot.map(({ movedAt }) => movedAt)).toEqual(before);
  });

  it('leaves no token with whoever still holds on to what has left it', () => {
    const cache = new TokenCache(1, ignored);
    const pinned = cache.pin(request('pinned'));
    const evicted = cache.findOrCreate(request('evicted'));
    for (const entry of [pinned, evicted]) entry.hold(token, life);
    cache.findOrCreate(request('other'));
    expect(evicted).toMatchObject({ kept: false, token: undefined, settled: undefined, life: undefined });
    expect(pinned).toMatchObject({ kept: true, token });
    cache.clear();
    expect(pinned).toMatchObject({ kept: false, token: undefined, settled: undefined, life: undefined });
  });

  it('lists a pinned one once, were it new or known', () => {
    const cache = new TokenCache(10, ignored);
    const known = cache.findOrCreate(request('known'));
    expect(cache.pin(request('known'))).toBe(known);
    const fresh = cache.pin(request('new'));
    expect(cache.entries()).toEqual([known, fresh]);
  });

  it('is not used by looking at it', () => {
    const cache = new TokenCache(2, ignored);
    const [a, b] = [cache.findOrCreate(request('a')), cache.findOrCreate(request('b'))];
    cache.entries();
    cache.peek(a.request.key);
    cache.findOrCreate(request('c'));
    expect(a.kept).toBe(false);
    expect(b.kept).toBe(true);
  });

  it('tells of what leaves it, however that leaves, but not of what is pinned', () => {
    const left: string[] = [];
    const cache = new TokenCache(1, ({ request: { scopes } }) => left.push(String(scopes)));
    cache.findOrCreate(request('evicted'));
    const deleted = cache.findOrCreate(request('deleted'));
    expect(left).toEqual(['evicted']);
    cache.delete(deleted);
    expect(left).toEqual(['evicted', 'deleted']);
    cache.pin(request('pinned'));
    cache.findOrCreate(request('cleared'));
    cache.clear();
    expect(left).toEqual(['evicted', 'deleted', 'cleared']);
    expect(cache.entries()).toEqual([]);
  });

  it('keeps what is pinned for good, beside its bound', () => {
    const cache = new TokenCache(1, ignored);
    const entry = cache.findOrCreate(request('default'));
    expect(cache.pin(entry.request)).toBe(entry);
    cache.findOrCreate(request('a'));
    cache.findOrCreate(request('b'));
    cache.delete(entry);
    expect(cache.find(entry.request.key)).toBe(entry);
    expect(cache.findOrCreate(entry.request)).toBe(entry);
    expect(entry.kept).toBe(true);
    expect(cache.entries()).toHaveLength(2);
  });

  it('deletes by identity: an entry that took the place of another stays', () => {
    const cache = new TokenCache(1, ignored);
    const former = cache.findOrCreate(request('a'));
    cache.findOrCreate(request('b'));
    const present = cache.findOrCreate(request('a'));
    cache.delete(former);
    expect(former.kept).toBe(false);
    expect(cache.find(request('a').key)).toBe(present);
  });
});
