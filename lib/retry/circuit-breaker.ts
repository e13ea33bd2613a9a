import { backoffMs, shortenedToFit } from './backoff.js';
import type { AssetClock } from '../config/clock.js';
import { CREDENTIALS_PROBE_MS } from '../token/endpoint/token-endpoint.client.js';
import type { TokenFailure, AssetTokenError } from '../token/endpoint/token.errors.js';

/** This many unavailable answers in a row, whatever their keys, are the endpoint's and no longer the keys'. */
const IN_A_ROW = 5;

/**
 * For whom a request goes out. Foreground: callers wait for it with nothing in hand. Background: a usable token serves
 * in the meantime.
 */
export type Ground = 'foreground' | 'background';

/** The one request by which an endpoint in trouble is tried. Compared by identity: its trouble may have ended meanwhile. */
export interface Probe {
  /** The ground on which it was admitted. */
  readonly ground: Ground;
}

/** Why no request may go out now. */
export interface EndpointRefusal {
  readonly error: AssetTokenError;
  /** Milliseconds until one may; 0 while the probe is out. */
  readonly waitMs: number;
}

/** The answer to "may this request go out?". */
export type Admission = { readonly probe: Probe | undefined } | { readonly refusal: EndpointRefusal };

/** What became of a request, for the record. */
export interface FailedRequest {
  readonly failure: TokenFailure;
  readonly probe: Probe | undefined;
  /** The ground on which it failed: the token may have expired in the meantime. */
  readonly ground: Ground;
  /** What is left of the held token, in milliseconds. */
  readonly remainingMs: number;
  /** Failures in a row of this very request, this one included. */
  readonly failuresOfKey: number;
}

interface Side {
  failures: number;
  until: number;
  probe: Probe | undefined;
}

/** Each ground has its own pace: failures in the background must not hold back the foreground. */
interface Trouble extends Readonly<Record<Ground, Side>> {
  error: AssetTokenError;
  /** Whether the endpoint said so (or the secret is unreadable), rather than that it was inferred from silence. */
  stated: boolean;
}

/**
 * Memory of failures that are the endpoint's own: throttling, ordered waits, rejected credentials, an unreadable secret,
 * and five unavailable answers in a row. While it is in trouble, one probe at a time goes out, with growing pauses, and
 * everybody else fails fast with the real cause. Otherwise thousands of keys would queue behind a few hanging slots.
 */
export class EndpointHealth {
  readonly #clock: AssetClock;
  readonly #random: () => number;
  readonly #secretRotates: boolean;
  #trouble: Trouble | undefined;
  #unavailableInARow = 0;

  constructor(clock: AssetClock, random: () => number, secretRotates: boolean) {
    this.#clock = clock;
    this.#random = random;
    this.#secretRotates = secretRotates;
  }

  /** What the endpoint suffers from, if anything. */
  get trouble(): AssetTokenError | undefined {
    return this.#trouble?.error;
  }

