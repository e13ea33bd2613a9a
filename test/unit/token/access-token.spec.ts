import fc from 'fast-check';
import { expectNoSecrets, ManualClock } from 'nestjs-asset-auth/testing';
import { inspect } from 'node:util';
import { instantOf } from '../../../lib/config/clock.js';
import {
  AccessToken,
  arrivedLife,
  earlierEnd,
  lifeOf,
  remainingMs,
  requestOf,
  staleWindowMs,
  type TokenLife,
  tokenState,
} from '../../../lib/token/access-token.js';
import { NOW, requestFor } from './endpoint/token-endpoint.fixture.js';

const VALUE = 'eyJhbGciOiJIUzI1NiJ9.secret-payload.signature';
const request = requestFor({
  scopes: ['ledger:read'],
  businessId: 'biz_1',
  resource: ['https://api.getasset.com/mcp'],
});
const life = { issuedAt: { wall: NOW, monotonic: 77 }, lifeMs: 3_600_000, windowMs: 900_000 };
const token = new AccessToken(VALUE, request, life);

describe('An access token', () => {
  it('gives its value to who asks for it by name', () => {
    expect(token.value).toBe(VALUE);
  });

  it('T54 prints as [redacted] everywhere else', () => {
    expect(String(token)).toBe('[redacted]');
    // eslint-disable-next-line @typescript-eslint/restrict-template-expressions -- what a careless template prints is the question
    expect(`Bearer ${token}`).toBe('Bearer [redacted]');
    expect(JSON.parse(JSON.stringify({ token }))).toMatchObject({ token: { value: '[redacted]' } });
    expect(inspect(token)).toContain("value: '[redacted]'");
    expectNoSecrets([token, { token }, new Map([[token, token]])], VALUE);
  });

  it('T54 loses its value when it is copied', () => {
    expectNoSecrets([Object.assign({}, token), structuredClone(token)], VALUE);
  });

  it('says when it was issued, is refreshed and expires', () => {
    expect(token.issuedAt).toEqual(new Date(NOW));
    expect(token.refreshAt).toEqual(new Date(NOW + 2_700_000));
    expect(token.expiresAt).toEqual(new Date(NOW + 3_600_000));
  });

  it('says what it was asked for with', () => {
    expect(token.scopes).toEqual(['ledger:read']);
    expect(token.businessId).toBe('biz_1');
    expect(token.resource).toEqual(['https://api.getasset.com/mcp']);
    expect(requestOf(token)).toBe(request);
    expect(lifeOf(token)).toBe(life);
  });

  it('shows all of that in a log', () => {
    expect(JSON.parse(JSON.stringify(token))).toEqual({
      value: '[redacted]',
      issuedAt: new Date(NOW).toISOString(),
      refreshAt: new Date(NOW + 2_700_000).toISOString(),
      expiresAt: new Date(NOW + 3_600_000).toISOString(),
      scopes: ['ledger:read'],
      businessId: 'biz_1',
      resource: ['https://api.getasset.com/mcp'],
    });
    expect(inspect({ deep: { token } })).toContain('ledger:read');
  });

  it('cannot be changed, not even through its dates', () => {
    expect(Object.isFrozen(token)).toBe(true);
    token.expiresAt.setFullYear(2100);
    expect(token.expiresAt).toEqual(new Date(NOW + 3_600_000));
  });

  it('T29 has dates after ten years of life as well', () => {
    const old = new AccessToken('x', request, {
      issuedAt: { wall: NOW, monotonic: 0 },
      lifeMs: 315_360_000_000,
      windowMs: 0,
    });
    expect(old.expiresAt.getTime()).toBe(NOW + 315_360_000_000);
  });
});

const HOUR = 3_600_000;

const lifeFrom = (clock: ManualClock, lifeMs = HOUR, windowMs = HOUR / 4): TokenLife => ({
  issuedAt: instantOf(clock),
  lifeMs,
  windowMs,
});

