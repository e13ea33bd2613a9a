import { type AssetClock, type Instant, instantOf, setDeadline, systemClock } from '../config/clock.js';
import { PriorityQueue } from './priority-queue.js';
import { LONGEST_WAIT_MS, RateLimitWindow, type ResponseHeaders } from './rate-limit.js';
import {
  Slot,
  type SlotOutcome,
  type SlotRequest,
  type TurnedAway,
  TurnedAwayError,
  UnprovenQueue,
} from './slots.js';

/** Refreshes that fall due together follow each other this far apart: thousands at once would hold up the application. */
const SPACING_MS = 10;
/** How long the last slot is kept for newcomers that come a moment later. */
const KEPT_MS = 100;

/**
 * Who may ask next? At most `slots` requests, and no more than the server's rate limit has room for, in this order:
 * 1. callers that wait for a key that had a token, as they came;
 * 2. refreshes that would come too late otherwise, the most urgent first, in all slots but one;
 * 3. by turns, keys whose last request got no answer, and newcomers: together in at most half of the slots and the room,
 *    once any token is in use, so that naming businesses starves nobody; see {@link UnprovenQueue};
 * 4. all other refreshes, a fixed spacing apart.
 * Callers queue for as long as they wait themselves, and are turned away only if nothing moves for `stuckMs`; a newcomer
 * also if its turn would come after its caller's time, or if its callers have left.
 */
export class RequestLimiter {
  readonly #start: Instant;
  readonly #limit: RateLimitWindow;
  readonly #refreshSlots: number;
  readonly #half: number;
  readonly #callers = new Set<Slot>();
  readonly #unproven: UnprovenQueue;
  readonly #refreshes = new PriorityQueue<Slot>();
  readonly #active = new Set<Slot>();
  /** When an answer last freed a slot, by the monotonic clock. */
  #movedAt = 0;
  /** The same for unproven keys: when one of them was last answered, or another while they had a slot left. */
  #unprovenMovedAt = 0;
  /** Refreshes that have gone have used up the spacing until this moment, by the monotonic clock. */
  #spacedUpTo = 0;
  #cancelWake: (() => void) | undefined;

