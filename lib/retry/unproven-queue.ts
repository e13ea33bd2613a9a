import type { Slot, Standing } from './slot.js';

/** How much the latest counts in the pace at which newcomers are answered. */
const WEIGHT_OF_LATEST = 0.3;

/**
 * The requests of keys that may hang, whatever the endpoint does: those whose last request got no answer, and newcomers.
 * They go by turns, each kind as it came. Doubtful keys leave a slot to newcomers, since they may all hang again and again.
 */
export class UnprovenQueue {
  readonly #doubtful = new Set<Slot>();
  readonly #newcomers = new Set<Slot>();
  readonly #active = new Set<Slot>();
  #latest: Standing = 'newcomer';
  /** How many of them a slot usually serves in a millisecond. */
  #pace = 1;

  get doubtful(): ReadonlySet<Slot> {
    return this.#doubtful;
  }

  get newcomers(): ReadonlySet<Slot> {
    return this.#newcomers;
  }

  get size(): number {
    return this.#doubtful.size + this.#newcomers.size;
  }

  /** How many are under way. */
  get active(): number {
    return this.#active.size;
  }

  add(slot: Slot): void {
    (slot.request.standing === 'newcomer' ? this.#newcomers : this.#doubtful).add(slot);
  }

  /** @returns whether it was queued */
  delete(slot: Slot): boolean {
    return this.#doubtful.delete(slot) || this.#newcomers.delete(slot);
  }

  /** @param slots - how many may be under way together */
  next(slots: number): Slot | undefined {
    if (this.#active.size >= slots) return undefined;
    const [newcomer] = this.#newcomers;
    const [doubtful] = this.#doubtful;
    const ofDoubtful = [...this.#active].filter(({ request }) => request.standing === 'doubtful').length;
    if (doubtful === undefined || ofDoubtful >= Math.max(1, slots - 1)) return newcomer;
    return this.#latest === 'newcomer' ? doubtful : (newcomer ?? doubtful);
  }

  granted(slot: Slot): void {
    this.#latest = slot.request.standing;
    this.#active.add(slot);
  }

  /** @param now - by the monotonic clock */
  released(slot: Slot, now: number): void {
    if (this.#active.delete(slot))
      this.#pace += (paceOf(now - slot.grantedAt) - this.#pace) * WEIGHT_OF_LATEST;
  }

  /** When the turn of one more newcomer would come. A slot whose request hangs is as slow as that has been so far. */
  newcomersWaitMs(slots: number, now: number): number {
    const free = Math.max(0, slots - this.#active.size);
    const ahead = this.#newcomers.size + Math.min(this.#doubtful.size, this.#newcomers.size + 1);
    if (ahead < free) return 0;
    const paces = [...this.#active].map(({ grantedAt }) => Math.min(this.#pace, paceOf(now - grantedAt)));
    return (ahead + 1) / paces.reduce((sum, pace) => sum + pace, free * this.#pace);
  }
}

/** Requests that a slot serves in a millisecond if each takes so long. */
const paceOf = (ms: number): number => 1 / Math.max(1, ms);
