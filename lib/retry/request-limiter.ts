import { type AssetClock, type Instant, instantOf } from '../config/clock.js';
import { DueQueue, type Due } from './priority-queue.js';
import { RateLimitWindow, type AnswerHeaders } from './rate-limit.js';

/** What the gate is built with. */
export interface TokenGateOptions {
  readonly slots: number;
  /** Longest that a waiting caller queues, in milliseconds. */
  readonly queueTimeoutMs: number;
}

/**
 * Bounds the token requests under way, over all keys. Waiting callers go before background refreshes, which leave one
 * slot free for them and follow each other at a pace. Paced by the server's own rate-limit headers. A key whose token
 * is fresh never comes here.
 */
export class TokenGate implements TicketOffice {
  readonly #clock: AssetClock;
  readonly #start: Instant;
  readonly #options: TokenGateOptions;
  readonly #limit: RateLimitWindow;
  readonly #pace: RefreshPace;
  /** All slots but one, so that a caller finds one free. */
  readonly #refreshSlots: number;
  readonly #callers = new Set<Ticket>();
  readonly #background = new DueQueue<Ticket>();
  readonly #active = new Set<Ticket>();
  #cancelWake: (() => void) | undefined;

  constructor(clock: AssetClock, options: TokenGateOptions) {
    this.#clock = clock;
    this.#start = instantOf(clock);
    this.#options = options;
    this.#limit = new RateLimitWindow(clock);
    this.#refreshSlots = Math.max(1, options.slots - 1);
    this.#pace = new RefreshPace(clock, this.#refreshSlots);
  }

  /**
   * @param remainingMs - what is left of the token that serves in the meantime: a quarter of it may go by in the queue
   */
  enter(awaited: boolean, remainingMs = 0): GateTicket {
    const now = this.#passedMs();
    // What a caller asks for who has no token is urgent to nobody once the caller has left.
    const replacesNothing = awaited && remainingMs === 0;
    const dueAt = replacesNothing ? Number.POSITIVE_INFINITY : now + remainingMs / 4;
    const ticket = new Ticket(this, dueAt, now + remainingMs);
    if (awaited) this.#queueCaller(ticket);
    else this.#background.put(ticket, ticket.dueAt);
    this.#pump();
    return ticket;
  }

  /** To be told of each answer of the token endpoint, and of those only. */
  observe(headers: AnswerHeaders): void {
    this.#limit.observe(headers);
    this.#pump();
  }

  promote(ticket: Ticket): void {
    if (!this.#background.has(ticket)) return;
    this.#background.delete(ticket);
    this.#queueCaller(ticket);
    this.#pump();
  }

  demote(ticket: Ticket): void {
    if (!this.#callers.delete(ticket)) return;
    ticket.cancelTimer?.();
    this.#background.put(ticket, ticket.dueAt);
    this.#planWake();
  }

  release(ticket: Ticket): void {
    if (this.#active.delete(ticket)) this.#pump();
  }

  /** Turns away the background's queue. */
  clearBackground(reason: TurnedAway): void {
    for (let ticket = this.#background.first; ticket !== undefined; ticket = this.#background.first) {
      this.#turnAway(ticket, reason);
    }
    this.#planWake();
  }

  /** Turns away everybody who queues. */
  clear(reason: TurnedAway): void {
    for (const ticket of this.#callers) this.#turnAway(ticket, reason);
    this.clearBackground(reason);
  }

  #queueCaller(ticket: Ticket): void {
    const { queueTimeoutMs } = this.#options;
    ticket.deadline = this.#clock.monotonic() + queueTimeoutMs;
    const timeout = (): void => {
      this.#turnAway(ticket, 'timeout');
      this.#planWake();
    };
    ticket.cancelTimer = this.#clock.setTimeout(timeout, queueTimeoutMs, { ref: true });
    this.#callers.add(ticket);
  }

  #turnAway(ticket: Ticket, reason: TurnedAway): void {
    this.#callers.delete(ticket);
    this.#background.delete(ticket);
    ticket.cancelTimer?.();
    ticket.turnAway(new TurnedAwayError(reason));
  }

  #pump(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      this.#callers.delete(next);
      if (this.#background.has(next)) this.#takePace(next);
      this.#active.add(next);
      next.cancelTimer?.();
      next.grant();
    }
    this.#planWake();
  }

  #takePace(refresh: Ticket): void {
    this.#background.delete(refresh);
    this.#pace.take(this.#spacingBehind(refresh));
  }

