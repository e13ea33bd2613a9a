/** A timer of a {@link ManualClock} that has not fired yet. */
export interface QueuedTimer {
  readonly due: number;
  readonly sequence: number;
  readonly ref: boolean;
  readonly callback: () => void;
}

/** Timers in the order in which they fire: by due time, and in the order they were set where that is equal. */
export class TimerQueue {
  readonly #timers: QueuedTimer[] = [];
  #sequence = 0;

  get pending(): readonly QueuedTimer[] {
    return this.#timers;
  }

  add(due: number, ref: boolean, callback: () => void): QueuedTimer {
    const timer: QueuedTimer = { due, ref, callback, sequence: this.#sequence++ };
    this.#timers.splice(this.#position(timer), 0, timer);
    return timer;
  }

  remove(timer: QueuedTimer): void {
    const position = this.#position(timer);
    if (this.#timers[position] === timer) {
      this.#timers.splice(position, 1);
    }
  }

  /** Takes out the first timer that is due at `time` or before. */
  takeDue(time: number): QueuedTimer | undefined {
    const [first] = this.#timers;
    return first !== undefined && first.due <= time ? this.#timers.shift() : undefined;
  }

  // Thousands of keys mean thousands of timers: a linear scan for each would make a test's time quadratic.
  #position(timer: QueuedTimer): number {
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#timers[middle];
      if (other !== undefined && isBefore(other, timer)) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
}

function isBefore(a: QueuedTimer, b: QueuedTimer): boolean {
  return a.due === b.due ? a.sequence < b.sequence : a.due < b.due;
}
