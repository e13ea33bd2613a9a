import { ManualClock } from 'nestjs-asset-auth/testing';
import { AccessToken } from '../../../lib/token/access-token.js';
import { failure } from '../../../lib/token/endpoint/token-response.js';
import { AccessTokenRequest } from '../../../lib/token/token-request.js';
import { TokenEntry, snapshotOf } from '../../../lib/token/cache-entry.js';

const request = new AccessTokenRequest(
  { clientId: 'client', tokenTtlSeconds: 3600 },
  { scopes: ['ledger:read'], businessId: 'biz_1', resource: undefined },
);
const { error } = failure({ request, environment: 'sandbox' }, 'ASSET_TOKEN_UNAVAILABLE', { what: 'down' });

function setting(): { clock: ManualClock; entry: TokenEntry; hold: (lifeMs?: number) => AccessToken } {
  const clock = new ManualClock();
  const entry = new TokenEntry(request);
  const hold = (lifeMs = 100_000): AccessToken => {
    const life = { sent: { wall: clock.now(), monotonic: clock.monotonic() }, lifeMs, windowMs: lifeMs / 4 };
    const token = new AccessToken('the-secret-value', request, life);
    entry.hold(token, life);
    return token;
  };
  return { clock, entry, hold };
}

describe('what is known of a key', () => {
  it('is, of a token, that it is held until it expires or is given up', async () => {
    const { clock, entry, hold } = setting();
    expect([entry.isHeld(clock), entry.remaining(clock), entry.lapsesIn(clock)]).toEqual([false, 0, 0]);
    hold(1000);
    expect([entry.isHeld(clock), entry.remaining(clock), entry.lapsesIn(clock)]).toEqual([true, 1000, 1000]);
    entry.invalidated = true;
    expect([entry.isHeld(clock), entry.remaining(clock), entry.lapsesIn(clock)]).toEqual([false, 0, 1000]);
    hold(1000);
    await clock.advance(1500);
    expect([entry.isHeld(clock), entry.remaining(clock), entry.lapsesIn(clock)]).toEqual([false, 0, -500]);
  });

  it('is, of failures, that they are remembered with growing pauses, in which nobody asks', async () => {
    const { clock, entry } = setting();
    for (const pause of [500, 1000, 2000]) {
      entry.rememberFailure(error, 0, clock);
      expect(entry.failureInForce(clock)).toMatchObject({ error, held: false });
      expect(entry.quietUntil - clock.monotonic()).toBe(pause);
      await clock.advance(pause - 1);
      expect(entry.failureInForce(clock)).toBeDefined();
      await clock.advance(1);
      expect(entry.failureInForce(clock)).toBeUndefined();
    }
  });

  it('is, while a token is held, that pauses are a quarter of what is left at most', () => {
    const { clock, entry, hold } = setting();
    hold(1200);
    entry.rememberFailure(error, 0, clock);
    expect(entry.failureInForce(clock)).toMatchObject({ held: true, until: 300 });
  });

  it('is that the steps begin anew when the token has expired', async () => {
    const { clock, entry, hold } = setting();
    hold(1000);
    for (let i = 0; i < 5; i += 1) entry.rememberFailure(error, 0, clock);
    expect(entry.failuresWithThis(clock)).toBe(6);
    await clock.advance(1000);
    expect(entry.failuresWithThis(clock)).toBe(1);
    entry.rememberFailure(error, 0, clock);
    expect(entry.failuresWithThis(clock)).toBe(2);
  });

  it('T27 is that a pause ends with the token that served in it, however that ended', () => {
    for (const end of ['sleep', 'given up'] as const) {
      const { clock, entry, hold } = setting();
      hold();
      entry.rememberFailure(error, 0.5, clock);
      expect(entry.failureInForce(clock)).toBeDefined();
      if (end === 'sleep') clock.suspend(100_000);
      else entry.invalidated = true;
      expect(entry.failureInForce(clock)).toBeUndefined();
    }
  });

  it('is that a rest never shortens one in force', () => {
    const { clock, entry } = setting();
    entry.rest(5000, clock);
    entry.rest(1000, clock);
    expect(entry.quietUntil).toBe(5000);
    expect(entry.failureInForce(clock)).toBeUndefined();
  });

  it('is nothing of failures, pauses and uses once a new token has arrived', () => {
    const { clock, entry, hold } = setting();
    hold();
    entry.markUse();
    entry.rememberFailure(error, 0, clock);
    entry.lastError = error;
    entry.sameTokenUntil = 1e9;
    entry.invalidated = true;
    hold();
    expect(entry).toMatchObject({
      failure: undefined,
      lastError: undefined,
      quietUntil: 0,
      sameTokenUntil: 0,
      invalidated: false,
      usedSinceRefresh: false,
      isWanted: false,
      uses: 1,
    });
    expect(entry.failuresWithThis(clock)).toBe(1);
  });

  it('is shown without its secret', async () => {
    const { clock, entry, hold } = setting();
    expect(snapshotOf(entry, clock, true)).toMatchObject({ state: 'empty', refreshing: true, uses: 0 });
    const token = hold();
    entry.markUse();
    expect(snapshotOf(entry, clock, false)).toEqual({
      scopes: ['ledger:read'],
      businessId: 'biz_1',
      resource: undefined,
      state: 'fresh',
      issuedAt: token.issuedAt,
      refreshAt: token.refreshAt,
      expiresAt: token.expiresAt,
      uses: 1,
      refreshing: false,
      lastError: undefined,
    });
    await clock.advance(80_000);
    entry.lastError = error;
    expect(snapshotOf(entry, clock, false)).toMatchObject({
      state: 'stale',
      lastError: { code: 'ASSET_TOKEN_UNAVAILABLE', message: error.message },
    });
    expect(JSON.stringify(snapshotOf(entry, clock, false))).not.toContain('the-secret-value');
  });
});
