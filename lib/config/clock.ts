/** Longest delay that a timer takes: Node's `setTimeout` turns more into 1 ms. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Everything that the library knows of time. Replace it in tests with `ManualClock` from `nestjs-asset-auth/testing`,
 * through the token {@link ASSET_CLOCK}.
 */
export interface AssetClock {
  /** Wall clock, in milliseconds since the epoch. May jump. */
  now(): number;
  /** Milliseconds since some moment; never jumps, may stand still while the machine sleeps. */
  monotonic(): number;
  /**
   * Calls back once after `ms` milliseconds (at most 2³¹ − 1).
   *
   * @param options - `ref`: whether the timer keeps the process alive
   * @returns a function that cancels the timer
   */
  setTimeout(callback: () => void, ms: number, options: { readonly ref: boolean }): () => void;
}

/** The machine's own clock. Globals are read at each call, so that fake timers of test runners work as well. */
export const systemClock: AssetClock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout: (callback, ms, { ref }) => {
    const timer = setTimeout(callback, Math.min(ms, MAX_TIMER_MS));
    if (!ref) timer.unref();
    return () => {
      clearTimeout(timer);
    };
  },
};

/** Both clocks at one moment, in milliseconds. */
export interface Instant {
  readonly wall: number;
  readonly monotonic: number;
}

export const instantOf = (clock: AssetClock): Instant => ({
  wall: clock.now(),
  monotonic: clock.monotonic(),
});