  /**
   * An admitted probe must be followed by {@link succeeded}, {@link failed} or {@link abandoned}.
   *
   * @param probe - as what the request was admitted before, if it asks a second time
   */
  admit(ground: Ground, probe?: Probe): Admission {
    if (this.#isOut(probe)) return { probe };
    const refusal = this.refusal(ground);
    if (refusal !== undefined) return { refusal };
    if (this.#trouble === undefined) return { probe: undefined };
    const admitted: Probe = { ground };
    this.#trouble[ground].probe = admitted;
    return { probe: admitted };
  }

  /** Why a request would not be admitted now. */
  refusal(ground: Ground): EndpointRefusal | undefined {
    const trouble = this.#trouble;
    if (trouble === undefined) return undefined;
    const waitMs = Math.max(0, trouble[ground].until - this.#clock.monotonic());
    const probing = trouble.foreground.probe !== undefined || trouble[ground].probe !== undefined;
    return waitMs > 0 || probing ? { error: trouble.error, waitMs } : undefined;
  }

  /**
   * What the endpoint stated is taken back only by a probe: other requests were sent before it spoke. What was inferred
   * from its silence is refuted by any answer.
   */
  succeeded(probe: Probe | undefined): void {
    this.#unavailableInARow = 0;
    if (this.#trouble?.stated === true && !this.#isOut(probe)) return;
    this.#trouble = undefined;
  }

  /** A probe that was never sent: another one may go. */
  abandoned(probe: Probe): void {
    const side = this.#trouble?.[probe.ground];
    if (side?.probe === probe) side.probe = undefined;
  }

  /** @returns whether the endpoint is to blame, and so not the key */
  failed(request: FailedRequest): boolean {
    const { failure, probe } = request;
    if (failure.endpointIsWell) {
      this.succeeded(probe);
      return false;
    }
    if (failure.unavailable) this.#unavailableInARow += 1;
    const stated = failure.blame === 'endpoint';
    const isProbe = this.#isOut(probe);
    if (!stated && !isProbe && this.#unavailableInARow < IN_A_ROW) return false;
    const first = this.#trouble === undefined;
    const trouble = (this.#trouble ??= begin(request));
    // Those that were under way when the trouble began all fail of the same cause: it counts once.
    if (first || isProbe) this.#step(trouble, request);
    else if (failure.orderedWaitMs !== undefined) this.#obey(trouble, failure, failure.orderedWaitMs);
    return true;
  }

  #isOut(probe: Probe | undefined): boolean {
    return probe !== undefined && this.#trouble?.[probe.ground].probe === probe;
  }

  #step(trouble: Trouble, { failure, ground, remainingMs, probe }: FailedRequest): void {
    if (probe !== undefined) trouble[probe.ground].probe = undefined;
    const side = trouble[ground];
    side.failures += 1;
    const ordered = this.#orderedWaitMs(failure);
    if (ordered !== undefined) {
      this.#obey(trouble, failure, ordered);
      return;
    }
    trouble.error = failure.error;
    trouble.stated = failure.blame === 'endpoint';
    const backoff = backoffMs(side.failures, this.#random());
    this.#hold(side, ground === 'background' ? shortenedToFit(backoff, remainingMs) : backoff);
    trouble.background.until = Math.max(trouble.background.until, side.until);
  }

  /** A secret that never changes is tried again only in case it was rejected by mistake. */
  #orderedWaitMs({ error, orderedWaitMs }: TokenFailure): number | undefined {
    const lastsUntilChanged = error.code === 'ASSET_CREDENTIALS_REJECTED' && !this.#secretRotates;
    return lastsUntilChanged ? CREDENTIALS_PROBE_MS : orderedWaitMs;
  }

  /** An order holds for everybody, and is no shorter than the first step: servers order waits of a few milliseconds too. */
  #obey(trouble: Trouble, { error }: TokenFailure, orderedMs: number): void {
    trouble.error = error;
    trouble.stated = true;
    const waitMs = Math.max(orderedMs, backoffMs(1, this.#random()));
    for (const side of [trouble.foreground, trouble.background]) {
      this.#hold(side, waitMs);
      // Sent before the order: its success would prove nothing.
      side.probe = undefined;
    }
  }

  #hold(side: Side, waitMs: number): void {
    side.until = Math.max(side.until, this.#clock.monotonic() + waitMs);
  }
}

/** Goes on where the key's own backoff had got to, on the ground where it did; on the other the steps begin anew. */
function begin({ failure, ground, failuresOfKey }: FailedRequest): Trouble {
  const side = (its: Ground): Side => ({
    failures: its === ground ? Math.max(failuresOfKey - 1, 0) : 0,
    until: 0,
    probe: undefined,
  });
  return {
    error: failure.error,
    stated: false,
    foreground: side('foreground'),
    background: side('background'),
  };
}
