import { Logger } from '@nestjs/common';
import type { AccessToken } from './access-token.js';
import { describeGrant, type AccessTokenGrant, type AccessTokenRequest } from './token-request.js';
import type { AssetTokenError, AssetTokenErrorCode } from './endpoint/token.errors.js';

/** Most grants whose difference is remembered as said. */
const MAX_REMEMBERED = 1000;

/** What the log says of tokens: never above `warn`, each degraded state once, never a secret. */
export class TokenJournal {
  readonly #logger = new Logger('AssetTokenService');
  readonly #differing = new Set<string>();
  readonly #troubles = new Set<AssetTokenErrorCode>();

  refreshed(request: AccessTokenRequest, token: AccessToken): void {
    this.#logger.debug(
      `Access token for ${describeGrant(request)}, valid until ${token.expiresAt.toISOString()}`,
    );
  }

  /** Failures of single keys reach their callers as errors; in the background they matter only to who debugs. */
  failed(error: AssetTokenError, held: boolean): void {
    this.#logger.debug(held ? `${error.message} The present token goes on serving.` : error.message);
  }

  /** Says each kind of trouble once, however often it is felt before the endpoint recovers. */
  troubled(error: AssetTokenError): void {
    if (this.#troubles.has(error.code)) return;
    this.#troubles.add(error.code);
    this.#logger.warn(`Token requests pause: ${error.message}`);
  }

  /** The endpoint is well, which is news only after trouble. */
  untroubled(): void {
    if (this.#troubles.size === 0) return;
    this.#troubles.clear();
    this.#logger.log('Token requests succeed again');
  }

  startedWithout(error: unknown): void {
    this.#logger.warn(`Started without the default access token: ${(error as Error).message}`);
  }

  grantDiffers(grant: AccessTokenGrant & { readonly key: string }, difference: string): void {
    if (this.#differing.has(grant.key)) return;
    if (this.#differing.size >= MAX_REMEMBERED) this.#differing.clear();
    this.#differing.add(grant.key);
    this.#logger.warn(`Access token for ${describeGrant(grant)}: ${difference}`);
  }
}
