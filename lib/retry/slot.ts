import type { Queued } from './priority-queue.js';

/**
 * What is known of a key. `'known'`: it had a token, or the application pinned it. `'doubtful'`: it had one, but its last
 * request got no answer in time. `'newcomer'`: it never had one; whoever can name businesses can make up any number.
 */
export type Standing = 'known' | 'doubtful' | 'newcomer';

/** Who asks for a slot. */
export interface SlotRequest {
  readonly standing: Standing;
  /** Whether its last request got no answer in time, or only after long. */
  readonly hasHung?: boolean;
  /** Whether callers wait; otherwise it is a background refresh. */
  readonly awaited: boolean;
  /** What is left of the token that serves in the meantime, in milliseconds: a quarter of it may pass in the queue. */
  readonly remainingMs?: number | undefined;
  /** Milliseconds that its caller has, if known. */
  readonly withinMs?: number | undefined;
}

/** Whether a request that had a slot got an answer. */
export type SlotOutcome = 'answer' | 'silence';

/** Why a queued request was turned away. */
export type TurnedAway = 'nothing moves' | 'too late' | 'left' | 'circuit open' | 'stopped';

/** A queued request never got its slot; {@link Slot.granted} rejects with it. */
export class TurnedAwayError extends Error {
  /** @param waitMs - how long the queue would have taken, if that is the reason */
  constructor(
    readonly reason: TurnedAway,
    readonly waitMs = 0,
  ) {
    super(`A queued token request was turned away: ${reason}.`);
  }
}

/** What a slot tells its limiter. */
export interface SlotOwner {
  move(slot: Slot, isAwaited: boolean): void;
  release(slot: Slot, outcome: SlotOutcome): void;
}

/** One request's place in the queue, and then its slot. */
export class Slot implements Queued {
  /** Settles when the request may go; rejects when it never will. */
  readonly granted: Promise<void>;
  grant!: () => void;
  turnAway!: (error: TurnedAwayError) => void;
  heapIndex = -1;
  /** By the monotonic clock. */
  grantedAt = 0;

  /** @param dueAt - when it should have gone, as a refresh, on the limiter's clock */
  constructor(
    private readonly owner: SlotOwner,
    readonly request: SlotRequest,
    /** When its callers began to wait, by the monotonic clock. */
    public enteredAt: number,
    public dueAt: number,
    public isAwaited: boolean,
  ) {
    this.granted = new Promise((resolve, reject) => {
      this.grant = resolve;
      this.turnAway = reject;
    });
    this.granted.catch(() => {});
  }

  /** Whether it counts into the part of the slots that strangers may take. */
  get isUnproven(): boolean {
    return this.request.standing !== 'known';
  }

  /** Whether a caller waits: then it goes before background refreshes. */
  setAwaited(isAwaited: boolean): void {
    this.owner.move(this, isAwaited);
  }

  release(outcome: SlotOutcome): void {
    this.owner.release(this, outcome);
  }
}
