import { Logger } from '@nestjs/common';
import type { AccessToken } from './access-token.js';
import type { AssetTokenError, AssetTokenErrorCode } from './endpoint/token.errors.js';
import { thrownText } from './endpoint/redact.js';
import { type AccessTokenRequest, describeGrant } from './token-request.js';

/** Most grants whose difference is remembered as reported. */
const MAX_REPORTED = 1000;

/**
 * What happens to tokens, as the log tells it: single tokens at `debug`; at `warn` each degraded state once, and its end
 * at `log`. Never a secret. A logger that throws costs its line and nothing else.
 */
export class TokenEvents {
  readonly #logger: Logger;
  readonly #differing = new Set<string>();
  readonly #openFor = new Set<AssetTokenErrorCode>();

  /** @param client - the client's name, which becomes part of the log's context */
  constructor(client: string | undefined) {
    this.#logger = new Logger(client === undefined ? 'AssetTokenService' : `AssetTokenService ${client}`);
  }

  /** @param isShared - another process fetched it, and it was found in the store */
  refreshed(request: AccessTokenRequest, token: AccessToken, isShared: boolean): void {
    const from = isShared ? ' of another process' : '';
    const until = token.expiresAt.toISOString();
    this.#say('debug', `Access token${from} for ${describeGrant(request)}, valid until ${until}`);
  }

  storeOutOfUse(error: unknown): void {
    this.#say(
      'warn',
      `The token store is out of use, and this process fetches its own tokens: ${thrownText(error, [])}`,
    );
  }

  storeInUse(): void {
    this.#say('log', 'The token store is in use again');
  }

  storeUnreadable(): void {
    this.#say(
      'warn',
      'The token store holds a record that cannot be opened: it was sealed with a key that is not among storeKeys, or by somebody else. It is replaced. Give all processes the same storeKeys.',
    );
  }

  /** Failures of single keys reach their callers as errors; in the background they matter only for debugging. */
  failed(error: AssetTokenError, isHeld: boolean): void {
    this.#say('debug', isHeld ? `${error.message} The present token goes on serving.` : error.message);
  }

  circuitOpened(error: AssetTokenError): void {
    if (this.#openFor.has(error.code)) return;
    this.#openFor.add(error.code);
    this.#say('warn', `Token requests pause: ${error.message}`);
  }

  /** News only after the circuit was open. */
  circuitClosed(): void {
    if (this.#openFor.size === 0) return;
    this.#openFor.clear();
    this.#say('log', 'Token requests succeed again');
  }

  startedWithout(error: unknown): void {
    this.#say('warn', `Started without the default access token: ${(error as Error).message}`);
  }

  grantDiffers(request: AccessTokenRequest, difference: string): void {
    if (this.#differing.has(request.key)) return;
    if (this.#differing.size >= MAX_REPORTED) this.#differing.clear();
    this.#differing.add(request.key);
    this.#say('warn', `Access token for ${describeGrant(request)}: ${difference}`);
  }

  #say(level: 'debug' | 'log' | 'warn', message: string): void {
    try {
      this.#logger[level](message);
    } catch {
      // The application's own logger failed.
    }
  }
}
