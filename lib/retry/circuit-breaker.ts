import type { AssetClock } from '../config/clock.js';
import { backoffMs, shortenedToFit } from './backoff.js';

/**
 * Whose fault a failure is, as far as the failed request can tell.
 * - `'endpoint'`: the endpoint said so, or the secret is unreadable: every other request would fare the same.
 * - `'unavailable'`: no answer, or a 5xx. The endpoint's only after several in a row.
 * - `'request'`: the endpoint answered in substance and refused this very request, so it is well.
 * - `'unclear'`: an answer that proves neither.
 */
export type Fault = 'endpoint' | 'unavailable' | 'request' | 'unclear';

/** `'awaited'`: callers wait with nothing in hand. `'background'`: a usable token serves in the meantime. */
export type Urgency = 'awaited' | 'background';

/** The one request by which an open circuit is tried. Compared by identity: the circuit may have closed meanwhile. */
export interface Probe {
  readonly urgency: Urgency;
}

/** Why no request may go out now. */
export interface CircuitRefusal<E> {
  readonly error: E;
  /** Milliseconds until one may; 0 while the probe is out. */
  readonly waitMs: number;
}

/** The answer to "may this request go out?". */
export type Admission<E> = { readonly probe: Probe | undefined } | { readonly refusal: CircuitRefusal<E> };

/** What became of a request. */
export interface FailedRequest<E> {
  readonly error: E;
  readonly fault: Fault;
  /** Milliseconds that the server ordered to wait. */
  readonly orderedWaitMs: number | undefined;
  readonly probe: Probe | undefined;
  /** As of now: the token may have expired in the meantime. */
  readonly urgency: Urgency;
  /** What is left of the held token, in milliseconds. */
  readonly remainingMs: number;
  /** Failures in a row of this very request, this one included. */
  readonly failuresOfKey: number;
}

/** This many unavailable answers in a row, whatever their keys, are the endpoint's fault and no longer the keys'. */
const THRESHOLD = 5;

interface Side {
  failures: number;
  until: number;
  probe: Probe | undefined;
}

interface OpenCircuit<E> extends Readonly<Record<Urgency, Side>> {
  error: E;
  /** Whether the endpoint said so, rather than that it was inferred from silence. */
  stated: boolean;
}

/**
 * The circuit opens when a failure is the endpoint's own: throttling, an ordered wait, rejected credentials, an
 * unreadable secret, or five unavailable answers in a row. While it is open, one probe at a time goes out, with growing
 * pauses, and every other request fails fast with the real cause; otherwise thousands of keys would queue behind a few
 * hanging slots. Awaited and background requests keep separate paces: a failed refresh must not hold callers back. What
 * was inferred from silence is refuted by any answer; what the endpoint stated is taken back by a probe only.
 */
export class CircuitBreaker<E extends Error> {
  #open: OpenCircuit<E> | undefined;
  #unavailableInARow = 0;

  constructor(
    private readonly clock: AssetClock,
    private readonly random: () => number,
  ) {}

  /** Why the circuit is open; `undefined` while it is closed. */
  get cause(): E | undefined {
    return this.#open?.error;
  }

  /**
   * An admitted probe must be followed by {@link succeeded}, {@link failed} or {@link abandoned}.
   *
   * @param probe - how the request was admitted before, if it asks a second time
   */
  admit(urgency: Urgency, probe?: Probe): Admission<E> {
    if (this.#isOut(probe)) return { probe };
    const refusal = this.refusal(urgency);
    if (refusal !== undefined) return { refusal };
    if (this.#open === undefined) return { probe: undefined };
    const admitted: Probe = { urgency };
    this.#open[urgency].probe = admitted;
    return { probe: admitted };
  }

  /** Why a request would not be admitted now. */
  refusal(urgency: Urgency): CircuitRefusal<E> | undefined {
    const open = this.#open;
    if (open === undefined) return undefined;
    const waitMs = Math.max(0, open[urgency].until - this.clock.monotonic());
    const probing = open.awaited.probe !== undefined || open[urgency].probe !== undefined;
    return waitMs > 0 || probing ? { error: open.error, waitMs } : undefined;
  }

  succeeded(probe: Probe | undefined): void {
    this.#unavailableInARow = 0;
    // Other requests than the probe were sent before the endpoint spoke, so their success takes nothing back.
    if (this.#open?.stated === true && !this.#isOut(probe)) return;
    this.#open = undefined;
  }

  /** The probe was never sent: another one may go. */
  abandoned(probe: Probe): void {
    const side = this.#open?.[probe.urgency];
    if (side?.probe === probe) side.probe = undefined;
  }

  /** @returns whether the endpoint is to blame, and so not the key */
  failed(request: FailedRequest<E>): boolean {
    const { fault, probe, orderedWaitMs } = request;
    if (fault === 'request') {
      this.succeeded(probe);
      return false;
    }
    if (fault === 'unavailable') this.#unavailableInARow += 1;
    const isProbe = this.#isOut(probe);
    if (fault !== 'endpoint' && !isProbe && this.#unavailableInARow < THRESHOLD) return false;
    const opens = this.#open === undefined;
    const open = (this.#open ??= opened(request));
    // Requests that were under way when the circuit opened all fail of the same cause: it counts once.
    if (opens || isProbe) this.#step(open, request);
    else if (orderedWaitMs !== undefined) this.#obey(open, request.error, orderedWaitMs);
    return true;
  }

  #isOut(probe: Probe | undefined): boolean {
    return probe !== undefined && this.#open?.[probe.urgency].probe === probe;
  }

  #step(open: OpenCircuit<E>, request: FailedRequest<E>): void {
    const { error, fault, urgency, remainingMs, probe, orderedWaitMs } = request;
    if (probe !== undefined) open[probe.urgency].probe = undefined;
    const side = open[urgency];
    side.failures += 1;
    if (orderedWaitMs !== undefined) {
      // No less than the first step: servers order waits of a few milliseconds too.
      this.#obey(open, error, Math.max(orderedWaitMs, backoffMs(1, this.random())));
      return;
    }
    open.error = error;
    open.stated = fault === 'endpoint';
    const backoff = backoffMs(side.failures, this.random());
    this.#hold(side, urgency === 'background' ? shortenedToFit(backoff, remainingMs) : backoff);
    open.background.until = Math.max(open.background.until, side.until);
  }

  /** An order holds for everybody. */
  #obey(open: OpenCircuit<E>, error: E, orderedMs: number): void {
    open.error = error;
    open.stated = true;
    for (const side of [open.awaited, open.background]) {
      this.#hold(side, orderedMs);
      // Sent before the order: its success would prove nothing.
      side.probe = undefined;
    }
  }

  #hold(side: Side, waitMs: number): void {
    side.until = Math.max(side.until, this.clock.monotonic() + waitMs);
  }
}

/** The steps continue where the key's own backoff was, on the side where it failed; on the other they begin anew. */
function opened<E>({ error, urgency, failuresOfKey }: FailedRequest<E>): OpenCircuit<E> {
  const side = (its: Urgency): Side => ({
    failures: its === urgency ? Math.max(failuresOfKey - 1, 0) : 0,
    until: 0,
    probe: undefined,
  });
  return { error, stated: false, awaited: side('awaited'), background: side('background') };
}
