import { jest } from '@jest/globals';
import { type AssetClock, systemClock } from '../../../lib/config/clock.js';
import { isMachineTime, RecentTime } from '../../../lib/token/recent-time.js';
import { ManualClock } from '../../../lib/testing/manual-clock.js';

/** Counts how often it is read. */
class CountingClock extends ManualClock {
  reads = 0;

  override now(): number {
    this.reads += 1;
    return super.now();
  }
}

const always = (): boolean => true;

/** After as many lookups as make a loop. */
function inLoop(isShareable: (clock: AssetClock) => boolean = always): {
  readonly clock: CountingClock;
  readonly time: RecentTime;
  readonly look: (times: number) => number;
} {
  const clock = new CountingClock();
  const time = new RecentTime(clock, isShareable);
  const inAnHour = clock.now() + 3_600_000;
  const look = (times: number): number => {
    clock.reads = 0;
    for (let i = 0; i < times; i += 1) time.isBefore(inAnHour);
    return clock.reads;
  };
  look(65);
  return { clock, time, look };
}

const turnEnds = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the time of lookups', () => {
  it('is read for each of them, unless they are a loop', () => {
    const clock = new CountingClock();
    const time = new RecentTime(clock, always);
    for (let i = 0; i < 65; i += 1) time.isBefore(Infinity);
    expect(clock.reads).toBe(65);
  });

  it('is shared by 64 lookups of a loop, and then read again', () => {
    const { look } = inLoop();
    expect(look(64)).toBe(0);
    expect(look(1)).toBe(1);
    expect(look(64)).toBe(0);
  });

  it('is no older than the last reading', () => {
    const { clock, time, look } = inLoop();
    look(64);
    const [now, next] = [clock.now(), clock.now() + 1];
    expect([time.isBefore(now), time.isBefore(next)]).toEqual([false, true]);
    clock.jumpWallClock(1);
    expect([time.isBefore(next), time.isBefore(next + 1)]).toEqual([false, true]);
  });

  it('goes on being shared over the end of a millisecond', () => {
    const { clock, look } = inLoop();
    look(64);
    clock.jumpWallClock(1);
    expect(look(65)).toBe(1);
  });

  it.each([2, 1000, -1])('is read for each again once the clock goes on by %i ms', (ms) => {
    const { clock, look } = inLoop();
    look(64);
    clock.jumpWallClock(ms);
    expect(look(64)).toBe(64);
  });

  it('is not shared across the end of a turn of the event loop', async () => {
    const { look } = inLoop();
    await turnEnds();
    expect(look(64)).toBe(64);
  });

  it('is shared anew by the loop of a later turn', async () => {
    const { look } = inLoop();
    await turnEnds();
    look(64);
    expect(look(64)).toBe(0);
    await turnEnds();
    expect(look(64)).toBe(64);
  });

  it('is shared for tokens only that are fresh for another minute: a loop may be held up for that long', () => {
    const { clock, time } = inLoop();
    const now = clock.now();
    clock.jumpWallClock(60_000);
    expect(time.isBefore(now + 60_001)).toBe(true);
    expect(time.isBefore(now + 60_000)).toBe(false);
  });

  it('is read for each where the clock may jump between two of them', () => {
    let isShareable = true;
    const { look } = inLoop(() => isShareable);
    isShareable = false;
    expect(look(64)).toBe(64);
  });
});

describe('only the machine moves', () => {
  it('the clock of the system', () => {
    expect(isMachineTime(systemClock)).toBe(true);
  });

  it('and not one of the application or of a test', () => {
    expect(isMachineTime(new ManualClock())).toBe(false);
    expect(isMachineTime({ ...systemClock })).toBe(false);
  });

  it('nor one that a test runner has put in the place of Date', () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate'] });
    expect(isMachineTime(systemClock)).toBe(false);
    jest.useRealTimers();
    expect(isMachineTime(systemClock)).toBe(true);
  });

  it('nor one that was put there before the library was loaded', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate'] });
    await jest.isolateModulesAsync(async () => {
      const { systemClock: loaded } = await import('../../../lib/config/clock.js');
      const late = await import('../../../lib/token/recent-time.js');
      expect(late.isMachineTime(loaded)).toBe(false);
    });
    jest.useRealTimers();
  });
});
