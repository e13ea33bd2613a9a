import fc from 'fast-check';
import { ManualClock } from 'nestjs-asset-auth/testing';
import { instantOf } from '../../../lib/config/clock.js';
import { AccessToken } from '../../../lib/token/access-token.js';
import type { CacheEntry } from '../../../lib/token/cache-entry.js';
import { tokenRequestFailure } from '../../../lib/token/endpoint/token.errors.js';
import { RefreshScheduler } from '../../../lib/token/refresh-scheduler.js';
import { TokenCache } from '../../../lib/token/token-cache.js';
import { CLIENT, configOf, requestFor } from './endpoint/token-endpoint.fixture.js';

const DAY = 86_400_000;
const VALUE = 'value';
const request = requestFor({ scopes: ['ledger:read'] });
const { error } = tokenRequestFailure({ request, config: CLIENT }, 'ASSET_TOKEN_UNAVAILABLE', {
  what: 'down',
  fault: 'unavailable',
});

interface Setting {
  readonly clock: ManualClock;
  readonly cache: TokenCache;
  readonly scheduler: RefreshScheduler;
  readonly entry: CacheEntry;
  /** When refreshes were asked for, by the monotonic clock. */
  readonly refreshed: number[];
  readonly hold: (lifeMs: number, windowMs: number) => void;
}

function setting(): Setting {
  const clock = new ManualClock();
  const cache: TokenCache = new TokenCache(configOf({ maxTokens: 10 }), (left) => {
    scheduler.forget(left);
  });
  const entry = cache.keepToken(request);
  const refreshed: number[] = [];
  const scheduler = new RefreshScheduler(clock, cache, () => refreshed.push(clock.monotonic()));
  const hold = (lifeMs: number, windowMs: number): void => {
    const life = { issuedAt: instantOf(clock), lifeMs, windowMs };
    entry.hold(new AccessToken(VALUE, request, life));
    scheduler.plan(entry);
  };
  return { clock, cache, scheduler, entry, refreshed, hold };
}

describe('the schedule of one key', () => {
  it('asks for a refresh when its token gets stale, if it was used', async () => {
    const { clock, entry, refreshed, hold } = setting();
    hold(1000, 250);
    entry.markUse('fresh');
    await clock.advance(749);
    expect(refreshed).toEqual([]);
    await clock.advance(1);
    expect(refreshed).toEqual([750]);
  });

  it('asks for none if it was not used, and forgets the key at its expiry', async () => {
    const { clock, cache, refreshed, hold } = setting();
    hold(1000, 250);
    await clock.advance(999);
    expect(cache.entries()).toHaveLength(1);
    await clock.advance(1);
    expect(cache.entries()).toEqual([]);
    expect(refreshed).toEqual([]);
    expect(clock.timers).toEqual([]);
  });

  it('asks for a refresh of a pinned key, used or not, and again after its expiry', async () => {
    const { clock, scheduler, cache, entry, refreshed, hold } = setting();
    cache.pin(request);
    hold(1000, 250);
    await clock.advance(750);
    expect(refreshed).toEqual([750]);
    await clock.advance(250);
    entry.rest(40, clock);
    scheduler.plan(entry);
    await clock.advance(40);
    expect(refreshed).toEqual([750, 1040]);
  });

  it('waits for the end of a pause, and sees then whether the key was used in it', async () => {
    const { clock, scheduler, entry, refreshed, hold } = setting();
    hold(1000, 500);
    await clock.advance(600);
    entry.rest(100, clock);
    scheduler.plan(entry);
    await clock.advance(50);
    entry.markUse('fresh');
    await clock.advance(49);
    expect(refreshed).toEqual([]);
    await clock.advance(1);
    expect(refreshed).toEqual([700]);
  });

  it('keeps a failure in memory beyond the token, and asks for nothing then', async () => {
    const { clock, cache, entry, refreshed, hold } = setting();
    hold(1000, 250);
    entry.noteError(error, false);
    await clock.advance(5000);
    expect(cache.entries()).toEqual([entry]);
    expect(refreshed).toEqual([]);
    expect(clock.timers).toEqual([]);
  });

  it('keeps a token that was given up until its natural end, to know it again', async () => {
    const { clock, cache, scheduler, entry, refreshed, hold } = setting();
    hold(1000, 250);
    entry.markUse('fresh');
    entry.invalidate(VALUE);
    scheduler.plan(entry);
    await clock.advance(999);
    expect(cache.entries()).toHaveLength(1);
    await clock.advance(1);
    expect(cache.entries()).toEqual([]);
    expect(refreshed).toEqual([]);
  });

  it('T29 keeps a token that was given up for months, and asks for nothing meanwhile', async () => {
    const { clock, cache, scheduler, entry, refreshed, hold } = setting();
    hold(60 * DAY, 15 * DAY);
    entry.markUse('fresh');
    entry.invalidate(VALUE);
    scheduler.plan(entry);
    await clock.advance(60 * DAY - 1);
    expect(cache.entries()).toHaveLength(1);
    await clock.advance(1);
    expect(cache.entries()).toEqual([]);
    expect(refreshed).toEqual([]);
  });

  it('does not cut a pause short that began while the token was fresh', async () => {
    const { clock, entry, refreshed, hold } = setting();
    hold(1200, 500);
    entry.markUse('fresh');
    entry.restAfterSameToken(clock);
    await clock.advance(999);
    expect(refreshed).toEqual([]);
    await clock.advance(1);
    expect(refreshed).toEqual([1000]);
  });

  it('asks for nothing when the machine slept past the expiry', async () => {
    const { clock, cache, entry, refreshed, hold } = setting();
    hold(1000, 250);
    entry.markUse('fresh');
    clock.suspend(5000);
    await clock.advance(750);
    expect(refreshed).toEqual([]);
    expect(cache.entries()).toEqual([]);
  });

  it('T29 reaches a moment beyond the longest timer in steps', async () => {
    const { clock, entry, refreshed, hold } = setting();
    hold(365 * DAY, 90 * DAY);
    entry.markUse('fresh');
    await clock.advance(275 * DAY - 1);
    expect(refreshed).toEqual([]);
    await clock.advance(1);
    expect(refreshed).toEqual([275 * DAY]);
  });

  it('has one timer at a time, which keeps no process alive, and rounds up', () => {
    const { clock, scheduler, entry, hold } = setting();
    hold(1000, 250.4);
    scheduler.plan(entry);
    scheduler.plan(entry);
    expect(clock.timers).toEqual([{ dueInMs: 750, ref: false }]);
  });

  it('has no timer for a key that left the cache, nor once it is stopped', async () => {
    const { clock, cache, scheduler, entry, refreshed, hold } = setting();
    hold(1000, 250);
    entry.markUse('fresh');
    scheduler.stop();
    expect(clock.timers).toEqual([]);
    hold(1000, 250);
    expect(clock.timers).toEqual([]);
    const other = setting();
    other.cache.delete(other.entry);
    other.hold(1000, 250);
    expect(other.clock.timers).toEqual([]);
    await clock.advance(10_000);
    expect(refreshed).toEqual([]);
    expect(cache.entries()).toHaveLength(1);
  });
});

