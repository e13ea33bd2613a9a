import { type AssetClock, MAX_TIMER_MS, detached } from '../config/clock.js';
import { PriorityQueue } from '../retry/priority-queue.js';
import type { CacheEntry } from './cache-entry.js';
import type { TokenCache } from './token-cache.js';

/**
 * When a key is looked at next: for the refresh of a token that was used, for another attempt after a failure, at the end
 * of an idle token. Refreshing follows use: a key that was not used since its last refresh lapses. The use of a stale token
 * does not wait for it: the service asks for the next one at once.
 */
export class RefreshScheduler {
  readonly #queue = new PriorityQueue<CacheEntry>();
  #cancelTimer: (() => void) | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #stopped = false;

  constructor(
    private readonly clock: AssetClock,
    private readonly cache: TokenCache,
    private readonly refresh: (entry: CacheEntry) => void,
  ) {}

  /** Queues the entry for whatever is due next for it. */
  plan(entry: CacheEntry): void {
    this.forget(entry);
    if (this.#stopped || !entry.isCached) return;
    const now = this.clock.monotonic();
    // Rounded up, since Node's timers may fire within the millisecond before.
    this.#queue.add(entry, now + Math.max(1, Math.ceil(this.#dueInMs(entry))));
    this.#arm(now);
  }

  /** Nothing is due for the entry any more. */
  forget(entry: CacheEntry): void {
    this.#queue.delete(entry);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#queue.clear();
  }

  /** One timer for all, which never keeps the process alive. It is moved only to an earlier moment. */
  #arm(now: number): void {
    const first = this.#queue.first;
    if (first === undefined || first.dueAt >= this.#timerAt) return;
    this.#cancelTimer?.();
    this.#timerAt = first.dueAt;
    const ms = Math.min(Math.max(1, Math.ceil(first.dueAt - now)), MAX_TIMER_MS);
    detached(() => {
      this.#cancelTimer = this.clock.setTimeout(this.#wakeDue, ms, { ref: false });
    });
  }

  readonly #wakeDue = (): void => {
    this.#cancelTimer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = this.clock.monotonic();
    for (let entry = this.#queue.first; entry && entry.dueAt <= now; entry = this.#queue.first) {
      this.forget(entry);
      this.#wake(entry);
    }
    this.#arm(now);
  };

  #dueInMs(entry: CacheEntry): number {
    const state = entry.state(this.clock);
    const restMs = entry.restsForMs(this.clock);
    if (state === 'fresh') return entry.remainingMs(this.clock) - entry.windowMs;
    // Whether it is wanted shows when the pause is over: it may be used in the meantime.
    if (state === 'stale') return restMs > 0 || entry.isWanted ? restMs : entry.remainingMs(this.clock);
    return entry.isPinned ? restMs : entry.lapsesInMs(this.clock);
  }

  #wake(entry: CacheEntry): void {
    const state = entry.state(this.clock);
    if (state === 'expired' && !entry.isPinned) {
      this.#lapse(entry);
      return;
    }
    const isDue = state !== 'fresh' && entry.isWanted && entry.restsForMs(this.clock) <= 0;
    if (isDue) this.refresh(entry);
    else this.plan(entry);
  }

  #lapse(entry: CacheEntry): void {
    // A token that was given up is known again until its natural end.
    if (entry.lapsesInMs(this.clock) > 0) this.plan(entry);
    else if (!entry.hasFailed) this.cache.delete(entry);
    // A failure stays in memory for as long as there is room. The token does not: a clock that is set back would revive
    // it, with nothing due for it any more.
    else entry.dropToken();
  }
}
