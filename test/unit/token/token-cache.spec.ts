import { AccessTokenRequest } from '../../../lib/token/request/access-token-request.js';
import { TokenCache } from '../../../lib/token/token-cache.js';

const request = (scope: string): AccessTokenRequest =>
  new AccessTokenRequest(
    { clientId: 'client', tokenTtlSeconds: 3600 },
    { scopes: [scope], businessId: undefined, resource: undefined },
  );

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

  it('is not used by looking at it', () => {
    const cache = new TokenCache(2, ignored);
    const [a, b] = [cache.findOrCreate(request('a')), cache.findOrCreate(request('b'))];
    cache.entries();
    cache.holds(a);
    cache.findOrCreate(request('c'));
    expect(cache.holds(a)).toBe(false);
    expect(cache.holds(b)).toBe(true);
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
    expect(cache.holds(entry)).toBe(true);
    expect(cache.entries()).toHaveLength(2);
  });

  it('deletes by identity: an entry that took the place of another stays', () => {
    const cache = new TokenCache(1, ignored);
    const former = cache.findOrCreate(request('a'));
    cache.findOrCreate(request('b'));
    const present = cache.findOrCreate(request('a'));
    cache.delete(former);
    expect(cache.holds(former)).toBe(false);
    expect(cache.find(request('a').key)).toBe(present);
  });
});
