import {
  Injectable,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import type { AssetAuthConfig } from '../config/asset-auth.config.js';
import type { AssetClock } from '../config/clock.js';
import type { AccessToken } from './access-token.js';
import type { ClientConnections } from './endpoint/client-connections.js';
import type { GetAccessTokenOptions } from './get-access-token.options.js';
import type { AssetTokenRequest } from './request/token-request.resolver.js';
import { TokenEntries } from './token-entries.js';
import type { AssetTokenSnapshot } from './token-snapshot.js';
import { TokenSupply } from './token-supply.js';
import { TokenJournal } from './token.journal.js';

const NOTHING_SAID: AssetTokenRequest = Object.freeze({});
const USUAL: GetAccessTokenOptions = Object.freeze({});

/**
 * Access tokens for anything but HTTP calls (those get theirs from {@link AssetHttpService}). A fresh token is served
 * from memory; a stale one too, while its successor is fetched in the background; an expired one is waited for, in one
 * request that all callers share.
 *
 * @example
 * ```ts
 * const token = await this.tokens.getAccessToken({ scopes: ['report:read'], businessId });
 * ```
 */
@Injectable()
export class AssetTokenService implements OnModuleInit, OnModuleDestroy, OnApplicationShutdown {
  readonly #config: AssetAuthConfig;
  readonly #connections: ClientConnections;
  readonly #journal = new TokenJournal();
  readonly #supply: TokenSupply;
  readonly #entries: TokenEntries;

  /**
   * Built by {@link AssetAuthModule}.
   *
   * @internal
   */
  constructor(config: AssetAuthConfig, connections: ClientConnections, clock: AssetClock) {
    this.#config = config;
    this.#connections = connections;
    this.#supply = new TokenSupply(config, connections, clock, this.#journal);
    this.#entries = new TokenEntries(config, this.#supply.cache);
  }

  /**
   * A usable token for the scopes, business and resource asked for; what is left out takes the module's default, never
   * the scope context. Never throws synchronously.
   *
   * @throws AssetScopeError, AssetBusinessError when what is asked for cannot be asked for; nothing is sent
   * @throws AssetTokenError when the token cannot be had; while a pause is in force, at once and with the real cause
   * @throws AssetClosedError after the application was shut down
   *
   * @example
   * ```ts
   * const token = await tokens.getAccessToken({ scopes: ['ledger:read'] }, { signal: AbortSignal.timeout(2000) });
   * ```
   */
  getAccessToken(
    request: AssetTokenRequest = NOTHING_SAID,
    options: GetAccessTokenOptions = USUAL,
  ): Promise<AccessToken> {
    try {
      return this.#supply.get(this.#entries.entryFor(request), options);
    } catch (error) {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- an aborted signal's reason may be anything
      return Promise.reject(error);
    }
  }

  /**
   * The token if one is at hand, synchronously; `undefined` otherwise. Counts as a use, so a stale token is refreshed in
   * the background.
   *
   * @throws AssetScopeError, AssetBusinessError when what is asked for cannot be asked for
   *
   * @example
   * ```ts
   * const token = tokens.peekAccessToken({ scopes: ['ledger:read'] }) ?? (await tokens.getAccessToken({ scopes: ['ledger:read'] }));
   * ```
   */
  peekAccessToken(
    request: AssetTokenRequest = NOTHING_SAID,
    options: Pick<GetAccessTokenOptions, 'minimumLifeMs'> = USUAL,
  ): AccessToken | undefined {
    return this.#supply.peek(this.#entries.entryFor(request), options);
  }

  /**
   * Gives up a token before its time, for instance because it leaked: the next caller waits for a new one. Compares by
   * value, so a newer token stays.
   *
   * @example
   * ```ts
   * tokens.invalidate(token);
   * ```
   */
  invalidate(token: AccessToken): void {
    this.#supply.invalidate(token);
  }

  /**
   * What is known of each key, for dashboards and debugging. Holds no secret and counts as no use.
   *
   * @example
   * ```ts
   * @Get('tokens') tokens() { return this.tokens.snapshot(); }
   * ```
   */
  snapshot(): readonly AssetTokenSnapshot[] {
    return this.#supply.snapshot();
  }

  /**
   * After the API rejected a token: the one to try instead, see {@link TokenSupply.replaceRejected}.
   *
   * @internal
   * @throws AssetTokenError when a new token cannot be had
   */
  replaceRejected(sent: AccessToken, signal?: AbortSignal): Promise<AccessToken | undefined> {
    return this.#supply.replaceRejected(sent, signal);
  }

  /** Fetches the default token if the option `startup` asks for it. */
  async onModuleInit(): Promise<void> {
    const { startup } = this.#config;
    if (startup === 'lazy') return;
    const { cache } = this.#supply;
    const first = this.#supply.get(cache.pin(this.#entries.entryFor(NOTHING_SAID).request), USUAL);
    if (startup === 'warm') {
      first.catch((error: unknown) => {
        if (!this.#supply.isClosed) this.#journal.startedWithout(error);
      });
      return;
    }
    try {
      await first;
    } catch (error) {
      // Nest runs no shutdown hooks after a failed start.
      this.onApplicationShutdown();
      this.#connections.onApplicationShutdown();
      throw error;
    }
  }

  /** Stops background refreshes; tokens on demand work on until the server has drained. */
  onModuleDestroy(): void {
    this.#supply.stopBackground();
  }

  /** Ends everything that is under way and forgets all tokens. */
  onApplicationShutdown(): void {
    this.#supply.close();
  }
}
