import type { AssetAuthConfig } from '../../config/asset-auth.config.js';
import { type AssetClock, untilAborted } from '../../config/clock.js';
import { credential } from '../../config/option-checks.js';
import type { AccessTokenRequest } from '../token-request.js';
import { thrownText } from './redact.js';
import {
  AssetClosedError,
  type AssetTokenError,
  TokenRequestFailure,
  tokenRequestFailure,
} from './token.errors.js';

/** A rejected secret that has not changed is sent again this often. */
export const CREDENTIALS_PROBE_MS = 300_000;

/** A secret that the endpoint rejected, and what it said. */
interface Rejection {
  readonly clientSecret: string;
  readonly error: AssetTokenError;
  probeAt: number;
}

/**
 * The client secret: read anew for each token request, and not sent again once it was rejected, since endpoints lock
 * clients out that go on. A secret that has changed is sent at once; an unchanged one after five minutes, in case that it
 * was rejected by mistake.
 */
export class ClientSecret {
  /** So that no message repeats it. */
  #lastRead = '';
  #rejection: Rejection | undefined;

  constructor(
    private readonly config: AssetAuthConfig,
    private readonly clock: AssetClock,
  ) {}

  /**
   * @param signal - the deadline or the end of the client
   * @throws TokenRequestFailure when the secret cannot be read
   * @throws AssetClosedError once the client ends, since a function that hangs must not hold its caller; the reason of a
   * signal that has aborted before
   */
  async read(request: AccessTokenRequest, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    let clientSecret: unknown;
    try {
      clientSecret = await untilAborted(this.config.readClientSecret(), signal);
    } catch (error) {
      if (!signal.aborted) {
        throw this.#unreadable(request, `it threw "${thrownText(error, [this.#lastRead])}"`);
      }
      if (signal.reason instanceof AssetClosedError) throw signal.reason;
      throw this.#unreadable(request, 'it gave nothing within tokenTimeoutMs', true);
    }
    // A secret that was given as text was checked at boot.
    const problem = this.config.hasRotatingSecret ? credential(clientSecret) : undefined;
    if (problem !== undefined) throw this.#unreadable(request, `what it returned ${problem}`);
    this.#lastRead = clientSecret as string;
    return this.#lastRead;
  }

  /** @throws TokenRequestFailure if this secret was rejected, and it is too early to try it again */
  assertUntried(clientSecret: string, request: AccessTokenRequest): void {
    const rejection = this.#rejection;
    if (rejection?.clientSecret !== clientSecret) return;
    const now = this.clock.monotonic();
    if (now < rejection.probeAt) throw this.#stillRejected(rejection, request);
    // Claimed before it is sent, so that it stays the only one.
    rejection.probeAt = now + CREDENTIALS_PROBE_MS;
  }

  accepted(): void {
    this.#rejection = undefined;
  }

  /** @returns the failure, which is everybody's */
  rejected(clientSecret: string, error: AssetTokenError): TokenRequestFailure {
    const now = this.clock.monotonic();
    // A request that was under way with the same secret must not put the probe off.
    const planned = this.#rejection?.clientSecret === clientSecret ? this.#rejection.probeAt : 0;
    const probeAt = planned > now ? planned : now + CREDENTIALS_PROBE_MS;
    this.#rejection = { clientSecret, error, probeAt };
    return this.#failure(error, probeAt);
  }

  /** A secret that cannot change has to wait for its probe. */
  #failure(error: AssetTokenError, probeAt: number): TokenRequestFailure {
    const waitMs = this.config.hasRotatingSecret ? undefined : probeAt - this.clock.monotonic();
    return new TokenRequestFailure(error, 'endpoint', waitMs);
  }

  #stillRejected(rejection: Rejection, request: AccessTokenRequest): TokenRequestFailure {
    const { environment } = this.config;
    const { reason, status } = rejection.error;
    const { error } = tokenRequestFailure({ request, environment }, 'ASSET_CREDENTIALS_REJECTED', {
      what: `${reason} The secret has not changed since, so it was not sent again.`,
      status,
      fault: 'endpoint',
    });
    return this.#failure(error, rejection.probeAt);
  }

  #unreadable(request: AccessTokenRequest, why: string, timedOut = false): TokenRequestFailure {
    const { environment } = this.config;
    return tokenRequestFailure({ request, environment }, 'ASSET_TOKEN_UNAVAILABLE', {
      what: `the clientSecret function gave no usable secret: ${why}. Nothing was sent. Check the place that the secret is read from.`,
      fault: 'endpoint',
      retryable: true,
      timedOut,
    });
  }
}
