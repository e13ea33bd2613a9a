import { ManualClock } from 'nestjs-asset-auth/testing';
import { instantOf } from '../../../lib/config/clock.js';
import {
  ageMs,
  earlierEnd,
  remainingMs,
  tokenState,
  type TokenLife,
} from '../../../lib/token/access-token.js';

const HOUR = 3_600_000;

const lifeFrom = (clock: ManualClock, lifeMs = HOUR, windowMs = HOUR / 4): TokenLife => ({
  sent: instantOf(clock),
  lifeMs,
  windowMs,
});

describe('A token', () => {
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
    expect(ageMs(life, clock)).toBe(HOUR - 1);
    expect(tokenState(life, clock)).toBe('stale');
    await clock.advance(1);
    expect(tokenState(life, clock)).toBe('expired');
  });

  it('T27 is as old as the later of the two clocks says', async () => {
    const clock = new ManualClock();
    const life = lifeFrom(clock);
    await clock.advance(1000);
    expect(ageMs(life, clock)).toBe(1000);
    clock.jumpWallClock(500);
    expect(ageMs(life, clock)).toBe(1500);
  });
});

describe('A token that is handed out again', () => {
  it('T25 keeps the end that was known, when the new one is later', async () => {
    const clock = new ManualClock();
    const known = lifeFrom(clock);
    await clock.advance(HOUR / 2);
    const again = earlierEnd(known, lifeFrom(clock), clock);
    expect(remainingMs(again, clock)).toBe(HOUR / 2);
    expect(again.sent).toEqual(instantOf(clock));
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

  it('has no window below zero once it is expired', async () => {
    const clock = new ManualClock();
    const known = lifeFrom(clock);
    await clock.advance(2 * HOUR);
    const again = earlierEnd(known, lifeFrom(clock), clock);
    expect(again.windowMs).toBe(0);
    expect(tokenState(again, clock)).toBe('expired');
  });
});
