import type { AssetAuthConfig } from '../../config/asset-auth.config.js';
import { credential } from '../../config/option-checks.js';
import type { AccessTokenRequest } from '../token-request.js';
import { thrownText } from './redact.js';
import { failure } from './token-response.js';
import { type TokenOutcome, AssetClosedError } from './token.errors.js';
import { untilAborted } from '../../config/clock.js';

/** Reads the client secret anew for each token request, and says in words why it cannot be read. */
export class ClientSecretReader {
  readonly #config: AssetAuthConfig;
  /** So that no message repeats it. */
  #lastRead = '';

  constructor(config: AssetAuthConfig) {
    this.#config = config;
  }

  /**
   * @param signal - the deadline or the end of the client
   * @throws AssetClosedError once the client ends: a function that hangs must not hold its caller; the reason of a
   * signal that has aborted before
   */
  async read(request: AccessTokenRequest, signal: AbortSignal): Promise<TokenOutcome<string>> {
    signal.throwIfAborted();
    let secret: unknown;
    try {
      secret = await untilAborted(this.#config.readClientSecret(), signal);
    } catch (error) {
      if (!signal.aborted) {
        return this.#unreadable(request, `it threw "${thrownText(error, [this.#lastRead])}"`);
      }
      if (signal.reason instanceof AssetClosedError) throw signal.reason;
      return this.#unreadable(request, 'it gave nothing within tokenTimeoutMs', true);
    }
    const problem = credential(secret);
    if (problem !== undefined) return this.#unreadable(request, `what it returned ${problem}`);
    this.#lastRead = secret as string;
    return { token: this.#lastRead };
  }

  #unreadable(request: AccessTokenRequest, why: string, timedOut = false): TokenOutcome<never> {
    return {
      failure: failure({ request, environment: this.#config.environment }, 'ASSET_TOKEN_UNAVAILABLE', {
        what: `the clientSecret function gave no usable secret: ${why}. Nothing was sent. Check the place that the secret is read from.`,
        blame: 'endpoint',
        retryable: true,
        timedOut,
      }),
    };
  }
}
