// Time: the clock that an application can replace, timers and waits, and the async context of shared work.
import { AsyncResource } from 'node:async_hooks';
import { setMaxListeners } from 'node:events';
// Not the global one, which fake timers of test runners replace.
import { setImmediate } from 'node:timers';

/** Longest delay that a timer takes: Node's `setTimeout` turns more into 1 ms. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * The source of all times and timers of the library. Replace it in tests with `ManualClock` from
 * `nestjs-asset-auth/testing`, through the token {@link ASSET_CLOCK}.
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

/** Timers fire some milliseconds late in any busy process. */
const LATE_MS = 20;
/** Turns of the event loop in which an answer that lies in the socket is read: its head, its body, its end. */
const TURNS_TO_READ = 4;

/**
 * A timer that ends a wait. If it fires late, because the process was stopped or its event loop blocked, what is waited for
 * may lie in the socket already: then it lets that be read before it calls back (sindresorhus/got#117).
 *
 * @returns a function that cancels the timer
 */
export function setDeadline(
  callback: () => void,
  ms: number,
  clock: AssetClock,
  options: { readonly ref: boolean },
): () => void {
  const dueAt = clock.monotonic() + ms;
  let isCancelled = false;
  const expire = (turns: number): void => {
    if (isCancelled) return;
    if (turns > 0) setImmediate(expire, turns - 1);
    else callback();
  };
  const cancelTimer = clock.setTimeout(
    () => {
      expire(clock.monotonic() - dueAt > LATE_MS ? TURNS_TO_READ : 0);
    },
    ms,
    options,
  );
  return () => {
    isCancelled = true;
    cancelTimer();
  };
}

/** Both clocks at one moment, in milliseconds. */
export interface Instant {
  readonly wall: number;
  readonly monotonic: number;
}

export const instantOf = (clock: AssetClock): Instant => ({
  wall: clock.now(),
  monotonic: clock.monotonic(),
});

/** A wait that is over when the given time has passed, or rejects with the signal's reason when that aborts. */
export function pause(ms: number, clock: AssetClock, signal: AbortSignal): Promise<void> {
  let cancelTimer = (): void => {};
  const passed = new Promise<void>((resolve) => {
    cancelTimer = clock.setTimeout(resolve, ms, { ref: true });
  });
  return untilAborted(passed, signal).finally(cancelTimer);
}

/**
 * The promise's result, or a rejection with the signal's reason as soon as it aborts. The promise itself goes on, and a
 * late rejection is handled.
 */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const leave = (): void => {
      // The reason belongs to the caller and may be anything (WHATWG DOM, AbortSignal.reason).
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
      reject(signal.reason);
    };
    // Any number of calls may share a signal, and Node warns of a leak at eleven. A polyfill's signal is not Node's.
    if (signal instanceof EventTarget) setMaxListeners(0, signal);
    signal.addEventListener('abort', leave, { once: true });
    promise.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', leave);
    });
    if (signal.aborted) leave();
  });
}

/**
 * Made when the library is loaded, so that it belongs to no request, span or invocation. What serves everybody runs in
 * it: a token request that one caller began, a timer for the whole client. In the context of the one who came
 * first, it would show up in that one's trace, and keep all that hangs on the context in memory.
 */
const NOBODYS = new AsyncResource('AssetAuth');

/** Runs the function in nobody's async context. */
export const detached = <T>(run: () => T): T => NOBODYS.runInAsyncScope(run);
