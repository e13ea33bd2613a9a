import { setImmediate } from 'node:timers';
import type { AssetClock } from './clock.js';

const LONGEST_DELAY_MS = 2 ** 31 - 1;
const MOST_TIMERS_PER_ADVANCE = 1_000_000;
const TURNS_PER_INSTANT = 4;

/** A timer that a {@link ManualClock} has yet to fire. */
export interface ManualClockTimer {
  /** Milliseconds from the clock's present to the moment it fires. */
  readonly dueInMs: number;
  /** Whether it would keep the process alive on a real clock. */
  readonly ref: boolean;
}

/**
 * A clock that stands still until a test moves it.
 *
 * It is stricter than Node with delays: Node turns a `NaN` or a delay above 2³¹−1 ms into one millisecond with at most
 * a warning, which in production is a busy loop; here it throws.
 *
 * What spaces its work in time goes on only when time does: of many refreshes that fall due together, those that wait
 * for their turn follow with the next {@link advance}, be it of a few milliseconds.
 *
 * @example
 * ```ts
 * const clock = new ManualClock();
 * clock.setTimeout(() => refresh(), 45 * 60_000, { ref: false });
 *
 * await clock.advance(45 * 60_000); // fires the timer and lets its promises continue
 * clock.jumpWallClock(-3_600_000); // somebody sets the machine's clock back by an hour
 * clock.suspend(8 * 3_600_000); // the laptop is closed for the night
 * ```
 */
export class ManualClock implements AssetClock {
  readonly #queue = new TimerQueue();
  #wall: number;
  #monotonic = 0;
  #advancing = false;

  /**
   * @param startMs - What the wall clock shows at first, in milliseconds since the epoch. Default:
   * 2026-01-01T00:00:00Z. The monotonic clock starts at 0.
   * @throws RangeError if `startMs` is not a finite number.
   */
  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    assertFinite('startMs', startMs);
    this.#wall = startMs;
  }

  /** The wall clock, in milliseconds since the epoch. */
  now(): number {
    return this.#wall;
  }

  /** Milliseconds that {@link advance} has moved the clock by so far. */
  monotonic(): number {
    return this.#monotonic;
  }

  /** The timers that have not fired yet, the next one first. A copy. */
  get timers(): readonly ManualClockTimer[] {
    return this.#queue.pending.map(({ due, ref }) => ({ dueInMs: due - this.#monotonic, ref }));
  }

  /**
   * Sets a timer on this clock's time. A negative delay counts as 0; a timer of 0 ms fires with the next
   * {@link advance}, `advance(0)` included.
   *
   * @throws RangeError if `delayMs` is `NaN`, infinite or above 2³¹−1.
   */
  setTimeout(callback: () => void, delayMs: number, options: { readonly ref: boolean }): () => void {
    if (!Number.isFinite(delayMs) || delayMs > LONGEST_DELAY_MS) {
      throw new RangeError(
        `ManualClock: a timer cannot wait ${String(delayMs)} ms. Node would fire it after 1 ms instead; ` +
          `the longest delay is ${LONGEST_DELAY_MS} ms (24.8 days), so wait in several steps.`,
      );
    }
    const timer = this.#queue.add(this.#monotonic + Math.max(0, delayMs), options.ref, callback);
    return () => {
      this.#queue.remove(timer);
    };
  }

  /**
   * Lets `ms` milliseconds pass on both clocks, firing what falls due in order of time. A callback sees its own due time
   * as the present, and timers that it sets within the span fire too. After each instant at which something fired, the
   * event loop really turns a few times, so that promises continue before time moves on. Answers from a real socket
   * may need longer: wait for those with `AssetSandbox.waitForRequest`, not with time.
   *
   * @param ms - Milliseconds, 0 or more.
   * @returns A promise that settles once time has passed. If a callback throws, it rejects with that error, and the
   * clock stands at the moment of the throw.
   * @throws RangeError (as a rejection) if `ms` is negative or not finite. Error if another `advance` is under way, or
   * if more than a million timers fire, which is a loop that re-arms itself without end.
   */
  async advance(ms: number): Promise<void> {
    assertFinite('ms', ms);
    if (ms < 0) {
      throw new RangeError(
        `ManualClock: time cannot advance by ${ms} ms; jumpWallClock() sets the wall clock back.`,
      );
    }
    if (this.#advancing) {
      throw new Error('ManualClock: advance() is already under way; await it before advancing again.');
    }
    this.#advancing = true;
    try {
      await this.#advanceTo(this.#monotonic + ms);
    } finally {
      this.#advancing = false;
    }
  }

  /**
   * Sets the wall clock forward or back, as an NTP step or an administrator does. No timer fires: timers run on the
   * monotonic clock.
   *
   * @param ms - Milliseconds, of either sign.
   * @throws RangeError if `ms` is not finite.
   */
  jumpWallClock(ms: number): void {
    assertFinite('ms', ms);
    this.#wall += ms;
  }

  /**
   * Puts the machine to sleep: the wall clock moves on, while the monotonic clock and all timers stand still, as they do
   * on Linux.
   *
   * @param ms - Milliseconds, 0 or more.
   * @throws RangeError if `ms` is negative or not finite.
   */
  suspend(ms: number): void {
    assertFinite('ms', ms);
    if (ms < 0) {
      throw new RangeError(
        `ManualClock: a machine cannot sleep for ${ms} ms; jumpWallClock() sets the wall clock back.`,
      );
    }
    this.#wall += ms;
  }

  async #advanceTo(end: number): Promise<void> {
    let fired = 0;
    // Promises that the test left pending may still set a timer.
    await turnEventLoop();
    for (let next = this.#nextDue(end); next !== undefined; next = this.#nextDue(end)) {
      this.#moveTo(next);
      for (let timer = this.#queue.takeDue(next); timer !== undefined; timer = this.#queue.takeDue(next)) {
        if (++fired > MOST_TIMERS_PER_ADVANCE) {
          throw new Error(
            `ManualClock: more than ${MOST_TIMERS_PER_ADVANCE} timers fired in one advance(); something re-arms itself without end.`,
          );
        }
        timer.callback();
      }
      await turnEventLoop();
    }
    this.#moveTo(end);
  }

  #nextDue(end: number): number | undefined {
    const [first] = this.#queue.pending;
    return first !== undefined && first.due <= end ? first.due : undefined;
  }

  #moveTo(monotonic: number): void {
    this.#wall += monotonic - this.#monotonic;
    this.#monotonic = monotonic;
  }
}

