import { ManualClock } from '../../../lib/testing/index.js';

const REF = { ref: true };

describe('ManualClock', () => {
  it('stands still until it is advanced', async () => {
    const clock = new ManualClock(1_000);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect([clock.now(), clock.monotonic()]).toEqual([1_000, 0]);
  });

  it('starts at 2026-01-01T00:00:00Z when told nothing', () => {
    expect(new Date(new ManualClock().now()).toISOString()).toBe('2026-01-01T00:00:00.000Z');
  });

  it('moves both clocks when it advances', async () => {
    const clock = new ManualClock(1_000);
    await clock.advance(250);
    expect([clock.now(), clock.monotonic()]).toEqual([1_250, 250]);
  });

  it('shows each callback its own due time, in order of time and then of setting', async () => {
    const clock = new ManualClock(0);
    const seen: string[] = [];
    const note = (name: string) => () => seen.push(`${name}@${clock.now()}/${clock.monotonic()}`);
    clock.setTimeout(note('late'), 30, REF);
    clock.setTimeout(note('first of two'), 10, REF);
    clock.setTimeout(note('second of two'), 10, REF);
    clock.setTimeout(note('between'), 20, REF);
    await clock.advance(100);
    expect(seen).toEqual(['first of two@10/10', 'second of two@10/10', 'between@20/20', 'late@30/30']);
    expect(clock.now()).toBe(100);
  });

  it('fires a timer that is due exactly at the end of the span, and none beyond it', async () => {
    const clock = new ManualClock(0);
    const seen: number[] = [];
    clock.setTimeout(() => seen.push(10), 10, REF);
    clock.setTimeout(() => seen.push(11), 11, REF);
    await clock.advance(10);
    expect(seen).toEqual([10]);
    await clock.advance(1);
    expect(seen).toEqual([10, 11]);
  });

  it('fires timers that callbacks set within the span', async () => {
    const clock = new ManualClock(0);
    const seen: number[] = [];
    const again = (): void => {
      seen.push(clock.now());
      clock.setTimeout(again, 10, REF);
    };
    clock.setTimeout(again, 10, REF);
    await clock.advance(35);
    expect(seen).toEqual([10, 20, 30]);
  });

  it('lets promises continue before time moves on, through real turns of the event loop', async () => {
    const clock = new ManualClock(0);
    const seen: number[] = [];
    const work = async (): Promise<void> => {
      for (let round = 0; round < 3; round++) {
        await new Promise<void>((resolve) => clock.setTimeout(resolve, 10, REF));
        await new Promise((resolve) => setImmediate(resolve));
        seen.push(clock.now());
      }
    };
    const done = work();
    await clock.advance(30);
    await done;
    expect(seen).toEqual([10, 20, 30]);
  });

  it('sees a timer that is set a few promises after advance() was called', async () => {
    const clock = new ManualClock(0);
    let firedAt = -1;
    const later = async (): Promise<void> => {
      await new Promise((resolve) => setImmediate(resolve));
      clock.setTimeout(() => (firedAt = clock.now()), 10, REF);
    };
    void later();
    await clock.advance(10);
    expect(firedAt).toBe(10);
  });

  it('does not fire a cancelled timer, however often it is cancelled', async () => {
    const clock = new ManualClock(0);
    const seen: string[] = [];
    const cancel = clock.setTimeout(() => seen.push('cancelled'), 10, REF);
    clock.setTimeout(() => seen.push('kept'), 10, REF);
    cancel();
    cancel();
    await clock.advance(10);
    cancel();
    expect(seen).toEqual(['kept']);
  });

  it('lets a callback cancel one that is due at the same instant', async () => {
    const clock = new ManualClock(0);
    const seen: string[] = [];
    clock.setTimeout(
      () => {
        cancel();
      },
      10,
      REF,
    );
    const cancel = clock.setTimeout(() => seen.push('second'), 10, REF);
    await clock.advance(10);
    expect(seen).toEqual([]);
  });

  it('fires a timer of 0 ms, or less, with advance(0)', async () => {
    const clock = new ManualClock(0);
    const seen: string[] = [];
    clock.setTimeout(() => seen.push('zero'), 0, REF);
    clock.setTimeout(() => seen.push('negative'), -5, REF);
    expect(seen).toEqual([]);
    await clock.advance(0);
    expect(seen).toEqual(['zero', 'negative']);
    expect(clock.now()).toBe(0);
  });

  it('lists pending timers, the next one first, with the time each has left', async () => {
    const clock = new ManualClock();
    clock.setTimeout(() => {}, 30, { ref: false });
    clock.setTimeout(() => {}, 20, { ref: true });
    await clock.advance(5);
    expect(clock.timers).toEqual([
      { dueInMs: 15, ref: true },
      { dueInMs: 25, ref: false },
    ]);
  });

  it.each([NaN, -Infinity, Infinity, 2 ** 31])(
    'T29 refuses a timer of %d ms, which Node would fire at once',
    (delay) => {
      const clock = new ManualClock();
      expect(() => clock.setTimeout(() => {}, delay, REF)).toThrow(RangeError);
      expect(clock.timers).toEqual([]);
    },
  );

  it('accepts the longest delay that Node knows', () => {
    const clock = new ManualClock();
    clock.setTimeout(() => {}, 2 ** 31 - 1, REF);
    expect(clock.timers).toEqual([{ dueInMs: 2_147_483_647, ref: true }]);
  });

  it.each([-3_600_000, 3_600_000])(
    'T27 jumps the wall clock by %d ms without firing or moving timers',
    async (jump) => {
      const clock = new ManualClock(10_000_000);
      const seen: number[] = [];
      clock.setTimeout(() => seen.push(clock.now()), 10, REF);
      clock.jumpWallClock(jump);
      expect([clock.now(), clock.monotonic(), clock.timers]).toEqual([
        10_000_000 + jump,
        0,
        [{ dueInMs: 10, ref: true }],
      ]);
      await clock.advance(10);
      expect(seen).toEqual([10_000_010 + jump]);
    },
  );

  it('T27 suspends the machine: only the wall clock moves', async () => {
    const clock = new ManualClock(0);
    const seen: number[] = [];
    clock.setTimeout(() => seen.push(clock.now()), 10, REF);
    clock.suspend(1_000);
    await clock.advance(9);
    expect([clock.now(), clock.monotonic(), seen]).toEqual([1_009, 9, []]);
    await clock.advance(1);
    expect(seen).toEqual([1_010]);
  });

  it.each([-1, NaN, Infinity])('refuses to advance or suspend by %d ms', async (ms) => {
    const clock = new ManualClock(0);
    await expect(clock.advance(ms)).rejects.toThrow(RangeError);
    expect(() => {
      clock.suspend(ms);
    }).toThrow(RangeError);
    expect([clock.now(), clock.monotonic()]).toEqual([0, 0]);
  });

  it('refuses a start or a jump that is no finite number', () => {
    expect(() => new ManualClock(NaN)).toThrow(RangeError);
    expect(() => {
      new ManualClock().jumpWallClock(Infinity);
    }).toThrow(RangeError);
  });

  it('refuses to advance while it is advancing', async () => {
    const clock = new ManualClock();
    const first = clock.advance(10);
    await expect(clock.advance(10)).rejects.toThrow('already under way');
    await first;
    await clock.advance(10);
    expect(clock.monotonic()).toBe(20);
  });

  it('passes on what a callback throws, and can go on afterwards', async () => {
    const clock = new ManualClock(0);
    const seen: number[] = [];
    clock.setTimeout(
      () => {
        throw new Error('thrown by a callback');
      },
      10,
      REF,
    );
    clock.setTimeout(() => seen.push(clock.now()), 20, REF);
    await expect(clock.advance(100)).rejects.toThrow('thrown by a callback');
    expect(clock.now()).toBe(10);
    await clock.advance(10);
    expect(seen).toEqual([20]);
  });

  it('throws instead of spinning without end on a timer that re-arms itself with 0 ms', async () => {
    const clock = new ManualClock();
    const again = (): void => {
      clock.setTimeout(again, 0, REF);
    };
    again();
    await expect(clock.advance(1)).rejects.toThrow('re-arms itself without end');
  });

  it('keeps its order with thousands of timers and cancellations', async () => {
    const clock = new ManualClock(0);
    const seen: number[] = [];
    const cancels = Array.from({ length: 5_000 }, (_, index) => {
      const delay = (index * 7919) % 5_000;
      return clock.setTimeout(() => seen.push(delay), delay, REF);
    });
    cancels.forEach((cancel, index) => {
      if (index % 2 === 0) {
        cancel();
      }
    });
    expect(clock.timers).toHaveLength(2_500);
    await clock.advance(5_000);
    expect(seen).toHaveLength(2_500);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });
});
