import type { InternalAxiosRequestConfig } from 'axios';
import { Readable } from 'node:stream';
import type { AssetClock } from '../config/clock.js';
import type { CancelledBy } from './token-wait.js';

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