describe('the schedule of many keys', () => {
  function many(lives: readonly number[]): {
    readonly clock: ManualClock;
    readonly scheduler: RefreshScheduler;
    readonly entries: readonly CacheEntry[];
    readonly woken: [string, number][];
  } {
    const clock = new ManualClock();
    const cache = new TokenCache(configOf({ maxTokens: lives.length }), () => {});
    const woken: [string, number][] = [];
    const scheduler = new RefreshScheduler(clock, cache, ({ request: { key } }) =>
      woken.push([key, clock.monotonic()]),
    );
    const entries = lives.map((lifeMs, i) => {
      const entry = cache.keepToken(requestFor({ scopes: [`scope:${i}`] }));
      const life = { issuedAt: instantOf(clock), lifeMs: lifeMs * 2, windowMs: lifeMs };
      entry.hold(new AccessToken(VALUE, entry.request, life));
      entry.markUse('fresh');
      scheduler.plan(entry);
      return entry;
    });
    return { clock, scheduler, entries, woken };
  }

  it('has one timer for all keys, set to the one that is due first', () => {
    const { clock } = many([500, 300, 900, 100, 700]);
    expect(clock.timers).toEqual([{ dueInMs: 100, ref: false }]);
  });

  it('wakes each key at its own moment, in whatever order they came, were moved and left', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 40 }),
        fc.array(fc.nat(), { maxLength: 40 }),
        async (lives, moves) => {
          const { clock, scheduler, entries, woken } = many(lives);
          const left = new Set<CacheEntry>();
          for (const [turn, move] of moves.entries()) {
            const entry = entries[move % entries.length]!;
            if (turn % 2 === 0) left.add(entry);
            else left.delete(entry);
            if (turn % 2 === 0) scheduler.forget(entry);
            else scheduler.plan(entry);
          }
          await clock.advance(50);
          const expected = entries.flatMap((entry, i) =>
            left.has(entry) ? [] : [[entry.request.key, lives[i]!]],
          );
          const sorted = (list: readonly unknown[]): string[] =>
            list.map((item) => JSON.stringify(item)).sort();
          expect(sorted(woken)).toEqual(sorted(expected));
          expect(woken.map(([, at]) => at)).toEqual(woken.map(([, at]) => at).sort((a, b) => a - b));
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('a schedule that was stopped', () => {
  it('plans nothing any more', () => {
    const { clock, scheduler, entry, hold } = setting();
    scheduler.stop();
    hold(1000, 250);
    entry.markUse('fresh');
    scheduler.plan(entry);
    expect(clock.timers).toEqual([]);
  });
});

describe('a token that expired by a clock that was wrong', () => {
  it('T27 does not come back with the right time, when nothing is due for it any more', async () => {
    const { clock, cache, entry, hold } = setting();
    hold(1000, 250);
    entry.noteError(error, false);
    clock.jumpWallClock(3_600_000);
    await clock.advance(750);
    clock.jumpWallClock(-3_600_000);
    expect(cache.entries()).toEqual([entry]);
    expect(entry).toMatchObject({ hasFailed: true, settled: undefined });
    expect(entry.state(clock)).toBe('expired');
  });
});

describe('a token that is past its moment without a timer', () => {
  it('T27 is stale and expired by the monotonic clock although the wall clock was set back', async () => {
    const { clock, entry, hold } = setting();
    hold(1000, 250);
    clock.jumpWallClock(-3_600_000);
    await clock.advance(750);
    expect(entry.state(clock)).toBe('stale');
    await clock.advance(250);
    expect(entry.state(clock)).toBe('expired');
  });

  it('T27 is expired by the wall clock although the machine slept and no timer ran', () => {
    const { clock, entry, hold } = setting();
    hold(1000, 250);
    clock.suspend(5000);
    expect(entry.state(clock)).toBe('expired');
  });
});
