import type { AssetClock } from '../../config/clock.js';

/** Still 500 a second: with seven slots, an endpoint that takes longer than 14 ms is slower by itself. */
const SPACING_MS = 2;

/**
 * Spaces background refreshes in time. Thousands that are due together (the machine slept, an outage ended) would
 * otherwise keep the event loop busy, and with it the application's own requests waiting.
 */
export class RefreshPace {
  readonly #clock: AssetClock;
  readonly #burstMs: number;
  /** Up to when the refreshes so far have used up the time, by the monotonic clock. */
  #usedUpTo = 0;

  /**
   * @param burst - how many may go together before the pace is felt
   */
  constructor(clock: AssetClock, burst: number) {
    this.#clock = clock;
    this.#burstMs = (burst - 1) * SPACING_MS;
  }

  /** Milliseconds until the next refresh may go; 0 if it may go now. */
  get nextInMs(): number {
    return Math.max(0, this.#usedUpTo - this.#burstMs - this.#clock.monotonic());
  }

  /** To be told of each refresh that goes. */
  take(): void {
    this.#usedUpTo = Math.max(this.#usedUpTo, this.#clock.monotonic()) + SPACING_MS;
  }
}
