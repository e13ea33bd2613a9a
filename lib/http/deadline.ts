import { AxiosError, CanceledError, type InternalAxiosRequestConfig } from 'axios';
import { type AssetClock, MAX_TIMER_MS } from '../config/clock.js';
import type { AssetCall } from './asset-request.js';
import { Readable } from 'node:stream';

/** Whatever may end a wait before its time. */
export interface WaitLimits {
  readonly config: InternalAxiosRequestConfig;
  readonly call: AssetCall;
  readonly clock: AssetClock;
  /** When the call's `timeout` is over, by the monotonic clock. */
  readonly deadline: number | undefined;
}

/**
 * Waits, but no longer than the call lasts: axios itself looks at `timeout`, `signal` and `cancelToken` only once it
 * sends. Ends with the errors that axios would end with.
 */
export async function withinCall<T>(
  limits: WaitLimits,
  wait: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { config, call, clock, deadline } = limits;
  const ended = new AbortController();
  const cancel = (): void => {
    ended.abort(new CanceledError(undefined, config));
  };
  const cancelTimer =
    deadline === undefined
      ? undefined
      : clock.setTimeout(
          () => {
            ended.abort(timedOut(config, ' while waiting for an access token'));
          },
          Math.max(0, deadline - clock.monotonic()),
          { ref: true },
        );
  const { signal, cancelToken } = config as CancelledBy;
  signal?.addEventListener?.('abort', cancel);
  cancelToken?.subscribe(cancel);
  call.departure.subscribe(cancel);
  try {
    if (isCancelled(config, call)) cancel();
    return await wait(ended.signal);
  } finally {
    cancelTimer?.();
    signal?.removeEventListener?.('abort', cancel);
    cancelToken?.unsubscribe(cancel);
    call.departure.unsubscribe(cancel);
  }
}

/** Whether nobody waits for the call any more. */
export function isCancelled(config: InternalAxiosRequestConfig, call: AssetCall): boolean {
  const { signal, cancelToken } = config as CancelledBy;
  return signal?.aborted === true || call.departure.hasLeft || cancelToken?.reason !== undefined;
}

/** A request's `timeout` in milliseconds, read as axios reads it; `undefined`: it has none. */
export function timeoutMs({ timeout }: InternalAxiosRequestConfig): number | undefined {
  if (timeout === undefined || timeout === 0) return undefined;
  const ms = Number.parseInt(String(timeout), 10);
  return ms > 0 ? Math.min(ms, MAX_TIMER_MS) : undefined;
}

/** The error of axios itself, so that callers need to know one only; its message says what the time went into. */
export function timedOut(config: InternalAxiosRequestConfig, during = ''): AxiosError {
  const { timeout, timeoutErrorMessage, transitional } = config;
  return new AxiosError(
    timeoutErrorMessage ?? `timeout of ${timeout ?? 0}ms exceeded${during}`,
    transitional?.clarifyTimeoutError === true ? AxiosError.ETIMEDOUT : AxiosError.ECONNABORTED,
    config,
  );
}

/** A wait that is over when the given time has passed. */
export function pause(ms: number, clock: AssetClock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      cancelTimer();
      reject(signal.reason as Error);
    };
    const cancelTimer = clock.setTimeout(
      () => {
        signal.removeEventListener('abort', leave);
        resolve();
      },
      ms,
      { ref: true },
    );
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
  });
}

/** What axios knows of cancelling beyond its public types. */
export interface CancelledBy {
  readonly signal?: {
    readonly aborted: boolean;
    addEventListener?: (type: 'abort', listener: () => void) => void;
    removeEventListener?: (type: 'abort', listener: () => void) => void;
  };
  readonly cancelToken?: {
    readonly reason?: unknown;
    subscribe(listener: () => void): void;
    unsubscribe(listener: () => void): void;
  };
}

/**
 * Ends one attempt when the call's time is over. Axios alone would not: its `timeout` starts once there is a socket, so
 * a request that queues in an agent waits for ever, and it starts anew with each piece of an answer.
 */
export class AttemptLimit {
  readonly #controller = new AbortController();
  readonly #callers: CancelledBy['signal'];
  readonly #cancelTimer: () => void;
  #isPassed = false;

  constructor(config: InternalAxiosRequestConfig, timeoutMs: number, clock: AssetClock) {
    this.#callers = (config as CancelledBy).signal;
    this.#callers?.addEventListener?.('abort', this.#end);
    this.#cancelTimer = clock.setTimeout(
      () => {
        this.#isPassed = true;
        this.#end();
      },
      timeoutMs,
      { ref: true },
    );
  }

  /** Takes the place of the caller's own, and ends with it. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether the time was over before there was an answer. */
  get isPassed(): boolean {
    return this.#isPassed;
  }

  /** There is an answer, or an error. An answer that is still streamed is the caller's to end. */
  settle(answer: unknown): void {
    this.#cancelTimer();
    if (answer instanceof Readable) answer.once('close', this.#forget);
    else this.#forget();
  }

  readonly #end = (): void => {
    this.#controller.abort();
  };

  readonly #forget = (): void => {
    this.#callers?.removeEventListener?.('abort', this.#end);
  };
}