describe('The state of a token', () => {
  it('is fresh, then stale for its window, then expired', async () => {
    const clock = new ManualClock();
    const life = lifeFrom(clock);
    expect(tokenState(life, clock)).toBe('fresh');
    await clock.advance(HOUR * 0.75 - 1);
    expect(tokenState(life, clock)).toBe('fresh');
    await clock.advance(1);
    expect(tokenState(life, clock)).toBe('stale');
    await clock.advance(HOUR / 4 - 1);
    expect(tokenState(life, clock)).toBe('stale');
    expect(remainingMs(life, clock)).toBe(1);
    await clock.advance(1);
    expect(tokenState(life, clock)).toBe('expired');
  });

  it('T27 expires while the machine sleeps, although its monotonic clock stands still', () => {
    const clock = new ManualClock();
    const life = lifeFrom(clock);
    clock.suspend(HOUR);
    expect(tokenState(life, clock)).toBe('expired');
  });

  it('T27 is not made younger by a wall clock that is set back', async () => {
    const clock = new ManualClock();
    const life = lifeFrom(clock);
    await clock.advance(HOUR - 1);
    clock.jumpWallClock(-HOUR);
    expect(remainingMs(life, clock)).toBe(1);
    expect(tokenState(life, clock)).toBe('stale');
    await clock.advance(1);
    expect(tokenState(life, clock)).toBe('expired');
  });

  it('T27 is as old as the later of the two clocks says', async () => {
    const clock = new ManualClock();
    const life = lifeFrom(clock);
    await clock.advance(1000);
    expect(remainingMs(life, clock)).toBe(HOUR - 1000);
    clock.jumpWallClock(500);
    expect(remainingMs(life, clock)).toBe(HOUR - 1500);
  });
});

describe('The life of a token that is handed out again', () => {
  it('T25 keeps the end that was known, when the new one is later', async () => {
    const clock = new ManualClock();
    const known = lifeFrom(clock);
    await clock.advance(HOUR / 2);
    const again = earlierEnd(known, lifeFrom(clock), clock);
    expect(remainingMs(again, clock)).toBe(HOUR / 2);
    expect(again.issuedAt).toEqual(instantOf(clock));
  });

  it('T25 takes the new end, when that is earlier', async () => {
    const clock = new ManualClock();
    const known = lifeFrom(clock);
    await clock.advance(HOUR / 2);
    expect(remainingMs(earlierEnd(known, lifeFrom(clock, HOUR / 4), clock), clock)).toBe(HOUR / 4);
  });

  it('T25 keeps the end that was known, also when the answer took its time', async () => {
    const clock = new ManualClock();
    const known = lifeFrom(clock);
    await clock.advance(HOUR / 2);
    const next = lifeFrom(clock);
    await clock.advance(HOUR / 4);
    expect(remainingMs(earlierEnd(known, next, clock), clock)).toBe(HOUR / 4);
  });

  it('T24 is stale for at most half of what is left of it', async () => {
    const clock = new ManualClock();
    const known = lifeFrom(clock);
    await clock.advance(HOUR - 60_000);
    const again = earlierEnd(known, lifeFrom(clock), clock);
    expect(again.windowMs).toBe(30_000);
    expect(tokenState(again, clock)).toBe('fresh');
  });

  it('keeps its own window where that is the smaller one', async () => {
    const clock = new ManualClock();
    const known = lifeFrom(clock);
    await clock.advance(HOUR / 2);
    expect(earlierEnd(known, lifeFrom(clock, HOUR, 1000), clock).windowMs).toBe(1000);
  });

  it('T136 is measured by the monotonic clock, where the wall clock was set forward', async () => {
    const clock = new ManualClock();
    const known = lifeFrom(clock);
    await clock.advance(HOUR / 4);
    for (const jump of [HOUR, 1000 * HOUR]) {
      clock.jumpWallClock(jump);
      const again = earlierEnd(known, lifeFrom(clock), clock);
      expect(remainingMs(again, clock)).toBe((HOUR * 3) / 4);
      expect(remainingMs(earlierEnd(known, lifeFrom(clock, HOUR / 8), clock), clock)).toBe(HOUR / 8);
    }
    await clock.advance((HOUR * 3) / 4);
    expect(remainingMs(earlierEnd(known, lifeFrom(clock), clock), clock)).toBe(0);
  });

  it('T136 has the same end however often it is handed out while the wall clock is set', async () => {
    const clock = new ManualClock();
    let known = lifeFrom(clock);
    for (const jump of [HOUR / 2, -HOUR, 0.9 * HOUR, 3 * HOUR, -5 * HOUR]) {
      clock.jumpWallClock(jump);
      await clock.advance(HOUR / 10);
      known = earlierEnd(known, lifeFrom(clock), clock);
    }
    expect(remainingMs(known, clock)).toBeCloseTo(HOUR / 2);
  });

  it('has no window below zero once it is expired', async () => {
    const clock = new ManualClock();
    const known = lifeFrom(clock);
    await clock.advance(2 * HOUR);
    const again = earlierEnd(known, lifeFrom(clock), clock);
    expect(again.windowMs).toBe(0);
    expect(tokenState(again, clock)).toBe('expired');
  });
});

