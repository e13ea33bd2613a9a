import * as timers from 'node:timers';
import { type AssetClock, systemClock } from '../config/clock.js';

/** So many lookups within one millisecond are a loop, and so many may share one reading of the clock. */
const SHARED = 64;

/** Both as they were before any test runner put its own in their place. */
const onceTurnIsOver = timers.setImmediate;
const machineTime = Date.now;

/** Whether nobody but the machine moves the clock, so that it cannot jump between two lookups of a loop. */
export const isMachineTime = (clock: AssetClock): boolean =>
  clock === systemClock && Date.now === machineTime;

/**
 * The wall clock on the path of a cached token, where reading it takes longer than all the rest. Lookups in a loop share
 * readings, as Node's own timers do within one turn of the event loop: never past the end of the turn, never more than
 * {@link SHARED} lookups, and no longer once the loop takes its time. A reading that is a moment old does no harm to
 * what it decides: a token is fresh until long before it expires.
 */
export class RecentTime {
  readonly #clock: AssetClock;
  readonly #isShareable: (clock: AssetClock) => boolean;
  #reading = 0;
  /** Readings in a row that were no later than the one before. */
  #repeated = 0;
  /** Lookups that may still do with the last reading. */
  #left = 0;
  #isTurnWatched = false;

  constructor(clock: AssetClock, isShareable = isMachineTime) {
    this.#clock = clock;
    this.#isShareable = isShareable;
  }

  now(): number {
    if (this.#left === 0 || !this.#isShareable(this.#clock)) return this.#read();
    this.#left -= 1;
    return this.#reading;
  }

  #read(): number {
    const now = this.#clock.now();
    const elapsed = now - this.#reading;
    this.#reading = now;
    if (elapsed === 0) this.#repeated += 1;
    // A loop goes on over the end of a millisecond.
    else if (elapsed !== 1 || this.#repeated < SHARED) this.#repeated = 0;
    this.#left = this.#repeated < SHARED ? 0 : SHARED;
    if (this.#left > 0 && !this.#isTurnWatched) {
      this.#isTurnWatched = true;
      onceTurnIsOver(this.#forget);
    }
    return now;
  }

  readonly #forget = (): void => {
    this.#isTurnWatched = false;
    this.#repeated = 0;
    this.#left = 0;
  };
}
