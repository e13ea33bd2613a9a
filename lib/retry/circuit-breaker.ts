import type { AssetClock } from '../config/clock.js';
import { backoffMs, type Fault, shortenedToFit } from './backoff.js';

/**
 * `'newcomer'`: callers wait for a key that never had a token. `'awaited'`: they wait for one that had. `'background'`: a
 * usable token serves in the meantime.
 */
export type Urgency = 'newcomer' | 'awaited' | 'background';

/** A request, as far as the circuit tells requests apart. */
export interface CircuitRequest {
  readonly key: string;
  readonly urgency: Urgency;
}

/** The one request by which an open circuit is tried. Compared by identity: the circuit may have closed meanwhile. */
export type Probe = CircuitRequest;

/** Why no request may go out now. */
export interface CircuitRefusal<E> {
  readonly error: E;
  /** Milliseconds until one may; 0 while the probe is out. */
  readonly waitMs: number;
}

/** Why requests pause. */
export interface CircuitTrouble<E> {
  readonly error: E;
  /** When they may go on, by the monotonic clock. */
  readonly until: number;
  /** Whether they pause for keys that had a token too, and not for newcomers alone. */
  readonly isEverybodys: boolean;
}

/** The answer to "may this request go out?". */
export type Admission<E> = { readonly probe: Probe | undefined } | { readonly refusal: CircuitRefusal<E> };

/** A request that failed. */
export interface FailedRequest<E> extends CircuitRequest {
  readonly error: E;
  readonly fault: Fault;
  /** Milliseconds that the server ordered to wait. */
  readonly orderedWaitMs: number | undefined;
  readonly probe: Probe | undefined;
  /** When it was sent, by the monotonic clock. */
  readonly sentAt: number;
  /** What is left of the held token, in milliseconds. */
  readonly remainingMs: number;
  /** Failures in a row of this very request, this one included. */
  readonly failuresOfKey: number;
}

/** The endpoint is to blame once so many keys in a row got no answer, and so many of them had had a token. */
const THRESHOLD = 5;
const KNOWN_AMONG_THEM = 2;
/** Newcomers beyond these are no more evidence, and anybody can name more. */
const MOST_UNANSWERED = 100;

interface Side {
  failures: number;
  until: number;
  probe: Probe | undefined;
}

interface OpenCircuit<E> extends Readonly<Record<Urgency, Side>> {
  error: E;
  /** Whether the endpoint said so, rather than that it was inferred from silence. */
  stated: boolean;
  /** Whether keys that had a token say so as well, so that it holds for everybody and not for newcomers alone. */
  isEverybodys: boolean;
}

/**
 * Whose fault is a failure? The endpoint's, on evidence that nobody can make up by naming businesses: it comes from a key
 * that had a token, and the endpoint says so (throttling, an ordered wait, credentials, an unreadable secret), or five
 * keys, two of them known, got no answer since the last success. A newcomer's failure is its own. Only while no token has
 * come for a while, as at the start, do newcomers speak for the endpoint, and then only to newcomers.
 *
 * While the circuit is open, one probe at a time goes out, with growing pauses, and all others fail fast with the real
 * cause. Each urgency has its own pace: a failed refresh must not hold callers back. What was inferred is refuted by any
 * answer; what the endpoint stated is taken back by a probe only.
 */
export class CircuitBreaker<E extends Error> {
  #open: OpenCircuit<E> | undefined;
  /** Keys that got no answer since the last success, and whether they had a token before. */
  readonly #unanswered = new Map<string, boolean>();
  #succeededAt = Number.NEGATIVE_INFINITY;

  /** @param quietMs - after this time without a token, newcomers speak for the endpoint */
  constructor(
    private readonly clock: AssetClock,
    private readonly random: () => number,
    private readonly quietMs: number,
  ) {}

  /** Why the circuit is open; `undefined` while it is closed. */
  get cause(): E | undefined {
    return this.#open?.error;
  }

