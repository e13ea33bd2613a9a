import { type AssetClock, type Instant, instantOf } from '../config/clock.js';
import { PriorityQueue, type Queued } from './priority-queue.js';
import { RateLimitWindow, type ResponseHeaders } from './rate-limit.js';

/** Why a queued request was turned away. */
export type TurnedAway = 'timeout' | 'circuit open' | 'stopped';

/** A queued request never got its slot; {@link Slot.granted} rejects with it. */
export class TurnedAwayError extends Error {
  readonly reason: TurnedAway;

  constructor(reason: TurnedAway) {
    super(`A queued token request was turned away: ${reason}.`);
    this.reason = reason;
  }
}

/** One request's place in the queue, and then its slot. */
export class Slot implements Queued {
  /** Settles when the request may go; rejects when it never will. */
  readonly granted: Promise<void>;
  grant!: () => void;
  turnAway!: (error: TurnedAwayError) => void;
  heapIndex = -1;
  /** When it is turned away, by the monotonic clock. */
  deadline = Number.POSITIVE_INFINITY;
  cancelTimer: (() => void) | undefined;

  /** @param dueAt - when it should have gone, as a refresh, on the limiter's clock */
  constructor(
    private readonly limiter: RequestLimiter,
    public dueAt: number,
  ) {
    this.granted = new Promise((resolve, reject) => {
      this.grant = resolve;
      this.turnAway = reject;
    });
    this.granted.catch(() => {});
  }

  /** Whether a caller waits: then it goes before background refreshes, and queues no longer than callers do. */
  setAwaited(isAwaited: boolean): void {
    this.limiter.move(this, isAwaited);
  }

  release(): void {
    this.limiter.release(this);
  }
}

/** Refreshes that fall due together follow each other this far apart: thousands at once would hold up the application. */
const SPACING_MS = 10;

/**
 * Who may ask next. At most `slots` requests are under way, over all keys, and no more than the server's rate-limit headers
 * leave room for. Waiting callers go first, in the order in which they came. Background refreshes use all slots but one,
 * most urgent first, and follow each other at a fixed spacing; one that is overdue goes at once. A request for a key whose
 * token is fresh never comes here.
 */
export class RequestLimiter {
  readonly #start: Instant;
  readonly #limit: RateLimitWindow;
  readonly #refreshSlots: number;
  readonly #callers = new Set<Slot>();
  readonly #background = new PriorityQueue<Slot>();
  readonly #active = new Set<Slot>();
  /** The moment up to which the spacing is taken, by the monotonic clock. */
  #spacedUpTo = 0;
  #cancelWake: (() => void) | undefined;

  /** @param queueTimeoutMs - longest that a waiting caller queues, in milliseconds */
  constructor(
    private readonly clock: AssetClock,
    private readonly slots: number,
    private readonly queueTimeoutMs: number,
  ) {
    this.#start = instantOf(clock);
    this.#limit = new RateLimitWindow(clock);
    this.#refreshSlots = Math.max(1, slots - 1);
  }

  /**
   * Queues a request.
   *
   * @param remainingMs - what is left of the token that serves in the meantime: a quarter of it may pass in the queue
   */
  enter(awaited: boolean, remainingMs = 0): Slot {
    // No due time: if its caller leaves, no token is about to expire.
    const replacesNothing = awaited && remainingMs === 0;
    const dueAt = replacesNothing ? Number.POSITIVE_INFINITY : this.#elapsedMs() + remainingMs / 4;
    const slot = new Slot(this, dueAt);
    if (awaited) this.#queueCaller(slot);
    else this.#background.put(slot, slot.dueAt);
    this.#pump();
    return slot;
  }

  /** Takes in the headers of an answer of the token endpoint, and of no other. */
  observe(headers: ResponseHeaders): void {
    this.#limit.observe(headers);
    this.#pump();
  }

