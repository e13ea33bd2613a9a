import type { AssetClock } from '../../config/clock.js';
import {
  LONGEST_ORDERED_WAIT_MS,
  resetMs,
  serverDateMs,
  type AnswerHeaders,
} from '../endpoint/retry-after.js';

const WHOLE_NUMBER = /^\d+$/;

/** How many more requests the server takes until when, as its last answers said. */
export class RateLimitWindow {
  readonly #clock: AssetClock;
  #remaining = Number.POSITIVE_INFINITY;
  #resetAt = 0;

  constructor(clock: AssetClock) {
    this.#clock = clock;
  }

  /** Milliseconds until the limit starts anew; 0 when none is in force. */
  get resetInMs(): number {
    return Math.max(0, this.#resetAt - this.#clock.monotonic());
  }

  /** Most requests that may be under way now. */
  get room(): number {
    return this.resetInMs > 0 ? this.#remaining : Number.POSITIVE_INFINITY;
  }

  observe(headers: AnswerHeaders): void {
    const now = this.#clock.now();
    const wait = resetMs(headers['x-ratelimit-reset'], serverDateMs(headers) ?? now);
    const remaining = headers['x-ratelimit-remaining'];
    if (wait === undefined || typeof remaining !== 'string' || !WHOLE_NUMBER.test(remaining)) return;
    this.#remaining = Number(remaining);
    this.#resetAt = this.#clock.monotonic() + Math.min(wait, LONGEST_ORDERED_WAIT_MS);
  }
}
