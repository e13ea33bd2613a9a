import * as timers from 'node:timers';
import { type AssetClock, systemClock } from '../config/clock.js';

/** So many lookups within one millisecond are a loop, and so many may share one reading of the clock. */
const SHARED = 64;

/** For what is not fresh for longer than this, the clock is read: a loop may be held up between two lookups. */
const MARGIN_MS = 60_000;

/** As they were before any test runner put its own in their place; unless that was before this file was loaded. */
const onceTurnIsOver = timers.setImmediate;
const machineTime = Date.now;
const isNative = Function.prototype.toString.call(machineTime).includes('[native code]');

/** Whether nobody but the machine moves the clock, so that it does not jump between two lookups of a loop. */
export const isMachineTime = (clock: AssetClock): boolean =>
  isNative && clock === systemClock && Date.now === machineTime;

/**
 * The wall clock on the path of a cached token, where reading it takes longer than all the rest. Lookups in a loop share
 * readings, as Node's own timers do within one turn of the event loop: never past the end of the turn, never more than
 * {@link SHARED} lookups, and only of tokens that stay fresh for a minute.
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

  /** Whether a moment of the wall clock is yet to come. */
  isBefore(moment: number): boolean {
    if (this.#left > 0 && this.#reading + MARGIN_MS < moment && this.#isShareable(this.#clock)) {
      this.#left -= 1;
      return true;
    }
    return this.#read() < moment;
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
