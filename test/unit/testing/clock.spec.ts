import { SystemClock } from '../../../lib/testing/clock.js';

describe('SystemClock', () => {
  const clock = new SystemClock();
  const liveTimers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

  it('shows the time of the machine', () => {
    const before = [Date.now(), performance.now()] as const;
    const [wall, monotonic] = [clock.now(), clock.monotonic()];
    expect([wall >= before[0], wall <= Date.now()]).toEqual([true, true]);
    expect([monotonic >= before[1], monotonic <= performance.now()]).toEqual([true, true]);
  });

  it('fires a timer once its time has come', async () => {
    const started = performance.now();
    await new Promise<void>((resolve) => clock.setTimeout(resolve, 20, { ref: true }));
    expect(performance.now() - started).toBeGreaterThanOrEqual(19);
  });

  it('does not fire one that was cancelled', async () => {
    const fired: string[] = [];
    const cancel = clock.setTimeout(() => fired.push('cancelled'), 5, { ref: true });
    cancel();
    cancel();
    await new Promise<void>((resolve) => clock.setTimeout(resolve, 10, { ref: true }));
    expect(fired).toEqual([]);
  });

  it.each([
    [true, 1],
    [false, 0],
  ])('keeps the process alive for a timer with ref %s: %d', (ref, alive) => {
    const before = liveTimers();
    const cancel = clock.setTimeout(() => {}, 60_000, { ref });
    expect(liveTimers() - before).toBe(alive);
    cancel();
    expect(liveTimers()).toBe(before);
  });

  it('reads the globals of the moment, so that fake timers work', () => {
    const { setTimeout: original } = globalThis;
    const asked: unknown[] = [];
    globalThis.setTimeout = ((...request: unknown[]) => {
      asked.push(request);
      return original(() => {}, 0);
    }) as typeof setTimeout;
    try {
      const callback = (): void => {};
      clock.setTimeout(callback, 1_000, { ref: false });
      expect(asked).toEqual([[callback, 1_000]]);
    } finally {
      globalThis.setTimeout = original;
    }
  });
});
