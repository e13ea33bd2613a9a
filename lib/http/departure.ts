import { type AxiosError, CanceledError, type CancelToken } from 'axios';

type Listener = (reason: AxiosError) => void;

/**
 * Tells that the subscriber of a call has left. It is to axios, to interceptors and to adapters what axios' own CancelToken
 * is, but makes its promise only for who asks: a CancelToken makes one for each request.
 */
export class Departure implements CancelToken {
  #reason: AxiosError | undefined;
  #listeners: Set<Listener> | undefined;
  #promise: Promise<AxiosError> | undefined;

  /** Why the call is over; `undefined`: its subscriber is still there. */
  get reason(): AxiosError | undefined {
    return this.#reason;
  }

  get hasLeft(): boolean {
    return this.#reason !== undefined;
  }

  leave(): void {
    if (this.#reason !== undefined) return;
    this.#reason = new CanceledError();
    for (const listener of this.#listeners ?? []) listener(this.#reason);
  }

  /** Settles when the subscriber leaves. */
  get promise(): Promise<AxiosError> {
    this.#promise ??= new Promise((resolve) => {
      this.subscribe(resolve);
    });
    return this.#promise;
  }

  /** Whoever comes late is told at once. */
  subscribe(listener: Listener): void {
    if (this.#reason !== undefined) listener(this.#reason);
    else (this.#listeners ??= new Set()).add(listener);
  }

  unsubscribe(listener: Listener): void {
    this.#listeners?.delete(listener);
  }

  throwIfRequested(): void {
    if (this.#reason !== undefined) throw this.#reason;
  }

  toAbortSignal(): AbortSignal {
    const controller = new AbortController();
    this.subscribe((reason) => {
      controller.abort(reason);
    });
    return controller.signal;
  }
}