  /**
   * @param stuckMs - without an answer for so long, callers that queue are turned away; after half, a newcomer may give way
   * @param hasKnown - whether there are keys whose tokens are in use
   */
  constructor(
    private readonly clock: AssetClock,
    private readonly slots: number,
    private readonly stuckMs: number,
    private readonly hasKnown: () => boolean,
  ) {
    this.#start = instantOf(clock);
    this.#limit = new RateLimitWindow(clock);
    this.#refreshSlots = Math.max(1, slots - 1);
    this.#half = Math.max(1, Math.floor(slots / 2));
    const unprovenSlots = (): number => (hasKnown() ? this.#half : slots);
    this.#unproven = new UnprovenQueue(clock, unprovenSlots, Math.max(1, this.#half - 1), stuckMs / 2);
  }

  /** Queues a request. */
  enter(request: SlotRequest): Slot {
    const { isNewcomer, awaited, remainingMs = 0, withinMs = Number.POSITIVE_INFINITY } = request;
    // No due time: if its caller leaves, no token is about to expire.
    const dueAt =
      awaited && remainingMs === 0 ? Number.POSITIVE_INFINITY : this.#elapsedMs() + remainingMs / 4;
    const slot = new Slot(this, request, this.clock.monotonic(), dueAt, awaited);
    const waitMs = isNewcomer ? this.#newcomersWaitMs(slot) : 0;
    if (isNewcomer && !awaited) slot.turnAway(new TurnedAwayError('left'));
    else if (waitMs > withinMs)
      slot.turnAway(new TurnedAwayError('too late', Math.min(waitMs, LONGEST_WAIT_MS)));
    else this.#queue(slot);
    this.#pump();
    return slot;
  }

  /**
   * Takes in the headers of an answer of the token endpoint, and of no other.
   *
   * @param sentAt - when its request went, by the monotonic clock; just now, by default
   */
  observe(headers: ResponseHeaders, sentAt?: number): void {
    this.#limit.observe(headers, sentAt);
    this.#pump();
  }

  /** Callers wait for a queued request from now on, or wait no more. */
  move(slot: Slot, isAwaited: boolean): void {
    if (slot.isAwaited === isAwaited) return;
    slot.isAwaited = isAwaited;
    if (isAwaited) slot.enteredAt = this.clock.monotonic();
    if (this.#active.has(slot) || !this.#unqueue(slot)) return;
    if (isAwaited || !slot.request.isNewcomer) this.#queue(slot);
    else slot.turnAway(new TurnedAwayError('left'));
    this.#pump();
  }

  release(slot: Slot, outcome: SlotOutcome): void {
    if (!this.#active.delete(slot)) return;
    if (outcome !== 'silence') {
      this.#movedAt = this.clock.monotonic();
      if (slot.isUnproven || !this.#unproven.isFull) this.#unprovenMovedAt = this.#movedAt;
    }
    if (slot.isUnproven && outcome === 'unsent') this.#limit.takeBack();
    this.#unproven.released(slot, outcome);
    this.#pump();
  }

  /** Turns away the queued refreshes. */
  clearBackground(reason: TurnedAway): void {
    for (let slot = this.#refreshes.first; slot !== undefined; slot = this.#refreshes.first) {
      this.#turnAway(slot, reason);
    }
    for (const slot of this.#unproven.all) if (!slot.isAwaited) this.#turnAway(slot, reason);
    this.#planWake();
  }

  /** Turns away the newcomers that are queued. */
  clearNewcomers(reason: TurnedAway): void {
    for (const slot of this.#unproven.all) if (slot.request.isNewcomer) this.#turnAway(slot, reason);
    this.#planWake();
  }

  /** Turns away all that is queued. */
  clear(reason: TurnedAway): void {
    for (const slot of [...this.#callers, ...this.#unproven.all]) this.#turnAway(slot, reason);
    this.clearBackground(reason);
  }

  #turnAway(slot: Slot, reason: TurnedAway): void {
    this.#unqueue(slot);
    slot.turnAway(new TurnedAwayError(reason));
  }

  #queue(slot: Slot): void {
    if (slot.isUnproven) this.#unproven.add(slot);
    else if (slot.isAwaited) this.#callers.add(slot);
    else this.#refreshes.add(slot, slot.dueAt);
  }

  /** @returns whether it was queued */
  #unqueue(slot: Slot): boolean {
    return this.#refreshes.delete(slot) || this.#callers.delete(slot) || this.#unproven.delete(slot);
  }

  #pump(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const now = this.clock.monotonic();
      if (this.#refreshes.delete(next)) this.#spacedUpTo = Math.max(this.#spacedUpTo, now) + SPACING_MS;
      else this.#unqueue(next);
      this.#active.add(next);
      next.grantedAt = now;
      if (next.isUnproven) {
        this.#unproven.granted(next);
        this.#limit.spend();
      }
      next.grant();
    }
    if (this.#unproven.tryToKeepOne()) {
      // In real time, since a test's clock may stand still. Without `ref`: what is queued has a timer of its own, planned below.
      setDeadline(this.#wake, Math.min(KEPT_MS, this.stuckMs / 10), systemClock, { ref: false });
    }
    if (this.#areSlotsTaken()) this.#unproven.giveWay();
    this.#planWake();
  }

  #next(): Slot | undefined {
    if (this.#active.size >= this.slots) return undefined;
    const [caller] = this.#callers;
    if (this.#active.size >= this.#limit.room) return this.#probe();
    if (caller !== undefined) return caller;
    const refresh = this.#active.size < this.#refreshSlots ? this.#refreshes.first : undefined;
    if (refresh !== undefined && this.#isOverdue(refresh)) return refresh;
    return this.#nextUnproven() ?? (this.#nextRefreshInMs() === 0 ? refresh : undefined);
  }

  /** Whether newcomers queue for slots, and not for the rate limit. */
  #areSlotsTaken(): boolean {
    const areTaken = this.#active.size >= this.slots || this.#unproven.isFull;
    return areTaken && this.#isSpared() && this.#active.size <= this.#limit.room;
  }

  #nextUnproven(): Slot | undefined {
    return this.#isSpared() ? this.#unproven.next() : undefined;
  }

  /** Whether the rate limit leaves as much to keys that had a token as it has given to the others. */
  #isSpared(): boolean {
    return !this.hasKnown() || this.#limit.sparesOne(this.#active.size);
  }

  /**
   * A caller that cannot wait until the limit starts anew goes out all the same, as the only one. No newcomer does while
   * tokens are in use, nor is an unproven request in the way of a known key's.
   */
  #probe(): Slot | undefined {
    const [caller] = [this.#callers, ...this.#unproven.queues]
      .map((queue) => this.#firstAwaited(queue))
      .filter((slot) => slot !== undefined && !(slot.request.isNewcomer && this.hasKnown()));
    if (caller === undefined) return undefined;
    const others = caller.isUnproven ? 0 : this.#unproven.active;
    if (this.#active.size > others) return undefined;
    const { withinMs = this.stuckMs } = caller.request;
    const leftMs = caller.enteredAt + Math.min(withinMs, this.stuckMs) - this.clock.monotonic();
    return leftMs <= this.#limit.resetInMs ? caller : undefined;
  }

  /** When the turn of one more newcomer would come. */
  #newcomersWaitMs(slot: Slot): number {
    return this.#isSpared() ? this.#unproven.waitMs(slot) : this.#limit.resetInMs;
  }

  #isOverdue(refresh: Slot): boolean {
    return refresh.dueAt <= this.#elapsedMs();
  }

  /** As many as there are slots may go together before they are spaced, so that a few keys never notice. */
  #nextRefreshInMs(): number {
    const burstMs = (this.#refreshSlots - 1) * SPACING_MS;
    const spacedMs = Math.max(0, this.#spacedUpTo - burstMs - this.clock.monotonic());
    const dueAt = this.#refreshes.first?.dueAt ?? Number.POSITIVE_INFINITY;
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
    const awaited = [this.#callers, ...this.#unproven.queues].map((queue) => this.#firstAwaited(queue));
    const stuckIn = Math.min(...awaited.map((slot) => this.#stuckInMs(slot)));
    const next = Math.min(stuckIn, this.#wakeInMs());
    if (next === Number.POSITIVE_INFINITY) return;
    const ref = awaited.some((slot) => slot !== undefined);
    this.#cancelWake = setDeadline(this.#wake, Math.max(1, Math.ceil(next)), this.clock, { ref });
  }

  /** Whichever timer it was: after a jump of the clock, the other one may not come. */
  readonly #wake = (): void => {
    this.#unproven.keptSlotFallsDue();
    this.#pump();
    this.#turnAwayStuck();
    this.#planWake();
  };

  #firstAwaited(queue: ReadonlySet<Slot>): Slot | undefined {
    for (const slot of queue) if (slot.isAwaited) return slot;
    return undefined;
  }

  #stuckInMs(slot: Slot | undefined): number {
    if (slot === undefined) return Number.POSITIVE_INFINITY;
    const movedAt = slot.isUnproven ? this.#unprovenMovedAt : this.#movedAt;
    return Math.max(slot.enteredAt, movedAt) + this.stuckMs - this.clock.monotonic();
  }

  #turnAwayStuck(): void {
    for (const slot of [...this.#callers, ...this.#unproven.all]) {
      if (slot.isAwaited && this.#stuckInMs(slot) <= 0) this.#turnAway(slot, 'nothing moves');
    }
  }

  /**
   * Milliseconds until something queued may go without another being released, or one gives way. At least one: its moment
   * may have come since the queue was looked at, and nothing else would look again.
   */
  #wakeInMs(): number {
    const queued = this.#callers.size + this.#unproven.size + this.#refreshes.size;
    if (queued === 0) return Number.POSITIVE_INFINITY;
    const wayInMs = this.#areSlotsTaken() ? this.#unproven.givesWayInMs() : Number.POSITIVE_INFINITY;
    if (this.#active.size >= this.#limit.room) return Math.max(1, Math.min(this.#limit.resetInMs, wayInMs));
    const isRoom = this.#refreshes.size > 0 && this.#active.size < this.#refreshSlots;
    const refreshInMs = isRoom ? this.#nextRefreshInMs() : Number.POSITIVE_INFINITY;
    const spareInMs = this.#isSpared() ? Number.POSITIVE_INFINITY : this.#limit.resetInMs;
    return Math.max(1, Math.min(refreshInMs, spareInMs, wayInMs));
  }
}
