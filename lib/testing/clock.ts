/**
 * Where time comes from: everything of this library that reads the time or waits does it through a clock, so that a
 * test can own the time instead of sleeping through it.
 *
 * The two readings answer different questions. The wall clock can be compared with times that a server names, but it
 * jumps when somebody sets it; the monotonic clock never jumps, but it stands still while the machine sleeps.
 *
 * @see {@link ManualClock} for the implementation that a test drives by hand.
 */
export interface AssetClock {
  /** The wall clock: milliseconds since the epoch. May jump in either direction. */
  now(): number;

  /** Milliseconds since an arbitrary start. Never goes back, and only differences mean anything. */
  monotonic(): number;

  /**
   * Calls `callback` once, `delayMs` milliseconds from now.
   *
   * @param callback - What to do then.
   * @param delayMs - In milliseconds. Node's timers hold at most 2³¹−1 (24.8 days).
   * @param options - `ref: false` for background work that must not keep the process alive.
   * @returns A function that cancels the timer. Calling it late or twice does nothing.
   */
  setTimeout(callback: () => void, delayMs: number, options: { readonly ref: boolean }): () => void;
}

/** The clock of the machine. It reads globals at call time, so that fake timers installed later take effect. */
export class SystemClock implements AssetClock {
  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }

  setTimeout(callback: () => void, delayMs: number, options: { readonly ref: boolean }): () => void {
    const timer = setTimeout(callback, delayMs);
    if (!options.ref) {
      timer.unref();
    }
    return () => {
      clearTimeout(timer);
    };
  }
}

/** Resolves when `ms` have passed on `clock`, or `signal` aborts. */
export function pause(clock: AssetClock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      cancel();
      signal.removeEventListener('abort', wake);
      resolve();
    };
    const cancel = clock.setTimeout(wake, ms, { ref: true });
    signal.addEventListener('abort', wake);
  });
}
