import type { AssetClock } from './asset-clock.js';

/**
 * The clock of the machine. Globals are read at call time, so that fake timers installed later are respected.
 */
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