  #spacingBehind({ dueAt, expiresAt }: Ticket): number {
    const now = this.#passedMs();
    const queued = this.#background.size;
    return dueAt > now ? spacingMs(queued, dueAt - now) : overdueSpacingMs(queued, expiresAt - now);
  }

  /** Time that tokens have lived since the gate was built, also while the machine slept. */
  #passedMs(): number {
    const { wall, monotonic } = this.#start;
    return Math.max(this.#clock.now() - wall, this.#clock.monotonic() - monotonic);
  }

  #next(): Ticket | undefined {
    if (this.#active.size >= this.#options.slots) return undefined;
    const [caller] = this.#callers;
    if (this.#active.size >= this.#limit.room) return this.#probe(caller);
    if (caller !== undefined) return caller;
    const refresh = this.#background.first;
    if (refresh !== undefined) this.#pace.shorten(this.#spacingBehind(refresh));
    return this.#active.size < this.#refreshSlots && this.#pace.nextInMs === 0 ? refresh : undefined;
  }

  /** A caller that cannot wait until the limit starts anew goes out all the same, as the only one. */
  #probe(caller: Ticket | undefined): Ticket | undefined {
    if (caller === undefined || this.#active.size > 0) return undefined;
    return caller.deadline - this.#clock.monotonic() <= this.#limit.resetInMs ? caller : undefined;
  }

  /** What waits for a moment is woken then; while nothing waits, no timer is left. */
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
    this.#cancelWake = this.#clock.setTimeout(wake, Math.ceil(next), { ref: this.#callers.size > 0 });
  }

  /**
   * Milliseconds until what waits may go; `undefined` if it waits for a slot. At least one: since the queue was looked at,
   * its moment may have come, and nobody else would look again.
   */
  #wakeInMs(): number | undefined {
    if (this.#active.size >= this.#limit.room) return Math.max(1, this.#limit.resetInMs);
    if (this.#callers.size > 0 && this.#active.size < this.#options.slots) return 1;
    const isRoom = this.#background.size > 0 && this.#active.size < this.#refreshSlots;
    return isRoom ? Math.max(1, this.#pace.nextInMs) : undefined;
  }
}

/** One token request's place in the queue, and then its slot. */
export interface GateTicket {
  /** Settles when the request may go; rejects when it never will. */
  readonly granted: Promise<void>;
  /** A caller waits now: go before background refreshes, and no longer than the queue's time. */
  promote(): void;
  /** No caller waits any more. */
  demote(): void;
  /** Gives the slot back. */
  release(): void;
}

/** Why a queued request was turned away. */
export type TurnedAway = 'timeout' | 'endpoint in trouble' | 'stopped';

/** Thrown into {@link GateTicket.granted}; the service puts it into words. */
export class TurnedAwayError extends Error {
  readonly reason: TurnedAway;

  constructor(reason: TurnedAway) {
    super(`A queued token request was turned away: ${reason}.`);
    this.reason = reason;
  }
}

/** Whoever gives tickets out. */
export interface TicketOffice {
  promote(ticket: Ticket): void;
  demote(ticket: Ticket): void;
  release(ticket: Ticket): void;
}

/** What a ticket is to its gate. */
export class Ticket implements GateTicket, Due {
  readonly granted: Promise<void>;
  /** When it should have gone, as a refresh; this and the next by the time that has passed for tokens. */
  dueAt: number;
  /** When the token that serves in the meantime expires. */
  readonly expiresAt: number;
  duePlace = -1;
  deadline = Number.POSITIVE_INFINITY;
  cancelTimer: (() => void) | undefined;
  grant!: () => void;
  turnAway!: (error: TurnedAwayError) => void;
  readonly #office: TicketOffice;

  constructor(office: TicketOffice, dueAt: number, expiresAt: number) {
    this.#office = office;
    this.dueAt = dueAt;
    this.expiresAt = expiresAt;
    this.granted = new Promise((resolve, reject) => {
      this.grant = resolve;
      this.turnAway = reject;
    });
    this.granted.catch(() => {});
  }

  promote(): void {
    this.#office.promote(this);
  }

  demote(): void {
    this.#office.demote(this);
  }

  release(): void {
    this.#office.release(this);
  }
}

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
