import type { Due } from './due-queue.js';

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