describe('The stale window of a token', () => {
  const window = (input: Partial<Parameters<typeof staleWindowMs>[0]>): number =>
    staleWindowMs({ lifeMs: 3_600_000, refreshAheadRatio: 0.25, jitter: 0, requestMs: 0, ...input });

  it('is its share of the life, and up to a fifth of that more by chance', () => {
    expect(window({})).toBe(900_000);
    expect(window({ jitter: 0.5 })).toBeCloseTo(990_000);
    expect(window({ jitter: 1 })).toBe(1_080_000);
  });

  it('T24 leaves room for two requests as slow as the last one, though never more than half the life', () => {
    expect(window({ lifeMs: 1000, requestMs: 200 })).toBe(400);
    expect(window({ lifeMs: 1000, requestMs: 400 })).toBe(500);
    expect(window({ lifeMs: 1000, requestMs: 100 })).toBe(250);
    expect(window({ refreshAheadRatio: 0.5, jitter: 0.9 })).toBe(1_800_000);
  });

  it('T24 is above zero and at most half the life, whatever it depends on', () => {
    const input = fc.record({
      lifeMs: fc.double({ min: 1e-3, max: 315_360_000_000, noNaN: true }),
      refreshAheadRatio: fc.double({ min: 1e-9, max: 0.5, noNaN: true }),
      jitter: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      requestMs: fc.double({ min: 0, max: 2 ** 31, noNaN: true }),
    });
    fc.assert(
      fc.property(input, (given) => {
        const found = staleWindowMs(given);
        expect(found).toBeGreaterThan(0);
        expect(found).toBeLessThanOrEqual(given.lifeMs / 2);
      }),
    );
  });
});

describe('The life of a token that has just arrived', () => {
  const clock = new ManualClock();
  const plan = { refreshAheadRatio: 0.25, jitter: 0.5 };
  const issued = { issuedAt: instantOf(clock), lifeMs: 1_000_000, requestMs: 40 };

  it('is the one that it was issued with, and its window what the plan makes of it', () => {
    expect(arrivedLife(issued, undefined, plan, clock)).toMatchObject({
      issuedAt: issued.issuedAt,
      lifeMs: 1_000_000,
      windowMs: 275_000,
    });
  });

  it('ends no later than is known of it, where it is held already', () => {
    const known = { issuedAt: issued.issuedAt, lifeMs: 5000, windowMs: 100 };
    expect(arrivedLife(issued, known, plan, clock)).toMatchObject({ lifeMs: 5000, windowMs: 2500 });
  });
});
