import axios, {
  AxiosError,
  CanceledError,
  type GenericAbortSignal,
  type InternalAxiosRequestConfig,
} from 'axios';
import { Readable } from 'node:stream';
import { type AssetClock, MAX_TIMER_MS, setDeadline } from '../config/clock.js';
import type { AssetRequest } from './asset-request.js';

/**
 * Everything that may end a call before its answer: its `timeout`, the caller's `signal` or `cancelToken`, a subscriber
 * that leaves, a body stream that breaks before it is sent. One for the whole call, from the wait for a token to the last
 * attempt, since axios starts `timeout` anew for each attempt, counts it only once there is a socket, and looks at nothing
 * before it sends. The call then ends with the error that axios would end it with. For a streamed answer the time-out
 * ends with its head: a quiet event stream must not time out.
 *
 * It is itself the signal that axios' own adapter listens to: to make an `AbortSignal` and listen to it takes a fifth of a
 * call's CPU on Node 20.
 */
export class Deadline implements GenericAbortSignal {
  readonly #config: InternalAxiosRequestConfig;
  readonly #request: AssetRequest;
  readonly #clock: AssetClock;
  readonly #endsAt: number | undefined;
  readonly #cancelTimer: (() => void) | undefined;
  readonly #leaveBody: () => void;
  readonly #listeners = new Set<() => void>();
  #isSent = false;
  #ended: { readonly reason: unknown } | undefined;
  #controller: AbortController | undefined;

  constructor(config: InternalAxiosRequestConfig, request: AssetRequest, clock: AssetClock) {
    this.#config = config;
    this.#request = request;
    this.#clock = clock;
    const ms = timeoutMs(config);
    if (ms !== undefined) {
      this.#endsAt = clock.monotonic() + ms;
      this.#cancelTimer = setDeadline(this.#timeOut, ms, clock, { ref: true });
    }
    const { signal, cancelToken } = config;
    signal?.addEventListener?.('abort', this.#cancel);
    if (cancelToken !== request.subscriber) cancelToken?.subscribe(this.#cancel);
    request.subscriber.subscribe(this.#leave);
    if (signal?.aborted === true) this.#cancel();
    this.#leaveBody = watchBody(config, this.#endWith);
  }

  /** Whether the call was ended from outside: before its answer, or while a streamed one was read. */
  get aborted(): boolean {
    return this.#ended !== undefined;
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.delete(listener);
  }

  /** A real one, made when it is first asked for. Aborts with the error that the call ends with. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#ended !== undefined) this.#controller.abort(this.#ended.reason);
    return this.#controller.signal;
  }

  /** Milliseconds left of the call's time-out; `undefined`: it has none. */
  get remainingMs(): number | undefined {
    return this.#endsAt === undefined ? undefined : Math.max(0, this.#endsAt - this.#clock.monotonic());
  }

  /** @throws AxiosError if the call is over */
  throwIfOver(): void {
    if (this.#endsAt !== undefined && this.remainingMs === 0) this.#timeOut();
    if (this.#ended !== undefined) throw this.#ended.reason;
  }

  /**
   * Runs a wait, for a token or until the call may be sent again.
   *
   * @param run - must end with {@link signal}
   * @throws AxiosError if the call is over
   */
  async wait<T>(run: () => T | Promise<T>): Promise<T> {
    this.#isSent = false;
    // Left during an attempt that only the caller's own cancel token could end: there is to be no other.
    if (this.#request.hasLeft) this.#leave();
    this.throwIfOver();
    return await run();
  }

  /**
   * An attempt is under way from now on, and axios listens.
   *
   * @throws AxiosError if the call is over
   */
  beginAttempt(): void {
    // A cancel token tells its listeners a moment later.
    if (this.#request.hasLeft) this.#leave();
    this.throwIfOver();
    this.#isSent = true;
    // From here on, axios listens to it.
    this.#leaveBody();
  }

  /** The call has its answer, or an error. The caller may still end an answer that is streamed. */
  settle(answer: unknown): void {
    this.#cancelTimer?.();
    if (answer instanceof Readable && !answer.closed) answer.once('close', this.#forget);
    else this.#forget();
  }

  /** The first reason counts. */
  readonly #endWith = (reason: unknown): void => {
    if (this.#ended !== undefined) return;
    this.#ended = { reason };
    this.#controller?.abort(reason);
    for (const listener of this.#listeners) listener();
  };

  /** With the error of axios itself, so that callers need to know one only; its message says what the time went into. */
  readonly #timeOut = (): void => {
    const { timeout, timeoutErrorMessage, transitional } = this.#config;
    const when = this.#isSent ? '' : ' while waiting for an access token';
    const message = timeoutErrorMessage ?? `timeout of ${timeout ?? 0}ms exceeded${when}`;
    const code = transitional?.clarifyTimeoutError === true ? AxiosError.ETIMEDOUT : AxiosError.ECONNABORTED;
    this.#endWith(new AxiosError(message, code, this.#config));
  };

  readonly #cancel = (reason?: unknown): void => {
    this.#endWith(axios.isCancel(reason) ? reason : new CanceledError(undefined, this.#config));
  };

  /** As in HttpService: once it is under way, a caller's own cancel token alone ends a request. */
  readonly #leave = (): void => {
    const { cancelToken } = this.#config;
    const isTheirs = cancelToken !== undefined && cancelToken !== this.#request.subscriber;
    if (!this.#isSent || !isTheirs) this.#cancel();
  };

  readonly #forget = (): void => {
    const { signal, cancelToken } = this.#config;
    this.#leaveBody();
    signal?.removeEventListener?.('abort', this.#cancel);
    cancelToken?.unsubscribe(this.#cancel);
    this.#request.subscriber.unsubscribe(this.#leave);
  };
}

/** A request's `timeout` in milliseconds, read as axios reads it; `undefined`: it has none. */
export function timeoutMs({ timeout }: InternalAxiosRequestConfig): number | undefined {
  if (timeout === undefined || timeout === 0) return undefined;
  const ms = Number.parseInt(String(timeout), 10);
  return ms > 0 ? Math.min(ms, MAX_TIMER_MS) : undefined;
}

/**
 * Watches a stream that waits to be sent. Nobody else listens to it yet, and an error that nobody hears ends the process.
 *
 * @param onBroken - told once, with the error that axios would end the call with
 * @returns a function that ends the watch
 */
function watchBody(config: InternalAxiosRequestConfig, onBroken: (error: AxiosError) => void): () => void {
  const data = config.data as NodeJS.ReadableStream | undefined;
  if (typeof data?.pipe !== 'function') return () => {};
  const broken = (error: Error): void => {
    onBroken(AxiosError.from(error, undefined, config));
  };
  const closed = (): void => {
    if (!(data instanceof Readable) || data.readableEnded) return;
    onBroken(new CanceledError('Request stream has been aborted', config));
  };
  const end = (): void => {
    data.off('error', broken);
    data.off('close', closed);
  };
  if (data instanceof Readable && data.destroyed) {
    // Its error was told before anybody could listen.
    if (data.errored) broken(data.errored);
    else closed();
    return end;
  }
  data.once('error', broken);
  data.once('close', closed);
  return end;
}
