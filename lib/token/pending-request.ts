import type { AssetClock } from '../config/clock.js';
import type { Probe } from '../retry/circuit-breaker.js';
import type { Slot } from '../retry/request-limiter.js';
import type { AccessToken } from './access-token.js';
import type { AccessTokenRequest } from './token-request.js';

/** The time for one token request is up. */
export class TokenTimeout extends Error {}

/**
 * One token request that any number of callers wait on. It belongs to none of them: it has its own abort controller and
 * deadline, and a caller that leaves ends nothing. While callers wait, it goes before background refreshes.
 */
export class PendingRequest {
  readonly request: AccessTokenRequest;
  /** Set if it is the one request by which an open circuit is tried. */
  probe: Probe | undefined;
  /** Settles with what becomes of it. */
  readonly token: Promise<AccessToken>;
  resolve!: (token: AccessToken) => void;
  reject!: (reason: unknown) => void;
  readonly #controller = new AbortController();
  #endReason: Error | undefined;
  #waiting: number;
  #slot: Slot | undefined;
  #armDeadline: (() => void) | undefined;

  constructor(request: AccessTokenRequest, probe: Probe | undefined, isAwaited: boolean) {
    this.request = request;
    this.probe = probe;
    this.#waiting = isAwaited ? 1 : 0;
    this.token = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // A failure that nobody waits for is remembered, not thrown.
    this.token.catch(() => {});
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get isAwaited(): boolean {
    return this.#waiting > 0;
  }

  /** Why the client ended it; `undefined`: it did not. */
  get endReason(): Error | undefined {
    return this.#endReason;
  }

  /** Ends it for all that wait on it. */
  abort(reason: Error): void {
    this.#endReason = reason;
    this.#controller.abort(reason);
  }

  /** One more caller waits on it. */
  join(): void {
    this.#waiting += 1;
    if (this.#waiting === 1) this.#awaitedChanged();
  }

  /** A caller waits no more. The request goes on all the same. */
  leave(): void {
    this.#waiting -= 1;
    if (this.#waiting === 0) this.#awaitedChanged();
  }

  /** @param slot - is told from now on whether callers wait */
  queuedFor(slot: Slot): void {
    this.#slot = slot;
  }

  /**
   * Aborts the request with {@link TokenTimeout} when `timeoutMs` have passed. The timer keeps the process alive while
   * a caller waits.
   *
   * @returns a function that cancels the deadline
   */
  startDeadline(timeoutMs: number, clock: AssetClock): () => void {
    const end = clock.monotonic() + timeoutMs;
    const expire = (): void => {
      this.#controller.abort(new TokenTimeout());
    };
    let cancel = (): void => {};
    this.#armDeadline = (): void => {
      cancel();
      cancel = clock.setTimeout(expire, Math.max(0, end - clock.monotonic()), { ref: this.isAwaited });
    };
    this.#armDeadline();
    return () => {
      this.#armDeadline = undefined;
      cancel();
    };
  }

  #awaitedChanged(): void {
    this.#slot?.setAwaited(this.isAwaited);
    this.#armDeadline?.();
  }
}
