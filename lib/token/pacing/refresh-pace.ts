import type { AssetClock } from '../../config/clock.js';

/** Fifty a second: felt by nobody, and through with the keys of thousands of businesses in a tenth of the usual window. */
const LONGEST_SPACING_MS = 20;

/**
 * Milliseconds between one background refresh and the next, so that all that queue are through in time.
 *
 * @param patienceMs - what is left until the first of them has to go
 */
export const spacingMs = (queued: number, patienceMs: number): number =>
  Math.min(LONGEST_SPACING_MS, patienceMs / Math.max(queued, 1));

/**
 * The same when the first of them should have gone already. It is not lost yet, and all at once would make the application
 * wait.
 *
 * @param remainingMs - what is left of its token
 */
export const overdueSpacingMs = (queued: number, remainingMs: number): number =>
  Math.min(2, Math.max(0, remainingMs) / (4 * Math.max(queued, 1)));

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
    this.#burstMs = (burst - 1) * LONGEST_SPACING_MS;
  }

  /** Milliseconds until the next refresh may go; 0 if it may go now. */
  get nextInMs(): number {
    return Math.max(0, this.#usedUpTo - this.#burstMs - this.#clock.monotonic());
  }

  /** To be told what the next one can wait for: it may have come after the last one was spaced. */
  shorten(spacing: number): void {
    this.#usedUpTo = Math.min(this.#usedUpTo, this.#clock.monotonic() + this.#burstMs + spacing);
  }

  /** To be told of each refresh that goes, and how far from the next it is to be. */
  take(spacing: number): void {
    this.#usedUpTo = Math.max(this.#usedUpTo, this.#clock.monotonic()) + spacing;
  }
}
