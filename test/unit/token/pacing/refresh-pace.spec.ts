import { ManualClock } from 'nestjs-asset-auth/testing';
import { overdueSpacingMs, RefreshPace, spacingMs } from '../../../../lib/retry/request-limiter.js';

/** How many refreshes may go at this moment. */
function goesNow(pace: RefreshPace): number {
  let gone = 0;
  for (; pace.nextInMs === 0; gone += 1) pace.take(20);
  return gone;
}

describe('the spacing of background refreshes', () => {
  it.each([
    [0, 450_000, 20],
    [5000, 450_000, 20],
    [5000, 100_000, 20],
    [5000, 5000, 1],
    [1, 1, 1],
    [10, 0, 0],
    [0, 0, 0],
  ])('with %d more in the queue, and %d ms until one has to go, is %d ms', (queued, patienceMs, spacing) => {
    expect(spacingMs(queued, patienceMs)).toBe(spacing);
  });
});

describe('the spacing of those that should have gone already', () => {
  it.each([
    [0, 15_000, 2],
    [1000, 15_000, 2],
    [5000, 20_000, 1],
    [10, 0, 0],
    [10, -5, 0],
  ])('with %d more in the queue, and %d ms left of the token, is %d ms', (queued, remainingMs, spacing) => {
    expect(overdueSpacingMs(queued, remainingMs)).toBe(spacing);
  });
});

describe('the pace of background refreshes', () => {
  it('is shortened for one that cannot wait as long', () => {
    const pace = new RefreshPace(new ManualClock(), 3);
    goesNow(pace);
    pace.shorten(5);
    expect(pace.nextInMs).toBe(5);
    pace.shorten(50);
    expect(pace.nextInMs).toBe(5);
  });

  it.each([1, 3, 7])('lets the first %d go together', (burst) => {
    expect(goesNow(new RefreshPace(new ManualClock(), burst))).toBe(burst);
  });

  it('lets one go every twenty milliseconds after that', async () => {
    const clock = new ManualClock();
    const pace = new RefreshPace(clock, 3);
    goesNow(pace);
    expect(pace.nextInMs).toBe(20);
    await clock.advance(19);
    expect([pace.nextInMs, goesNow(pace)]).toEqual([1, 0]);
    await clock.advance(1);
    expect(goesNow(pace)).toBe(1);
    for (let i = 0; i < 10; i += 1) {
      await clock.advance(20);
      expect(goesNow(pace)).toBe(1);
    }
  });

  it('makes up for a timer that came late, by no more than go together', async () => {
    const clock = new ManualClock();
    const pace = new RefreshPace(clock, 3);
    goesNow(pace);
    await clock.advance(40);
    expect(goesNow(pace)).toBe(2);
    await clock.advance(1000);
    expect(goesNow(pace)).toBe(3);
  });

  it('is not thrown off by the wall clock', () => {
    const clock = new ManualClock();
    const pace = new RefreshPace(clock, 1);
    goesNow(pace);
    clock.jumpWallClock(-3_600_000);
    expect(pace.nextInMs).toBe(20);
    clock.suspend(3_600_000);
    expect(pace.nextInMs).toBe(20);
  });
});
