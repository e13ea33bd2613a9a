import { AsyncResource } from 'node:async_hooks';
import { type AssetClock, MAX_TIMER_MS } from '../config/clock.js';
import { DueQueue } from '../retry/priority-queue.js';
import type { TokenCache } from './token-cache.js';
import type { TokenEntry } from './cache-entry.js';

/**
 * Wakes keys when something is due for them: the refresh of a token that was used, another attempt after a failure, the
 * end of an idle one. Refreshing follows use: a key that nobody asked for since its last refresh lapses.
 */
export class RefreshScheduler {
  readonly #clock: AssetClock;
  readonly #cache: TokenCache;
  readonly #refresh: (entry: TokenEntry) => void;
  /** A timer may wait for months: it must not hold on to the async context of whoever set it. */
  readonly #nobody = new AsyncResource('AssetTokenTimer');
  readonly #queue = new DueQueue<TokenEntry>();
  #cancelTimer: (() => void) | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #stopped = false;

  constructor(clock: AssetClock, cache: TokenCache, refresh: (entry: TokenEntry) => void) {
    this.#clock = clock;
    this.#cache = cache;
    this.#refresh = refresh;
  }

  /** Files the entry under whatever is due next for it. */
  plan(entry: TokenEntry): void {
    this.forget(entry);
    if (this.#stopped || !entry.kept) return;
    const now = this.#clock.monotonic();
    if (entry.state(this.#clock) === 'fresh') entry.freshUntil = entry.refreshAt;
    // Rounded up, since timers of Node may fire within the millisecond before.
    this.#queue.put(entry, now + Math.max(1, Math.ceil(this.#dueInMs(entry))));
    this.#arm(now);
  }

  /** Nothing is due for the entry any more. */
  forget(entry: TokenEntry): void {
    entry.takeBackFresh();
    this.#queue.delete(entry);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    for (const entry of this.#cache.entries()) entry.takeBackFresh();
    this.#queue.clear();
  }

  /** One timer for all, which never keeps the process alive. It is moved only to an earlier moment. */
  #arm(now: number): void {
    const first = this.#queue.first;
    if (first === undefined || first.dueAt >= this.#timerAt) return;
    this.#cancelTimer?.();
    this.#timerAt = first.dueAt;
    const ms = Math.min(Math.max(1, Math.ceil(first.dueAt - now)), MAX_TIMER_MS);
    this.#nobody.runInAsyncScope(() => {
      this.#cancelTimer = this.#clock.setTimeout(this.#wakeDue, ms, { ref: false });
    });
  }

  readonly #wakeDue = (): void => {
    this.#cancelTimer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = this.#clock.monotonic();
    for (
      let entry = this.#queue.first;
      entry !== undefined && entry.dueAt <= now;
      entry = this.#queue.first
    ) {
      this.forget(entry);
      this.#wake(entry);
    }
    if (!this.#stopped) this.#arm(now);
  };

  #dueInMs(entry: TokenEntry): number {
    const state = entry.state(this.#clock);
    const quiet = entry.quietUntil - this.#clock.monotonic();
    if (state === 'fresh') return entry.remaining(this.#clock) - (entry.life?.windowMs ?? 0);
    // Whether it is wanted shows when the pause is over: it may be used in the meantime.
    if (state === 'stale') return quiet > 0 || entry.isWanted ? quiet : entry.remaining(this.#clock);
    return entry.pinned ? quiet : entry.lapsesIn(this.#clock);
  }

  #wake(entry: TokenEntry): void {
    const state = entry.state(this.#clock);
    if (state === 'expired' && !entry.pinned) {
      this.#lapse(entry);
      return;
    }
    const due = state !== 'fresh' && entry.isWanted && entry.quietUntil <= this.#clock.monotonic();
    if (due) this.#refresh(entry);
    else this.plan(entry);
  }

  #lapse(entry: TokenEntry): void {
    // A token that was given up is known again until its natural end.
    if (entry.lapsesIn(this.#clock) > 0) this.plan(entry);
    else if (entry.lastError === undefined) this.#cache.delete(entry);
    // A failure stays in memory for as long as there is room. The token does not: a clock that is set back would revive
    // it, with nothing due for it any more.
    else entry.dropToken();
  }
}