async function turnEventLoop(): Promise<void> {
  for (let turn = 0; turn < TURNS_PER_INSTANT; turn++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

function assertFinite(name: string, value: number): void {
  if (!Number.isFinite(value)) {
    throw new RangeError(
      `ManualClock: ${name} must be a finite number of milliseconds, not ${String(value)}.`,
    );
  }
}

/** A timer of a {@link ManualClock} that has not fired yet. */
interface QueuedTimer {
  readonly due: number;
  readonly sequence: number;
  readonly ref: boolean;
  readonly callback: () => void;
}

/** Timers in the order in which they fire: by due time, and in the order they were set where that is equal. */
class TimerQueue {
  readonly #timers: QueuedTimer[] = [];
  #sequence = 0;

  get pending(): readonly QueuedTimer[] {
    return this.#timers;
  }

  add(due: number, ref: boolean, callback: () => void): QueuedTimer {
    const timer: QueuedTimer = { due, ref, callback, sequence: this.#sequence++ };
    this.#timers.splice(this.#position(timer), 0, timer);
    return timer;
  }

  remove(timer: QueuedTimer): void {
    const position = this.#position(timer);
    if (this.#timers[position] === timer) {
      this.#timers.splice(position, 1);
    }
  }

  /** Takes out the first timer that is due at `time` or before. */
  takeDue(time: number): QueuedTimer | undefined {
    const [first] = this.#timers;
    return first !== undefined && first.due <= time ? this.#timers.shift() : undefined;
  }

  // Thousands of keys mean thousands of timers: a linear scan for each would make a test's time quadratic.
  #position(timer: QueuedTimer): number {
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#timers[middle];
      if (other !== undefined && isBefore(other, timer)) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
}

function isBefore(a: QueuedTimer, b: QueuedTimer): boolean {
  return a.due === b.due ? a.sequence < b.sequence : a.due < b.due;
}
