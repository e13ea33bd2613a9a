import { ManualClock } from 'nestjs-asset-auth/testing';
import { instantOf } from '../../../lib/config/clock.js';
import { AccessToken } from '../../../lib/token/access-token.js';
import { CacheEntry } from '../../../lib/token/cache-entry.js';
import { tokenRequestFailure } from '../../../lib/token/endpoint/token.errors.js';
import { CLIENT, requestFor } from './endpoint/token-endpoint.fixture.js';

const request = requestFor({ scopes: ['ledger:read'], businessId: 'biz_1' });
const { error } = tokenRequestFailure({ request, config: CLIENT }, 'ASSET_TOKEN_UNAVAILABLE', {
  what: 'down',
  fault: 'unavailable',
});
const VALUE = 'the-secret-value';

function setting(): { clock: ManualClock; entry: CacheEntry; hold: (lifeMs?: number) => AccessToken } {
  const clock = new ManualClock();
  const entry = new CacheEntry(request);
  const hold = (lifeMs = 100_000): AccessToken => {
    const life = { issuedAt: instantOf(clock), lifeMs, windowMs: lifeMs / 4 };
    const token = new AccessToken(VALUE, request, life);
    entry.hold(token);
    return token;
  };
  return { clock, entry, hold };
}

describe('a cache entry', () => {
  it('holds a token until it expires or is given up', async () => {
    const { clock, entry, hold } = setting();
    expect([entry.isHeld(clock), entry.remainingMs(clock), entry.lapsesInMs(clock)]).toEqual([false, 0, 0]);
    hold(1000);
    expect([entry.isHeld(clock), entry.remainingMs(clock), entry.lapsesInMs(clock)]).toEqual([
      true,
      1000,
      1000,
    ]);
    entry.invalidate(VALUE);
    expect([entry.isHeld(clock), entry.remainingMs(clock), entry.lapsesInMs(clock)]).toEqual([
      false,
      0,
      1000,
    ]);
    hold(1000);
    await clock.advance(1500);
    expect([entry.isHeld(clock), entry.remainingMs(clock), entry.lapsesInMs(clock)]).toEqual([
      false,
      0,
      -500,
    ]);
  });

  it('remembers failures, with growing pauses in which they are in force', async () => {
    const { clock, entry } = setting();
    for (const pause of [500, 1000, 2000]) {
      entry.rememberFailure(error, { random: 0 }, clock);
      expect(entry.failureInForce(clock)).toMatchObject({ error, held: false });
      expect(entry.restsForMs(clock)).toBe(pause);
      await clock.advance(pause - 1);
      expect(entry.failureInForce(clock)).toBeDefined();
      await clock.advance(1);
      expect(entry.failureInForce(clock)).toBeUndefined();
    }
  });

  it('pauses for at most a quarter of what is left of its token', () => {
    const { clock, entry, hold } = setting();
    hold(1200);
    entry.rememberFailure(error, { random: 0 }, clock);
    expect(entry.failureInForce(clock)).toMatchObject({ held: true, until: 300 });
  });

  it('counts failures anew once its token has expired', async () => {
    const { clock, entry, hold } = setting();
    hold(1000);
    for (let i = 0; i < 5; i += 1) entry.rememberFailure(error, { random: 0 }, clock);
    expect(entry.failuresWithThis(clock)).toBe(6);
    await clock.advance(1000);
    expect(entry.failuresWithThis(clock)).toBe(1);
    entry.rememberFailure(error, { random: 0 }, clock);
    expect(entry.failuresWithThis(clock)).toBe(2);
  });

  it('T27 ends a pause with the token that served in it, however that ended', () => {
    for (const end of ['sleep', 'given up'] as const) {
      const { clock, entry, hold } = setting();
      hold();
      entry.rememberFailure(error, { random: 0.5 }, clock);
      expect(entry.failureInForce(clock)).toBeDefined();
      if (end === 'sleep') clock.suspend(100_000);
      else entry.invalidate(VALUE);
      expect(entry.failureInForce(clock)).toBeUndefined();
    }
  });

  it('never shortens a rest that is in force', () => {
    const { clock, entry } = setting();
    entry.rest(5000, clock);
    entry.rest(1000, clock);
    expect(entry.restsForMs(clock)).toBe(5000);
    expect(entry.failureInForce(clock)).toBeUndefined();
  });

  it('forgets failures and pauses once a new token has arrived', () => {
    const { clock, entry, hold } = setting();
    hold();
    entry.markUse('fresh');
    entry.rememberFailure(error, { random: 0 }, clock);
    entry.noteError(error, false);
    entry.restAfterSameToken(clock);
    entry.invalidate(VALUE);
    hold();
    expect(entry).toMatchObject({ hasFailed: false, isInvalidated: false, isWanted: false });
    expect(entry.failureInForce(clock)).toBeUndefined();
    expect(entry.restsForMs(clock)).toBeLessThanOrEqual(0);
    expect(entry.sameTokenForNow(clock)).toBeUndefined();
    expect(entry.snapshot(clock, false)).toMatchObject({ uses: 1, lastError: undefined });
    expect(entry.failuresWithThis(clock)).toBe(1);
  });

  it('T25 gives the same token for half of what is left of it, and asks for no other meanwhile', async () => {
    const { clock, entry, hold } = setting();
    hold(100_000);
    await clock.advance(80_000);
    entry.restAfterSameToken(clock);
    expect(entry.restsForMs(clock)).toBe(10_000);
    expect(entry.sameTokenForNow(clock)).toBe(entry.settled);
    await clock.advance(9999);
    expect(entry.sameTokenForNow(clock)).toBe(entry.settled);
    await clock.advance(1);
    expect(entry.sameTokenForNow(clock)).toBeUndefined();
  });

  it('T25 gives the same token for a second at least, however little is left of it', async () => {
    const { clock, entry, hold } = setting();
    hold(100_000);
    await clock.advance(99_500);
    entry.restAfterSameToken(clock);
    expect(entry.restsForMs(clock)).toBe(1000);
  });

  it.each(['expired', 'given up'])('T25 does not give the same token once it is %s', (end) => {
    const { clock, entry, hold } = setting();
    hold(1500);
    entry.restAfterSameToken(clock);
    clock.jumpWallClock(end === 'expired' ? 1500 : 0);
    if (end === 'given up') entry.invalidate(VALUE);
    expect(entry.sameTokenForNow(clock)).toBeUndefined();
  });

  it('gives up a token by its value only', () => {
    const { clock, entry, hold } = setting();
    expect(entry.invalidate(VALUE)).toBe(false);
    hold();
    expect(entry.invalidate('another-value')).toBe(false);
    expect(entry.isHeld(clock)).toBe(true);
    expect(entry.invalidate(VALUE)).toBe(true);
    expect(entry.isHeld(clock)).toBe(false);
  });

  it('knows the life of a token that it held, given up or not', () => {
    const { entry, hold } = setting();
    hold(5000);
    entry.invalidate(VALUE);
    expect(entry.lifeOf(VALUE)).toMatchObject({ lifeMs: 5000 });
    expect(entry.lifeOf('another-value')).toBeUndefined();
  });

  it('T62 cools down for half a minute after a 401, or for a quarter of a short life', async () => {
    for (const [lifeMs, coolDownMs] of [
      [3_600_000, 30_000],
      [40_000, 10_000],
    ] as const) {
      const { clock, entry } = setting();
      entry.coolDown(lifeMs, clock);
      await clock.advance(coolDownMs - 1);
      expect(entry.isCoolingDown(clock)).toBe(true);
      await clock.advance(1);
      expect(entry.isCoolingDown(clock)).toBe(false);
    }
  });

  it('is wanted if it was used since its last refresh, or is pinned', () => {
    const { entry, hold } = setting();
    hold();
    expect(entry.isWanted).toBe(false);
    entry.markUse('fresh');
    expect(entry.isWanted).toBe(true);
    hold();
    expect(entry.isWanted).toBe(false);
    entry.isPinned = true;
    expect(entry.isWanted).toBe(true);
  });

  it('T54 is shown in a snapshot without its secret', async () => {
    const { clock, entry, hold } = setting();
    expect(entry.snapshot(clock, true)).toMatchObject({ state: 'empty', refreshing: true, uses: 0 });
    const token = hold();
    entry.markUse('fresh');
    expect(entry.snapshot(clock, false)).toEqual({
      scopes: ['ledger:read'],
      businessId: 'biz_1',
      resource: undefined,
      state: 'fresh',
      issuedAt: token.issuedAt,
      refreshAt: token.refreshAt,
      expiresAt: token.expiresAt,
      uses: 1,
      refreshing: false,
      shared: false,
      lastError: undefined,
    });
    await clock.advance(80_000);
    entry.noteError(error, false);
    expect(entry.snapshot(clock, false)).toMatchObject({
      state: 'stale',
      lastError: { code: 'ASSET_TOKEN_UNAVAILABLE', message: error.message },
    });
    expect(JSON.stringify(entry.snapshot(clock, false))).not.toContain('the-secret-value');
  });
});
