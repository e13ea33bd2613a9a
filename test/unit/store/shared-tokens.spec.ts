import { randomBytes } from 'node:crypto';
import { ManualClock } from 'nestjs-asset-auth/testing';
import { SharedTokens } from '../../../lib/store/shared-tokens.js';
import { garbageCollected } from '../../support/heap.js';
import { FaultyTokenStore } from '../../support/store-faults.js';
import { publisher } from './publisher.fixture.js';

const HOUR = 3_600_000;

function opened() {
  const clock = new ManualClock();
  const store = new FaultyTokenStore(clock);
  const told: string[] = [];
  const keys = [randomBytes(32).toString('base64')];
  const shared = new SharedTokens(
    store,
    {
      tokenUrl: 'https://asset.example/token',
      storePrefix: 'asset-auth:',
      storeTimeoutMs: 250,
      readStoreKeys: () => keys,
    },
    clock,
    publisher((line) => told.push(line)),
  );
  const token = (place: number) => ({
    value: `token-${place}`,
    generation: `g${place}`,
    lifeMs: HOUR,
    requestMs: 5,
    difference: undefined,
  });
  /** A token that was fetched just now. Answers whether anybody still holds it. */
  const publish = (place: number): WeakRef<object> => {
    const from = clock.monotonic();
    const published = token(place);
    shared.publish(`key ${place}`, published, () => HOUR - (clock.monotonic() - from));
    return new WeakRef(published);
  };
  return { clock, store, shared, told, publish };
}

describe('T71 tokens that wait for a store that is down', () => {
  it('are a thousand at most, and cost it one attempt at a time', async () => {
    const { clock, store, publish, told } = opened();
    store.fail({ reject: new Error('down') });
    const published = Array.from({ length: 10_000 }, (_, place) => publish(place));
    await clock.advance(0);
    expect(clock.timers.length).toBeLessThanOrEqual(1001);
    await garbageCollected();
    expect(published.filter((token) => token.deref() !== undefined).length).toBeLessThanOrEqual(1001);
    store.calls.length = 0;
    await clock.advance(600_000);
    expect(store.calls.length).toBeLessThan(60);
    expect(told).toHaveLength(1);
    store.heal();
    store.calls.length = 0;
    await clock.advance(31_000);
    expect(store.tokens.length).toBeGreaterThanOrEqual(1000);
    expect(store.calls.length).toBeLessThanOrEqual(1001);
    expect(told.at(-1)).toBe('in use');
    expect(clock.timers).toEqual([]);
  });

  it('and are forgotten at the end', async () => {
    const { clock, store, shared, publish } = opened();
    store.fail({ hang: true });
    for (let place = 0; place < 100; place += 1) publish(place);
    await clock.advance(500);
    shared.close();
    await clock.advance(0);
    expect(clock.timers).toEqual([]);
    await clock.advance(60_000);
    expect(store.calls).toHaveLength(100);
  });
});

describe('a write that was given up on and is carried out later', () => {
  it.each([100, 900, 1500, 2500, 6000, 60_000])(
    'after %d ms: the record does not outlive its token',
    async (lateMs) => {
      const { clock, store, publish } = opened();
      store.stall(lateMs);
      publish(1);
      await clock.advance(lateMs + 1);
      await clock.advance(31_000);
      const left = HOUR - clock.monotonic();
      expect(store.peek(store.tokens[0]!)!.remainingMs).toBeLessThanOrEqual(left);
      expect(store.count('set')).toBeLessThanOrEqual(lateMs > 1000 ? 8 : 1);
    },
  );
});

describe('at the end', () => {
  it('whoever waits for the store waits no more, and nothing is told of it', async () => {
    const { clock, store, shared, told } = opened();
    store.fail({ hang: true });
    const looks = [true, false].map((isAwaited) => shared.look('key', { isAwaited, remainingMs: HOUR }));
    await clock.advance(10);
    shared.close();
    expect(await Promise.all(looks)).toEqual([undefined, undefined]);
    expect(clock.timers).toEqual([]);
    expect(told).toEqual([]);
    expect(await shared.look('key', { isAwaited: true, remainingMs: 0 })).toBeUndefined();
    expect(store.calls).toHaveLength(2);
  });

  it('leases are given back', async () => {
    const { clock, store, shared } = opened();
    const caller = { isAwaited: true, remainingMs: 0 };
    const turn = await shared.takeTurn('key', await shared.look('key', caller), caller);
    expect(turn.whose).toBe('ours');
    expect(store.leases).toHaveLength(1);
    shared.close();
    await clock.advance(0);
    expect(store.leases).toEqual([]);
    expect(clock.timers).toEqual([]);
  });
});
