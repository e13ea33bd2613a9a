// A request's place in the queue for slots, and who goes next among the keys that may hang.
import type { AssetClock } from '../config/clock.js';
import type { Queued } from './priority-queue.js';

/** Who asks for a slot. */
export interface SlotRequest {
  /** Whether its key never had a token, nor was pinned: a caller can make up any number of these. */
  readonly isNewcomer: boolean;
  /** Whether its key's last request got no answer in time, or only after long, or gave way. */
  readonly hasHung: boolean;
  /** Whether callers wait; otherwise it is a background refresh. */
  readonly awaited: boolean;
  /** What is left of the token that serves in the meantime, in milliseconds: a quarter of it may pass in the queue. */
  readonly remainingMs?: number | undefined;
  /** Milliseconds that its caller has, if known. */
  readonly withinMs?: number | undefined;
}

/** Whether a request that had a slot got an answer, or was not sent after all, since another process sends it. */
export type SlotOutcome = 'answer' | 'silence' | 'unsent';

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
  /** Whether a request that was sent no earlier has been answered. */
  isOvertaken = false;
  /** Ends the attempt that has the slot; it is made again later. Only while there is one. */
  interruptAttempt: (() => void) | undefined;

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

  /** Whether its key is a newcomer, or hung last: together these get a part of the slots only. */
  get isUnproven(): boolean {
    return this.request.isNewcomer || this.request.hasHung;
  }

  /** Whether a caller waits: then it goes before background refreshes. */
  setAwaited(isAwaited: boolean): void {
    this.owner.move(this, isAwaited);
  }

  release(outcome: SlotOutcome): void {
    this.owner.release(this, outcome);
  }
}

/** Weight of the newest value in the moving average of the pace. */
const WEIGHT_OF_LATEST = 0.3;
/** A request that takes so many times as long as the slowest answer of late will get none. */
const HANGS = 3;
/** Each answer lets the slowest time so far fade by this factor. */
const REMEMBERED = 0.99;
/** Of fewer slots, none is kept. */
const FEWEST_TO_KEEP_ONE = 4;

/** Keys that had a token, but hung last; newcomers; newcomers that hung. */
const KINDS = ['doubtful', 'newcomer', 'hung'] as const;
type Kind = (typeof KINDS)[number];

/**
 * The requests of keys that may hang, whatever the endpoint does. The kinds go by turns, each in the order it came.
 * - Keys that have hung may hang again: at most `mostHung` of them are under way, so that newcomers find a slot, and of
 *   newcomers that have hung only one while others queue.
 * - A newcomer gives its slot to one that queues, and counts as hung from then on, once it has waited for half of its time
 *   and three times as long as the slowest answer of late took, if a request sent no earlier was answered: then it is
 *   hardly the endpoint that hangs.
 * - Before the first answer, nothing tells the two apart. So of four slots or more, the last is kept for a moment and then
 *   goes to the newest newcomer, out of turn: if that is answered, the earlier ones are those that hang.
 */
export class UnprovenQueue {
  readonly #queued = { doubtful: new Set<Slot>(), newcomer: new Set<Slot>(), hung: new Set<Slot>() };
  readonly #active = new Set<Slot>();
  #latest: Kind = 'hung';
  /** How many of them a slot usually serves in a millisecond. */
  #pace = 1;
  /** How long the slowest answer of late took, in milliseconds. */
  #slowestMs = 0;
  /**
   * The slot for the newest newcomer. `'unused'`: to be kept once the others are taken. `'waits'`: kept until a timer fires.
   * `'due'`: goes as soon as there is room. `'taken'`: it went, and is kept anew if all under way end in silence. `'over'`:
   * something was answered.
   */
  #keptSlot: 'unused' | 'waits' | 'due' | 'taken' | 'over' = 'unused';

