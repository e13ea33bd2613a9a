import fc from 'fast-check';
import { ManualClock } from 'nestjs-asset-auth/testing';
import { RequestLimiter } from '../../../lib/retry/request-limiter.js';
import type { Slot, SlotRequest, TurnedAway, TurnedAwayError } from '../../../lib/retry/slots.js';

const QUEUE_TIMEOUT_MS = 10_000;
const KNOWN = { isNewcomer: false, hasHung: false };
const START = new ManualClock().monotonic();

/** A request in the queue and what has become of it. */
interface Queued {
  readonly slot: Slot;
  state: 'queued' | 'granted' | TurnedAway;
  readonly promote: () => void;
  readonly demote: () => void;
  readonly release: () => void;
}

interface Setting {
  readonly clock: ManualClock;
  readonly limiter: RequestLimiter;
  readonly caller: () => Queued;
  /** A background refresh of a token that lives on for so many milliseconds. */
  readonly refresh: (remainingMs?: number) => Queued;
  readonly limit: (remaining: number, seconds: number) => void;
}

function setting(slots = 3): Setting {
  const clock = new ManualClock();
  const limiter = new RequestLimiter(clock, slots, QUEUE_TIMEOUT_MS, () => true);
  const enter = (awaited: boolean, remainingMs?: number): Queued => {
    const slot = limiter.enter({ ...KNOWN, awaited, remainingMs });
    const queued: Queued = {
      slot,
      state: 'queued',
      promote: () => {
        slot.setAwaited(true);
      },
      demote: () => {
        slot.setAwaited(false);
      },
      release: () => {
        slot.release('answer');
      },
    };
    slot.granted.then(
      () => (queued.state = 'granted'),
      (error: unknown) => (queued.state = (error as TurnedAwayError).reason),
    );
    return queued;
  };
  return {
    clock,
    limiter,
    caller: () => enter(true),
    refresh: (remainingMs = 900_000) => enter(false, remainingMs),
    limit: (remaining, seconds) => {
      limiter.observe({
        'x-ratelimit-remaining': String(remaining),
        'x-ratelimit-reset': String(clock.now() / 1000 + seconds),
      });
    },
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function states(...queued: readonly Queued[]): Promise<string[]> {
  await turn();
  return queued.map(({ state }) => state);
}

describe('the request limiter', () => {
  it('lets as many requests go as it has slots, and the others in their order', async () => {
    const { caller } = setting(2);
    const [a, b, c, d] = [caller(), caller(), caller(), caller()];
    expect(await states(a, b, c, d)).toEqual(['granted', 'granted', 'queued', 'queued']);
    b.release();
    expect(await states(c, d)).toEqual(['granted', 'queued']);
    a.release();
    expect(await states(d)).toEqual(['granted']);
  });

  it('takes a slot back once, however often it is released', async () => {
    const { caller } = setting(1);
    const [a, b, c] = [caller(), caller(), caller()];
    a.release();
    a.release();
    expect(await states(b, c)).toEqual(['granted', 'queued']);
    c.release();
    expect(await states(c)).toEqual(['queued']);
  });

  it('keeps one slot free of background refreshes, for callers', async () => {
    const { clock, caller, refresh } = setting(3);
    const [a, b, c] = [refresh(), refresh(), refresh()];
    await clock.advance(1000);
    expect(await states(a, b, c)).toEqual(['granted', 'granted', 'queued']);
    expect(await states(caller())).toEqual(['granted']);
  });

  it('T07 spaces background refreshes by ten milliseconds, and callers not at all', async () => {
    const { clock, caller, refresh } = setting(3);
    const go = async (...refreshes: Queued[]): Promise<void> => {
      expect(await states(...refreshes)).toEqual(refreshes.map(() => 'granted'));
      for (const one of refreshes) one.release();
    };
    const [a, b, c, d] = [refresh(), refresh(), refresh(), refresh()];
    await go(a, b);
    expect(await states(c, d)).toEqual(['queued', 'queued']);
    await go(caller());
    expect(clock.timers).toEqual([{ dueInMs: 10, ref: false }]);
    await clock.advance(10);
    await go(c);
    expect(await states(d)).toEqual(['queued']);
    await clock.advance(10);
    await go(d);
    expect(clock.timers).toEqual([]);
  });

  it.each([2, 4, 8])(
    'with %i slots lets as many refreshes go together as there are slots for them',
    async (slots) => {
      const { refresh } = setting(slots);
      const refreshes = Array.from({ length: 10 }, () => {
        const one = refresh();
        one.release();
        return one;
      });
      const gone = (await states(...refreshes)).filter((state) => state === 'granted');
      expect(gone).toHaveLength(slots - 1);
    },
  );

  it('makes up for a timer that came late, by no more refreshes than go together', async () => {
    const { clock, limiter, refresh } = setting(4);
    const refreshes = Array.from({ length: 20 }, () => {
      const one = refresh();
      one.slot.granted.then(one.release, () => {});
      return one;
    });
    const gone = async (): Promise<number> => {
      // Wakes the limiter without a timer.
      limiter.observe({});
      return (await states(...refreshes)).filter((state) => state === 'granted').length;
    };
    expect(await gone()).toBe(3);
    clock.monotonic = (
      (now) => () =>
        now + 20
    )(clock.monotonic());
    expect(await gone()).toBe(5);
    clock.monotonic = (
      (now) => () =>
        now + 1000
    )(clock.monotonic());
    expect(await gone()).toBe(8);
  });

  it('does not change the spacing when the wall clock is set back', async () => {
    const { clock, refresh } = setting(2);
    refresh().release();
    const next = refresh();
    clock.jumpWallClock(-3_600_000);
    await clock.advance(9);
    expect(await states(next)).toEqual(['queued']);
    await clock.advance(1);
    expect(await states(next)).toEqual(['granted']);
  });

  it('keeps the spacing of refreshes, however often a caller comes in between', async () => {
    const { clock, caller, refresh } = setting(2);
    const [a, b] = [refresh(), refresh()];
    a.release();
    for (let i = 0; i < 2; i += 1) {
      expect(await states(b)).toEqual(['queued']);
      caller().release();
      await clock.advance(5);
    }
    expect(await states(b)).toEqual(['granted']);
  });

  it('T07 loses no refresh whose moment comes while the queue is looked at', async () => {
    class RunningClock extends ManualClock {
      ahead = 0;

      /** Time passes with every look. */
      override monotonic(): number {
        this.ahead += 0.7;
        return super.monotonic() + this.ahead;
      }
    }
    const clock = new RunningClock();
    const limiter = new RequestLimiter(clock, 2, QUEUE_TIMEOUT_MS, () => true);
    let granted = 0;
    for (let i = 0; i < 50; i += 1) {
      const slot = limiter.enter({ ...KNOWN, awaited: false, remainingMs: 900_000 });
      slot.granted.then(
        () => {
          granted += 1;
          slot.release('answer');
        },
        () => {},
      );
    }
    for (let ms = 0; ms < 1200; ms += 1) await clock.advance(1);
    expect(granted).toBe(50);
  });

  it('T02 lets overdue refreshes of tokens that expire soon go at once', async () => {
    const { clock, refresh } = setting(8);
    const refreshes = Array.from({ length: 101 }, () => refresh(100));
    for (let ms = 0; ms <= 50; ms += 1) {
      await turn();
      for (const one of refreshes) if (one.state === 'granted') one.release();
      await clock.advance(1);
    }
    expect(new Set(await states(...refreshes))).toEqual(new Set(['granted']));
  });

  it('T02 lets each refresh go before a quarter of its token is over, whatever the others have left', async () => {
    const lives = fc.array(fc.integer({ min: 100, max: 100_000 }), { minLength: 1, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(lives, async (remaining) => {
        const { clock, refresh } = setting(8);
        const refreshes = remaining.map((ms) => ({ ms, queued: refresh(ms) }));
        while (refreshes.some(({ queued }) => queued.state === 'queued')) {
          await turn();
          for (const { ms, queued } of refreshes) {
            if (queued.state === 'granted') queued.release();
            // A timer waits for whole milliseconds.
            else expect(clock.monotonic() - START).toBeLessThanOrEqual(ms / 4 + 1);
          }
          await clock.advance(1);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('T02 lets every refresh go before a request without token whose caller has left', async () => {
    const { caller, refresh } = setting(2);
    const busy = [caller(), caller()];
    const left = caller();
    left.demote();
    const live = refresh(15_000);
    for (const one of busy) one.release();
    expect(await states(left, live)).toEqual(['queued', 'granted']);
  });

  it('T02 does not make a refresh that falls due wait for the spacing of the others', async () => {
    const { clock, refresh } = setting(3);
    for (const one of [refresh(), refresh()]) one.release();
    const urgent = refresh(20);
    expect(await states(urgent)).toEqual(['queued']);
    await clock.advance(5);
    expect(await states(urgent)).toEqual(['granted']);
  });

  it('T27 lets refreshes that fell due while the machine slept go at once', async () => {
    const { clock, refresh } = setting(8);
    const refreshes = Array.from({ length: 1000 }, () => refresh(900_000));
    const pass = async (ms: number): Promise<void> => {
      for (let i = 0; i < ms; i += 5) {
        await turn();
        for (const one of refreshes) if (one.state === 'granted') one.release();
        await clock.advance(5);
      }
    };
    await pass(1000);
    clock.suspend(880_000);
    // Their tokens live for 19 seconds more.
    await pass(5000);
    expect(new Set(refreshes.map(({ state }) => state))).toEqual(new Set(['granted']));
  });

  it('T07 lets an overdue backlog go as fast as slots get free, and no faster', async () => {
    const { clock, refresh, limit } = setting(8);
    limit(0, 50);
    const backlog = new Set(Array.from({ length: 100 }, () => refresh(90_000)));
    await clock.advance(50_000);
    while (backlog.size > 0) {
      await turn();
      const went = [...backlog].filter(({ state }) => state === 'granted');
      expect(went).toHaveLength(Math.min(7, backlog.size));
      for (const one of went) {
        backlog.delete(one);
        one.release();
      }
    }
  });

  it('T02 lets the refresh go first whose token expires first', async () => {
    const { clock, refresh } = setting(2);
    const [busy, later, first] = [refresh(), refresh(900_000), refresh(10_000)];
    busy.release();
    await clock.advance(20);
    expect(await states(later, first)).toEqual(['queued', 'granted']);
  });

  it('lets a refresh go without spacing once a caller waits for it', async () => {
    const { refresh } = setting(3);
    const [a, b, c] = [refresh(), refresh(), refresh()];
    for (const one of [a, b]) one.release();
    expect(await states(c)).toEqual(['queued']);
    c.promote();
    expect(await states(c)).toEqual(['granted']);
  });

  it('queues a request whose callers have left behind all callers, for as long as it takes', async () => {
    const { clock, caller } = setting(1);
    const [busy, left, waits] = [caller(), caller(), caller()];
    left.demote();
    left.demote();
    busy.release();
    expect(await states(left, waits)).toEqual(['queued', 'granted']);
    await clock.advance(QUEUE_TIMEOUT_MS);
    waits.demote();
    waits.release();
    expect(await states(left)).toEqual(['granted']);
    expect(clock.timers).toEqual([]);
  });

  it('lets a refresh go where there is only one slot', async () => {
    const { refresh } = setting(1);
    const [a, b] = [refresh(), refresh()];
    expect(await states(a, b)).toEqual(['granted', 'queued']);
  });

  it('lets callers go before refreshes that came earlier', async () => {
    const { caller, refresh } = setting(2);
    const active = [caller(), caller()];
    const [early, late] = [refresh(), caller()];
    active[0]!.release();
    expect(await states(early, late)).toEqual(['queued', 'granted']);
    active[1]!.release();
    late.release();
    expect(await states(early)).toEqual(['granted']);
  });

  it('lets a refresh go before others, and into the last slot, once a caller waits for it', async () => {
    const { refresh } = setting(2);
    const [active, other, wanted] = [refresh(), refresh(), refresh()];
    expect(await states(active, other, wanted)).toEqual(['granted', 'queued', 'queued']);
    wanted.promote();
    expect(await states(other, wanted)).toEqual(['queued', 'granted']);
  });

  it('ignores the promotion of a request that has its slot, or was promoted before', async () => {
    const { clock, refresh, caller } = setting(1);
    const [active, queued, next] = [refresh(), refresh(), caller()];
    active.promote();
    queued.promote();
    queued.promote();
    active.release();
    expect(await states(next, queued)).toEqual(['granted', 'queued']);
    next.release();
    expect(await states(queued)).toEqual(['granted']);
    expect(clock.timers).toHaveLength(0);
  });
});

describe('the queue of the request limiter', () => {
  it('T90 turns a caller away while nothing moves, with a timer that keeps the process alive', async () => {
    const { clock, caller } = setting(1);
    const [, queued] = [caller(), caller()];
    expect(clock.timers).toEqual([{ dueInMs: QUEUE_TIMEOUT_MS, ref: true }]);
    await clock.advance(QUEUE_TIMEOUT_MS - 1);
    expect(await states(queued)).toEqual(['queued']);
    await clock.advance(1);
    expect(await states(queued)).toEqual(['nothing moves']);
    expect(clock.timers).toHaveLength(0);
  });

  it('keeps refreshes as long as it takes, without a timer', async () => {
    const { clock, caller, refresh } = setting(1);
    const active = caller();
    const queued = refresh();
    expect(clock.timers).toHaveLength(0);
    await clock.advance(86_400_000);
    active.release();
    expect(await states(queued)).toEqual(['granted']);
  });

  it('counts the time of a promoted refresh from when its caller came', async () => {
    const { clock, caller, refresh } = setting(1);
    caller();
    const queued = refresh();
    await clock.advance(60_000);
    queued.promote();
    await clock.advance(QUEUE_TIMEOUT_MS - 1);
    expect(await states(queued)).toEqual(['queued']);
    await clock.advance(1);
    expect(await states(queued)).toEqual(['nothing moves']);
  });

  it('leaves no timer behind for a caller that gets a slot', () => {
    const { clock, caller } = setting(2);
    const active = [caller(), caller()];
    caller();
    active[0]!.release();
    expect(clock.timers).toHaveLength(0);
  });

  it('can be cleared of refreshes alone, or of all, but not of what is under way', async () => {
    const { clock, limiter, caller, refresh } = setting(1);
    const [active, waiting, idle] = [caller(), caller(), refresh()];
    limiter.clearBackground('circuit open');
    expect(await states(active, waiting, idle)).toEqual(['granted', 'queued', 'circuit open']);
    limiter.clear('stopped');
    expect(await states(active, waiting)).toEqual(['granted', 'stopped']);
    expect(clock.timers).toHaveLength(0);
    const next = caller();
    active.release();
    expect(await states(next)).toEqual(['granted']);
  });
});

describe('under a rate limit', () => {
  it('lets no more requests go than remain', async () => {
    const { caller, limit } = setting(5);
    limit(2, 5);
    const [a, b, c] = [caller(), caller(), caller()];
    expect(await states(a, b, c)).toEqual(['granted', 'granted', 'queued']);
    limit(1, 5);
    a.release();
    expect(await states(c)).toEqual(['queued']);
    b.release();
    expect(await states(c)).toEqual(['granted']);
  });

  it('a caller that can wait for its reset goes then', async () => {
    const { clock, caller, refresh, limit } = setting(5);
    limit(0, 8);
    const [a, b] = [caller(), refresh()];
    expect(await states(a, b)).toEqual(['queued', 'queued']);
    await clock.advance(7999);
    expect(await states(a, b)).toEqual(['queued', 'queued']);
    await clock.advance(1);
    expect(await states(a, b)).toEqual(['granted', 'granted']);
    expect(clock.timers).toHaveLength(0);
  });

  it('a caller that cannot wait for its reset goes out as the only probe', async () => {
    const { caller, limit } = setting(5);
    limit(0, 30);
    const [a, b] = [caller(), caller()];
    expect(await states(a, b)).toEqual(['granted', 'queued']);
    a.release();
    expect(await states(b)).toEqual(['granted']);
  });

  it('a caller whose time ends with the very reset goes out as a probe', async () => {
    const { clock, caller, limit } = setting(5);
    limit(0, QUEUE_TIMEOUT_MS / 1000);
    expect(await states(caller())).toEqual(['granted']);
    const later = setting(5);
    later.limit(0, QUEUE_TIMEOUT_MS / 1000 - 0.001);
    const waits = later.caller();
    expect(await states(waits)).toEqual(['queued']);
    await later.clock.advance(QUEUE_TIMEOUT_MS - 1);
    expect(await states(waits)).toEqual(['granted']);
    expect(clock.timers).toEqual([]);
  });

  it('no caller is a probe while anything else is under way', async () => {
    const { caller, limit } = setting(5);
    const active = caller();
    limit(0, 30);
    const queued = caller();
    expect(await states(queued)).toEqual(['queued']);
    active.release();
    expect(await states(queued)).toEqual(['granted']);
  });

  it('a caller becomes a probe when the reset moves beyond its time', async () => {
    const { caller, limit } = setting(5);
    limit(0, 5);
    const queued = caller();
    expect(await states(queued)).toEqual(['queued']);
    limit(0, 50);
    expect(await states(queued)).toEqual(['granted']);
  });

  it('refreshes wait for its reset, however long, and keep no process alive meanwhile', async () => {
    const { clock, refresh, limit } = setting(5);
    limit(0, 50);
    const queued = refresh();
    expect(clock.timers).toEqual([{ dueInMs: 50_000, ref: false }]);
    await clock.advance(50_000);
    expect(await states(queued)).toEqual(['granted']);
  });

  it('the process stays alive while a caller waits for its reset, and no longer', async () => {
    const { clock, limiter, caller, refresh, limit } = setting(5);
    caller();
    limit(0, 50);
    caller();
    refresh();
    expect(clock.timers).toEqual([{ dueInMs: QUEUE_TIMEOUT_MS, ref: true }]);
    await clock.advance(QUEUE_TIMEOUT_MS);
    expect(clock.timers).toEqual([{ dueInMs: 40_000, ref: false }]);
    limiter.clear('stopped');
    expect(clock.timers).toHaveLength(0);
  });
});

describe('whatever happens at the request limiter', () => {
  const act = fc.record({
    what: fc.constantFrom('caller', 'refresh', 'release', 'promote', 'limit', 'pass', 'clear'),
    pick: fc.nat(),
  });

  /** A request and what the test has done with it. */
  interface Followed {
    readonly queued: Queued;
    isAwaited: boolean;
    /** It got its slot while nobody waited for it. */
    isRefresh: boolean;
    isReleased: boolean;
  }

  it('slots and limits hold, one slot stays free of refreshes, and no request is forgotten', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(act, { maxLength: 50, size: 'max' }),
        async (slots, acts) => {
          const { clock, limiter, caller, refresh, limit } = setting(slots);
          const all: Followed[] = [];
          const follow = (queued: Queued, isAwaited: boolean): void => {
            all.push({ queued, isAwaited, isRefresh: false, isReleased: false });
          };
          const active = () =>
            all.filter(({ queued, isReleased }) => queued.state === 'granted' && !isReleased);
          const release = (one: Followed): void => {
            one.isReleased = true;
            one.queued.release();
          };
          let limited = { remaining: 0, until: 0 };
          for (const { what, pick } of acts) {
            const one = all[pick % Math.max(1, all.length)];
            const before = active();
            if (what === 'caller') follow(caller(), true);
            if (what === 'refresh') follow(refresh(), false);
            if (what === 'release' && one?.queued.state === 'granted') release(one);
            if (what === 'promote' && one?.queued.state === 'queued') {
              one.isAwaited = true;
              one.queued.promote();
            }
            if (what === 'limit') {
              // One that a caller can wait for, or one that it cannot.
              const seconds = pick % 2 === 0 ? 5 : 15;
              limited = { remaining: pick % 3, until: clock.monotonic() + seconds * 1000 };
              limit(limited.remaining, seconds);
            }
            if (what === 'pass') await clock.advance(pick % 5000);
            if (what === 'clear' && pick % 5 === 0) limiter.clearBackground('circuit open');
            await turn();

            const went = active().filter((other) => !before.includes(other));
            for (const other of went) other.isRefresh = !other.isAwaited;
            expect(active().length).toBeLessThanOrEqual(slots);
            expect(active().filter(({ isRefresh }) => isRefresh).length).toBeLessThanOrEqual(
              Math.max(1, slots - 1),
            );
            // Beyond what remains, one caller may go as a probe.
            if (went.length > 0 && clock.monotonic() < limited.until && active().length > limited.remaining)
              expect(active()).toMatchObject([{ isRefresh: false }]);
            // Nobody waits for a slot that is free.
            const room = clock.monotonic() <= limited.until ? limited.remaining : Infinity;
            if (all.some(({ queued, isAwaited }) => queued.state === 'queued' && isAwaited))
              expect(active().length).toBeGreaterThanOrEqual(Math.min(slots, room));
          }
          for (let i = 0; i < 200; i += 1) {
            await clock.advance(1000);
            active().forEach(release);
            await turn();
          }
          expect(all.filter(({ queued }) => queued.state === 'queued')).toEqual([]);
          expect(clock.timers).toHaveLength(0);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('who may ask next', () => {
  type Kind = 'caller' | 'refresh' | 'doubtful' | 'newcomer';

  function queue(slots: number, hasKnown = true) {
    const clock = new ManualClock();
    const limiter = new RequestLimiter(clock, slots, QUEUE_TIMEOUT_MS, () => hasKnown);
    const granted: string[] = [];
    const reasons: string[] = [];
    const enter = (kind: Kind, name: string, more: Partial<SlotRequest> = {}): Slot => {
      const key = { isNewcomer: kind === 'newcomer', hasHung: kind === 'doubtful' };
      const slot = limiter.enter({ ...key, awaited: kind !== 'refresh', remainingMs: 0, ...more });
      slot.granted.then(
        () => granted.push(name),
        (error: unknown) => reasons.push(`${name}: ${(error as TurnedAwayError).reason}`),
      );
      return slot;
    };
    return { clock, limiter, granted, reasons, enter };
  }

  it('T123 callers of known keys, overdue refreshes, doubtful keys, newcomers, and then other refreshes', async () => {
    const { clock, enter, granted } = queue(1);
    const slots = new Map<string, Slot>();
    const add = (kind: Kind, name: string, more?: Partial<SlotRequest>): void => {
      slots.set(name, enter(kind, name, more));
    };
    add('caller', 'busy');
    add('refresh', 'early refresh', { remainingMs: 900_000 });
    add('newcomer', 'newcomer');
    add('doubtful', 'doubtful');
    add('refresh', 'overdue refresh', { remainingMs: 40 });
    add('caller', 'caller');
    for (let i = 0; i < 6; i += 1) {
      await clock.advance(10);
      slots.get(granted.at(-1)!)!.release('answer');
    }
    await turn();
    expect(granted).toEqual(['busy', 'caller', 'overdue refresh', 'doubtful', 'newcomer', 'early refresh']);
  });

  it.each([
    [8, 4],
    [3, 1],
    [2, 1],
    [1, 1],
  ])(
    'T123 of %i slots, newcomers and doubtful keys have at most %i while tokens are in use',
    async (slots, most) => {
      const { enter, granted } = queue(slots);
      for (let i = 0; i < 20; i += 1) enter(i % 2 === 0 ? 'newcomer' : 'doubtful', 'unproven');
      await turn();
      expect(granted).toHaveLength(most);
    },
  );

  it('T123 newcomers have all slots while no token is in use, as at the start', async () => {
    const { enter, granted } = queue(8, false);
    const [newest] = Array.from({ length: 20 }, () => enter('newcomer', 'newcomer')).reverse();
    await newest!.granted;
    expect(granted).toHaveLength(8);
  });

  it('T123 a newcomer whose turn comes too late for its caller is turned away at once', async () => {
    const { clock, enter, reasons } = queue(2);
    const first = enter('newcomer', 'first');
    enter('newcomer', 'second', { withinMs: 1 });
    await clock.advance(1000);
    enter('newcomer', 'in time', { withinMs: 2000 });
    enter('newcomer', 'too late', { withinMs: 2000 });
    await turn();
    expect(reasons).toEqual(['too late: too late']);
    first.release('answer');
  });

  it('T123 a newcomer is dropped once its callers have left, a known key is not', async () => {
    const { enter, reasons } = queue(1);
    enter('caller', 'busy');
    enter('newcomer', 'newcomer').setAwaited(false);
    enter('caller', 'known').setAwaited(false);
    await turn();
    expect(reasons).toEqual(['newcomer: left']);
  });

  it('T90 callers queue on as long as answers come', async () => {
    const { clock, enter, granted, reasons } = queue(1);
    let slot = enter('caller', '0');
    const slots = [1, 2, 3].map((i) => enter('caller', String(i)));
    for (const next of slots) {
      await clock.advance(QUEUE_TIMEOUT_MS - 1);
      slot.release('answer');
      slot = next;
    }
    await turn();
    expect([granted, reasons]).toEqual([['0', '1', '2', '3'], []]);
  });

  it('T90 callers are turned away when slots only come free since nobody answers', async () => {
    const { clock, enter, reasons } = queue(1);
    const first = enter('caller', 'first');
    for (const name of ['second', 'third']) enter('caller', name);
    await clock.advance(QUEUE_TIMEOUT_MS - 1);
    first.release('silence');
    await clock.advance(1);
    expect(reasons).toEqual(['third: nothing moves']);
  });
});
