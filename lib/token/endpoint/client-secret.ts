import type { AssetAuthConfig } from '../../config/asset-auth.config.js';
import { type AssetClock, type Instant, instantOf, setDeadline, untilAborted } from '../../config/clock.js';
import { credentialProblem } from '../../config/option-checks.js';
import type { AccessTokenRequest } from '../token-request.js';
import { thrownText } from '../../config/redact.js';
import {
  AssetClosedError,
  type AssetTokenError,
  TokenRequestFailure,
  tokenRequestFailure,
} from './token.errors.js';

/** A rejected secret that has not changed is sent again after these pauses, and then each time after the last. */
const PROBES_AFTER_MS = [1000, 10_000, 60_000, 300_000] as const;

/** A secret that the endpoint rejected, and what it said. */
export interface Rejection {
  readonly clientSecret: string;
  readonly error: AssetTokenError;
  /** Whether a key that had a token met it, so that it holds for all. */
  readonly holdsKnown: boolean;
  readonly probes: number;
  probeAt: number;
}

/** What a token request with rejected credentials tells of the secret. */
export interface RejectedSecret {
  readonly clientSecret: string;
  readonly failure: TokenRequestFailure;
  readonly request: AccessTokenRequest;
  readonly isKnown: boolean;
  readonly rejectionBefore: Rejection | undefined;
}

/**
 * The client secret: read anew for each token request, though only once for requests that go together; while reading
 * fails, the last good one serves. A rejected secret is not sent again, since endpoints lock clients out that go on, but
 * for rare probes; one that has changed is sent at once. A secret that brought tokens is not to blame for what a single
 * newcomer meets: the first rejection then counts for that key alone, a second one for all newcomers, and that of a key
 * which had a token for everybody.
 */
export class ClientSecret {
  /** The last that was read: it serves while reading fails, and no message repeats it. */
  #lastRead = '';
  #reading: { readonly secret: Promise<unknown>; readonly since: Instant } | undefined;
  #rejection: Rejection | undefined;
  /** The last secret that brought a token, and the newcomer that met a rejection since. */
  #accepted: { readonly clientSecret: string; rejectedKey: string | undefined } | undefined;
  readonly #mayChange: boolean;

  constructor(
    private readonly config: AssetAuthConfig,
    private readonly clock: AssetClock,
  ) {
    this.#mayChange = config.hasRotatingSecret;
  }