  /** Moves a queued request to the callers, or back among the background refreshes. */
  move(slot: Slot, isAwaited: boolean): void {
    if (isAwaited === this.#callers.has(slot) || this.#active.has(slot)) return;
    if (isAwaited) {
      if (!this.#background.has(slot)) return;
      this.#background.delete(slot);
      this.#queueCaller(slot);
    } else {
      this.#callers.delete(slot);
      slot.cancelTimer?.();
      this.#background.put(slot, slot.dueAt);
    }
    this.#pump();
  }

  release(slot: Slot): void {
    if (this.#active.delete(slot)) this.#pump();
  }

  /** Turns away the queued refreshes. */
  clearBackground(reason: TurnedAway): void {
    for (let slot = this.#background.first; slot !== undefined; slot = this.#background.first) {
      this.#turnAway(slot, reason);
    }
    this.#planWake();
  }

  /** Turns away all that is queued. */
  clear(reason: TurnedAway): void {
    for (const slot of this.#callers) this.#turnAway(slot, reason);
    this.clearBackground(reason);
  }

  #queueCaller(slot: Slot): void {
    slot.deadline = this.clock.monotonic() + this.queueTimeoutMs;
    const timeout = (): void => {
      this.#turnAway(slot, 'timeout');
      this.#planWake();
    };
    slot.cancelTimer = this.clock.setTimeout(timeout, this.queueTimeoutMs, { ref: true });
    this.#callers.add(slot);
  }

  #turnAway(slot: Slot, reason: TurnedAway): void {
    this.#callers.delete(slot);
    this.#background.delete(slot);
    slot.cancelTimer?.();
    slot.turnAway(new TurnedAwayError(reason));
  }

  #pump(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      this.#callers.delete(next);
      if (this.#background.has(next)) {
        this.#background.delete(next);
        this.#spacedUpTo = Math.max(this.#spacedUpTo, this.clock.monotonic()) + SPACING_MS;
      }
      this.#active.add(next);
      next.cancelTimer?.();
      next.grant();
    }
    this.#planWake();
  }

  #next(): Slot | undefined {
    if (this.#active.size >= this.slots) return undefined;
    const [caller] = this.#callers;
    if (this.#active.size >= this.#limit.room) return this.#probe(caller);
    if (caller !== undefined) return caller;
    return this.#active.size < this.#refreshSlots && this.#nextRefreshInMs() === 0
      ? this.#background.first
      : undefined;
  }

  /** A caller that cannot wait until the limit starts anew goes out all the same, as the only one. */
  #probe(caller: Slot | undefined): Slot | undefined {
    if (caller === undefined || this.#active.size > 0) return undefined;
    return caller.deadline - this.clock.monotonic() <= this.#limit.resetInMs ? caller : undefined;
  }

  /** As many as there are slots may go together before they are spaced, so that a few keys never notice. */
  #nextRefreshInMs(): number {
    const burstMs = (this.#refreshSlots - 1) * SPACING_MS;
    const spacedMs = Math.max(0, this.#spacedUpTo - burstMs - this.clock.monotonic());
    const dueAt = this.#background.first?.dueAt ?? Number.POSITIVE_INFINITY;
    return Math.min(spacedMs, Math.max(0, dueAt - this.#elapsedMs()));
  }

  /** Time that tokens have lived since the limiter was built, also while the machine slept. */
  #elapsedMs(): number {
    const { wall, monotonic } = this.#start;
    return Math.max(this.clock.now() - wall, this.clock.monotonic() - monotonic);
  }

  /** Plans the next look at the queue; while nothing is queued, no timer is left. */
  #planWake(): void {
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    if (this.#callers.size + this.#background.size === 0) return;
    const next = this.#wakeInMs();
    if (next === undefined) return;
    const wake = (): void => {
      this.#cancelWake = undefined;
      this.#pump();
    };
    this.#cancelWake = this.clock.setTimeout(wake, Math.ceil(next), { ref: this.#callers.size > 0 });
  }

  /**
   * Milliseconds until something queued may go; `undefined` if it waits for a slot. At least one: its moment may have come
   * since the queue was looked at, and nothing else would look again.
   */
  #wakeInMs(): number | undefined {
    if (this.#active.size >= this.#limit.room) return Math.max(1, this.#limit.resetInMs);
    if (this.#callers.size > 0 && this.#active.size < this.slots) return 1;
    const isRoom = this.#background.size > 0 && this.#active.size < this.#refreshSlots;
    return isRoom ? Math.max(1, this.#nextRefreshInMs()) : undefined;
  }
}