  /** The same with all that a reader may want to know of it. */
  get trouble(): CircuitTrouble<E> | undefined {
    if (this.#open === undefined) return undefined;
    const { error, isEverybodys, newcomer, awaited, background } = this.#open;
    return { error, isEverybodys, until: Math.max(newcomer.until, awaited.until, background.until) };
  }

  /** Whether what such a request meets is evidence of how the endpoint is. */
  speaksForEndpoint(urgency: Urgency): boolean {
    return urgency !== 'newcomer' || this.clock.monotonic() - this.#succeededAt > this.quietMs;
  }

  /**
   * An admitted probe must be followed by {@link succeeded}, {@link failed} or {@link abandoned}.
   *
   * @param probe - how the request was admitted before, if it asks a second time
   */
  admit({ key, urgency }: CircuitRequest, probe?: Probe): Admission<E> {
    if (this.#isOut(probe)) return { probe };
    const refusal = this.refusal({ key, urgency });
    if (refusal !== undefined) return { refusal };
    const open = this.#holds(urgency);
    if (open === undefined) return { probe: undefined };
    const admitted: Probe = { key, urgency };
    open[urgency].probe = admitted;
    return { probe: admitted };
  }

  /** Why a request would not be admitted now. */
  refusal({ key, urgency }: CircuitRequest): CircuitRefusal<E> | undefined {
    const open = this.#holds(urgency);
    if (open === undefined) return undefined;
    const waitMs = Math.max(0, open[urgency].until - this.clock.monotonic());
    // A key that keeps failing proves little: while it is tried, one that has not failed may go as well, but a newcomer
    // only beside a newcomer.
    const isBetter = (probe: Probe): boolean =>
      this.#unanswered.has(probe.key) &&
      !this.#unanswered.has(key) &&
      (urgency !== 'newcomer' || probe.urgency === 'newcomer');
    const blocks = ({ probe }: Side): boolean => probe !== undefined && !isBetter(probe);
    return waitMs > 0 || blocks(open.awaited) || blocks(open[urgency])
      ? { error: open.error, waitMs }
      : undefined;
  }

  succeeded(probe: Probe | undefined): void {
    this.#unanswered.clear();
    this.#succeededAt = this.clock.monotonic();
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
    const { fault, probe, orderedWaitMs, urgency } = request;
    // It refused this very request, so it is well.
    if (fault === 'request') {
      this.succeeded(probe);
      return false;
    }
    const isProbe = this.#isOut(probe);
    if (fault === 'unavailable') this.#noteUnanswered(request);
    if (!isProbe && !this.#isEvidence(request)) return false;
    const isKnown = urgency !== 'newcomer';
    // For known keys it opens also where it held newcomers alone.
    const opens = this.#open === undefined || (isKnown && !this.#open.isEverybodys);
    const open = (this.#open ??= opened(request));
    if (isKnown) open.isEverybodys = true;
    // Requests that were under way when the circuit opened all fail of the same cause: it counts once.
    if (opens || isProbe) this.#step(open, request);
    else if (orderedWaitMs !== undefined) this.#obey(open, request, orderedWaitMs);
    return true;
  }

  /** A request that was sent before the last success proves nothing any more, and one key counts once. */
  #noteUnanswered({ key, urgency, sentAt }: FailedRequest<E>): void {
    if (sentAt < this.#succeededAt) return;
    if (urgency !== 'newcomer' || this.#unanswered.size < MOST_UNANSWERED) {
      this.#unanswered.set(key, urgency !== 'newcomer');
    }
  }

  #isEvidence({ fault, urgency, sentAt }: FailedRequest<E>): boolean {
    if (fault === 'endpoint') return this.speaksForEndpoint(urgency);
    if (this.#unanswered.size < THRESHOLD || sentAt < this.#succeededAt) return false;
    const known = [...this.#unanswered.values()].filter((hadToken) => hadToken).length;
    return known >= KNOWN_AMONG_THEM || (urgency === 'newcomer' && this.speaksForEndpoint(urgency));
  }

  /** The circuit, if it is open for this urgency. */
  #holds(urgency: Urgency): OpenCircuit<E> | undefined {
    return this.#open?.isEverybodys === true || urgency === 'newcomer' ? this.#open : undefined;
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
      this.#obey(open, request, Math.max(orderedWaitMs, backoffMs(1, this.random())));
      return;
    }
    open.error = error;
    open.stated = fault === 'endpoint';
    const backoff = backoffMs(side.failures, this.random());
    this.#hold(side, urgency === 'background' ? shortenedToFit(backoff, remainingMs) : backoff);
    if (urgency !== 'awaited') return;
    for (const other of [open.newcomer, open.background]) other.until = Math.max(other.until, side.until);
  }

  /** An order holds for everybody, unless it was given to a newcomer. */
  #obey(open: OpenCircuit<E>, { error, urgency }: FailedRequest<E>, orderedMs: number): void {
    open.error = error;
    open.stated = true;
    const held = urgency === 'newcomer' ? [open.newcomer] : [open.newcomer, open.awaited, open.background];
    for (const side of held) {
      this.#hold(side, orderedMs);
      // Sent before the order: its success would prove nothing.
      side.probe = undefined;
    }
  }

  #hold(side: Side, waitMs: number): void {
    side.until = Math.max(side.until, this.clock.monotonic() + waitMs);
  }
}

/** The steps continue where the key's own backoff was, on the side where it failed; on the others they begin anew. */
function opened<E>({ error, urgency, failuresOfKey }: FailedRequest<E>): OpenCircuit<E> {
  const side = (its: Urgency): Side => ({
    failures: its === urgency ? failuresOfKey - 1 : 0,
    until: 0,
    probe: undefined,
  });
  return {
    error,
    stated: false,
    isEverybodys: false,
    newcomer: side('newcomer'),
    awaited: side('awaited'),
    background: side('background'),
  };
}