  /** What is queued, kind by kind. */
  get queues(): readonly ReadonlySet<Slot>[] {
    return KINDS.map((kind) => this.#queued[kind]);
  }

  get all(): Slot[] {
    return this.queues.flatMap((queue) => [...queue]);
  }

  /**
   * @param slots - how many may be under way together
   * @param mostHung - how many of those may be of keys that have hung
   * @param patienceMs - no request gives way before it has taken so long
   */
  constructor(
    private readonly clock: AssetClock,
    private readonly slots: () => number,
    private readonly mostHung: number,
    private readonly patienceMs: number,
  ) {}

  get size(): number {
    return this.queues.reduce((sum, { size }) => sum + size, 0);
  }

  /** How many are under way. */
  get active(): number {
    return this.#active.size;
  }

  add(slot: Slot): void {
    this.#queued[kindOf(slot)].add(slot);
  }

  /** @returns whether it was queued */
  delete(slot: Slot): boolean {
    return this.#queued[kindOf(slot)].delete(slot);
  }

  /** Whether all slots that they may take are taken. */
  get isFull(): boolean {
    return this.#active.size >= this.slots();
  }

  next(): Slot | undefined {
    if (this.isFull) return undefined;
    if (this.#keepsOne()) return this.#keptSlot === 'due' ? [...this.#queued.newcomer].at(-1) : undefined;
    const active = [...this.#active].map(kindOf);
    const haveHung = active.filter((kind) => kind !== 'newcomer').length;
    const isCrowded = this.#queued.newcomer.size > 0 && active.includes('hung');
    const isOpen = (kind: Kind): boolean =>
      kind === 'newcomer' || (haveHung < this.mostHung && !(kind === 'hung' && isCrowded));
    const turn = KINDS.indexOf(this.#latest) + 1;
    const kind = [...KINDS.slice(turn), ...KINDS].find((its) => this.#queued[its].size > 0 && isOpen(its));
    const [first] = kind === undefined ? [] : this.#queued[kind];
    return first;
  }

  #keepsOne(): boolean {
    const slots = this.slots();
    const isLast = slots >= FEWEST_TO_KEEP_ONE && this.#active.size === slots - 1;
    const isKept = this.#keptSlot !== 'taken' && this.#keptSlot !== 'over';
    return isLast && isKept && this.#queued.newcomer.size > 0;
  }

  /** @returns whether one slot is kept from now on, until {@link keptSlotFallsDue} is called */
  tryToKeepOne(): boolean {
    if (this.#keptSlot === 'due' && this.#queued.newcomer.size === 0) this.#keptSlot = 'unused';
    if (this.#keptSlot !== 'unused' || !this.#keepsOne()) return false;
    this.#keptSlot = 'waits';
    return true;
  }

  keptSlotFallsDue(): void {
    if (this.#keptSlot === 'waits') this.#keptSlot = 'due';
  }

  granted(slot: Slot): void {
    this.#latest = kindOf(slot);
    const isLast = this.#active.size === this.slots() - 1;
    if (isLast && this.#latest === 'newcomer' && this.#keptSlot === 'due') this.#keptSlot = 'taken';
    this.#active.add(slot);
  }

  /** A request is over, perhaps one of a known key. */
  released(slot: Slot, outcome: SlotOutcome): void {
    const tookMs = this.clock.monotonic() - slot.grantedAt;
    if (this.#active.delete(slot) && outcome !== 'unsent')
      this.#pace += (paceOf(tookMs) - this.#pace) * WEIGHT_OF_LATEST;
    if (outcome === 'answer') {
      this.#keptSlot = 'over';
      this.#slowestMs = Math.max(tookMs, this.#slowestMs * REMEMBERED);
      for (const other of this.#active) other.isOvertaken ||= other.grantedAt <= slot.grantedAt;
    } else if (this.#active.size === 0 && this.#keptSlot === 'taken') this.#keptSlot = 'unused';
  }

  /** Milliseconds until {@link giveWay} has an effect. */
  givesWayInMs(): number {
    if (this.#queued.newcomer.size === 0) return Number.POSITIVE_INFINITY;
    const longestMs = Math.max(this.patienceMs, HANGS * this.#slowestMs);
    const now = this.clock.monotonic();
    return Math.min(...this.#overtaken().map(({ grantedAt }) => grantedAt + longestMs - now));
  }

  /** The overtaken request that has taken longest gives its slot away, if a newcomer queues. */
  giveWay(): void {
    if (this.givesWayInMs() > 0) return;
    const [slot] = this.#overtaken();
    const interrupt = slot?.interruptAttempt;
    if (slot !== undefined) slot.interruptAttempt = undefined;
    interrupt?.();
  }

  #overtaken(): readonly Slot[] {
    return [...this.#active].filter(
      (slot) => kindOf(slot) === 'newcomer' && slot.isOvertaken && slot.interruptAttempt !== undefined,
    );
  }

  /** When the turn of one more of its kind would come. A slot whose request hangs is as slow as that has been so far. */
  waitMs(slot: Slot): number {
    const free = Math.max(0, this.slots() - this.#active.size - (this.#keepsOne() ? 1 : 0));
    const turns = this.#queued[kindOf(slot)].size + 1;
    const ahead = this.queues.reduce((sum, { size }) => sum + Math.min(size, turns), 0);
    if (ahead < free) return 0;
    const now = this.clock.monotonic();
    const paces = [...this.#active].map(({ grantedAt }) => Math.min(this.#pace, paceOf(now - grantedAt)));
    return (ahead + 1) / paces.reduce((sum, pace) => sum + pace, free * this.#pace);
  }
}

function kindOf({ request }: Slot): Kind {
  if (!request.isNewcomer) return 'doubtful';
  return request.hasHung ? 'hung' : 'newcomer';
}

/** Requests that a slot serves in a millisecond if each takes so long. */
const paceOf = (ms: number): number => 1 / Math.max(1, ms);