  /**
   * @param signal - the deadline, the end of the client, or that the attempt is interrupted
   * @throws TokenRequestFailure when the secret cannot be read
   * @throws AssetClosedError once the client ends, since a function that hangs must not hold its caller; the reason of a
   * signal that has aborted before
   */
  async read(request: AccessTokenRequest, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    if (!this.#mayChange && this.#lastRead !== '') return this.#lastRead;
    // A reading that hangs leaves time to go on with the last good secret. While callers wait, the deadline of all
    // keeps the process alive.
    const patience = new AbortController();
    const half = (): void => {
      patience.abort();
    };
    const isSpare = this.#lastRead !== '';
    const cancelTimer = isSpare
      ? setDeadline(half, this.config.tokenTimeoutMs / 2, this.clock, { ref: false })
      : (): void => {};
    let problem: string | undefined;
    let clientSecret: unknown;
    try {
      clientSecret = await untilAborted(this.#readOnce(), AbortSignal.any([signal, patience.signal]));
      const wrong = credentialProblem(clientSecret);
      problem = wrong === undefined ? undefined : `what it returned ${wrong}`;
    } catch (error) {
      if (signal.aborted && signal.reason instanceof AssetClosedError) throw signal.reason;
      if (signal.aborted) throw this.#unreadable(request, 'it gave nothing within tokenTimeoutMs', true);
      problem = patience.signal.aborted ? 'it hangs' : `it threw "${thrownText(error, [this.#lastRead])}"`;
    } finally {
      cancelTimer();
    }
    if (problem === undefined) this.#lastRead = clientSecret as string;
    else if (!isSpare) throw this.#unreadable(request, problem);
    return this.#lastRead;
  }

  /** The same, but not from a reading that has begun before. */
  readAnew(request: AccessTokenRequest, signal: AbortSignal): Promise<string> {
    this.#reading = undefined;
    return this.read(request, signal);
  }

  /** One reading that is under way serves all that ask meanwhile, unless it hangs. */
  #readOnce(): Promise<unknown> {
    const reading = this.#reading;
    if (reading !== undefined && !this.#hangs(reading.since)) return reading.secret;
    const begun = { secret: this.config.readClientSecret(), since: instantOf(this.clock) };
    this.#reading = begun;
    const end = (): void => {
      if (this.#reading === begun) this.#reading = undefined;
    };
    begun.secret.then(end, end);
    return begun.secret;
  }

  /** By either clock: what was being read before the machine slept may never come. */
  #hangs({ wall, monotonic }: Instant): boolean {
    const ageMs = Math.max(this.clock.now() - wall, this.clock.monotonic() - monotonic);
    return ageMs >= this.config.tokenTimeoutMs / 2;
  }

  /**
   * May this secret be sent for this key? Where its rejection holds for the key, this is the probe, and the next one waits.
   *
   * @param isKnown - whether the key had a token before
   * @returns the rejection that is remembered now, perhaps of another secret, for {@link rejected}
   * @throws TokenRequestFailure if this secret was rejected, and it is too early to try it again
   */
  admit(clientSecret: string, request: AccessTokenRequest, isKnown: boolean): Rejection | undefined {
    const rejection = this.#rejection;
    if (rejection?.clientSecret !== clientSecret || (isKnown && !rejection.holdsKnown)) return rejection;
    const now = this.clock.monotonic();
    if (now < rejection.probeAt) throw this.#stillRejected(rejection, request);
    // Claimed before it is sent, so that it stays the only one.
    rejection.probeAt = now + pauseBeforeProbe(rejection.probes);
    return rejection;
  }

  accepted(clientSecret: string): void {
    this.#rejection = undefined;
    this.#accepted = { clientSecret, rejectedKey: undefined };
  }

  /**
   * @param rejectionBefore - what {@link admit} returned
   * @returns the failure, and whose it is
   */
  rejected({
    clientSecret,
    failure,
    request,
    isKnown,
    rejectionBefore,
  }: RejectedSecret): TokenRequestFailure {
    const { error, orderedWaitMs = 0 } = failure;
    if (this.#isKeysOwn(clientSecret, request, isKnown)) return this.#keysOwn(failure, request);
    const before = this.#rejection?.clientSecret === clientSecret ? this.#rejection : undefined;
    // A request that was under way before the last rejection must not put the probe off.
    if (before !== undefined && before !== rejectionBefore) return this.#failure(error, before.probeAt);
    const probes = before?.probes ?? 0;
    const probeAt = this.clock.monotonic() + Math.max(pauseBeforeProbe(probes), orderedWaitMs);
    const holdsKnown =
      isKnown || this.#accepted?.clientSecret !== clientSecret || before?.holdsKnown === true;
    this.#rejection = { clientSecret, error, holdsKnown, probes: probes + 1, probeAt };
    return this.#failure(error, probeAt);
  }

  /** Whether it says nothing of the secret, since that brought tokens, and only this newcomer met a rejection since. */
  #isKeysOwn(clientSecret: string, { key }: AccessTokenRequest, isKnown: boolean): boolean {
    const accepted = this.#accepted;
    if (isKnown || accepted?.clientSecret !== clientSecret) return false;
    accepted.rejectedKey ??= key;
    return accepted.rejectedKey === key;
  }

  #keysOwn({ error, orderedWaitMs }: TokenRequestFailure, request: AccessTokenRequest): TokenRequestFailure {
    return tokenRequestFailure({ request, config: this.config }, 'ASSET_CREDENTIALS_REJECTED', {
      what: `${error.reason} The same credentials brought other tokens, so check first whether this client may act for this business.`,
      status: error.status,
      fault: 'request',
      retryable: error.retryable,
      orderedWaitMs,
    });
  }

  /** A secret that cannot change has to wait for its probe. */
  #failure(error: AssetTokenError, probeAt: number): TokenRequestFailure {
    const waitMs = this.#mayChange ? undefined : probeAt - this.clock.monotonic();
    return new TokenRequestFailure(error, 'endpoint', waitMs);
  }

  #stillRejected(rejection: Rejection, request: AccessTokenRequest): TokenRequestFailure {
    const { reason, status } = rejection.error;
    const { error } = tokenRequestFailure({ request, config: this.config }, 'ASSET_CREDENTIALS_REJECTED', {
      what: `${reason} The secret has not changed since, so it was not sent again.`,
      status,
      fault: 'endpoint',
    });
    return this.#failure(error, rejection.probeAt);
  }

  #unreadable(request: AccessTokenRequest, why: string, timedOut = false): TokenRequestFailure {
    return tokenRequestFailure({ request, config: this.config }, 'ASSET_TOKEN_UNAVAILABLE', {
      what: `the clientSecret function gave no usable secret: ${why}. Nothing was sent. Check the place that the secret is read from.`,
      fault: 'endpoint',
      retryable: true,
      timedOut,
    });
  }
}

const pauseBeforeProbe = (probes: number): number =>
  PROBES_AFTER_MS[Math.min(probes, PROBES_AFTER_MS.length - 1)] ?? 0;
