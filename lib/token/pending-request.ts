import type { AssetClock } from '../config/clock.js';
import type { AccessToken } from './access-token.js';
import type { AccessTokenRequest } from './token-request.js';
import type { Probe } from '../retry/circuit-breaker.js';
import type { GateTicket } from '../retry/request-limiter.js';

/** The time for one token request is up. */
export class DeadlinePassed extends Error {}

/** One token request that any number of callers wait on. It belongs to none of them. */
export class TokenFlight {
  readonly request: AccessTokenRequest;
  /** Set if it is the one request by which an endpoint in trouble is tried. */
  probe: Probe | undefined;
  readonly landed: Promise<AccessToken>;
  readonly controller = new AbortController();
  /** How many callers wait on it. */
  #waiting: number;
  ticket: GateTicket | undefined;
  land!: (token: AccessToken) => void;
  fail!: (reason: unknown) => void;
  #armDeadline: (() => void) | undefined;

  constructor(
    request: AccessTokenRequest,
    { probe, awaited }: { readonly probe: Probe | undefined; readonly awaited: boolean },
  ) {
    this.request = request;
    this.probe = probe;
    this.#waiting = awaited ? 1 : 0;
    this.landed = new Promise((resolve, reject) => {
      this.land = resolve;
      this.fail = reject;
    });
    // A flight that nobody waits on may fail without anybody hearing of it.
    this.landed.catch(() => {});
  }

  get awaited(): boolean {
    return this.#waiting > 0;
  }

  /** One more caller waits on it. */
  join(): void {
    this.#waiting += 1;
    if (this.#waiting > 1) return;
    this.ticket?.promote();
    this.#armDeadline?.();
  }

  /** A caller waits no more. It flies on all the same. */
  leave(): void {
    this.#waiting -= 1;
    if (this.#waiting > 0) return;
    this.ticket?.demote();
    this.#armDeadline?.();
  }

  /**
   * Aborts the request with {@link DeadlinePassed} when `timeoutMs` have passed. The timer keeps the process alive while
   * a caller waits.
   *
   * @returns a function that calls it off
   */
  startDeadline(timeoutMs: number, clock: AssetClock): () => void {
    const end = clock.monotonic() + timeoutMs;
    const expire = (): void => {
      this.controller.abort(new DeadlinePassed());
    };
    let cancel = (): void => {};
    this.#armDeadline = (): void => {
      cancel();
      cancel = clock.setTimeout(expire, Math.max(0, end - clock.monotonic()), { ref: this.awaited });
    };
    this.#armDeadline();
    return () => {
      this.#armDeadline = undefined;
      cancel();
    };
  }
}
