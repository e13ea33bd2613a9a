import {
  Injectable,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import type { AssetAuthConfig } from '../config/asset-auth.config.js';
import { requestOf, type AccessToken } from './access-token.js';
import type { AccessTokenRequest } from './request/access-token-request.js';
import type { ClientConnections } from './endpoint/client-connections.js';
import type { AssetClock } from '../config/clock.js';
import { RefreshScheduler } from './refresh.scheduler.js';
import { TokenCache } from './token-cache.js';
import { TokenEndpointClient } from './endpoint/token-endpoint.client.js';
import { TokenEntry } from './token-entry.js';
import { TokenFetcher } from './endpoint/token-fetcher.js';
import { TokenFlight } from './token-flight.js';
import { TokenFlights } from './token-flights.js';
import { TokenGate } from './pacing/token-gate.js';
import { TokenJournal } from './token.journal.js';
import { TokenRequestMemo } from './request/token-request.memo.js';
import {
  assertKnownNames,
  TokenRequestResolver,
  type AssetTokenRequest,
} from './request/token-request.resolver.js';
import { snapshotOf, type AssetTokenSnapshot } from './token-snapshot.js';
import { AssetClosedError } from './endpoint/token.errors.js';
import { untilAborted } from './endpoint/until-aborted.js';

/** How one call of {@link AssetTokenService.getAccessToken} differs from the usual. */
export interface GetAccessTokenOptions {
  /** Ends the wait of this caller at once, with the signal's reason; others that wait get their token. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Ask for a new token although the present one is usable. Joins a request under way, obeys the pauses after failures,
   * and rejects on failure while the present token goes on serving.
   */
  readonly forceRefresh?: boolean | undefined;
  /**
   * Milliseconds that the token should last at least, up to half the time before expiry in which tokens are refreshed.
   * One that lasts less is waited for, or the present one served if the next cannot be had.
   */
  readonly minimumLifeMs?: number | undefined;
}

const NOTHING_SAID: AssetTokenRequest = Object.freeze({});
const USUAL: GetAccessTokenOptions = Object.freeze({});
const LONGEST_COOL_DOWN_MS = 30_000;

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
  readonly #clock: AssetClock;
  readonly #connections: ClientConnections;
  readonly #resolver: TokenRequestResolver;
  readonly #memo: TokenRequestMemo;
  readonly #cache: TokenCache;
  readonly #flights: TokenFlights;
  readonly #scheduler: RefreshScheduler;
  readonly #journal = new TokenJournal();
  #closed = false;

  /**
   * Built by {@link AssetAuthModule}.
   *
   * @internal
   */
  constructor(config: AssetAuthConfig, connections: ClientConnections, clock: AssetClock) {
    this.#config = config;
    this.#clock = clock;
    this.#connections = connections;
    this.#resolver = new TokenRequestResolver(config);
    this.#memo = new TokenRequestMemo(2 * config.maxTokens);
    this.#cache = new TokenCache(config.maxTokens, (entry) => {
      this.#scheduler.forget(entry);
    });
    const gate = new TokenGate(clock, {
      slots: config.maxConcurrentTokenRequests,
      queueTimeoutMs: config.tokenTimeoutMs,
    });
    this.#flights = new TokenFlights({
      config,
      clock,
      random: Math.random,
      cache: this.#cache,
      gate,
      fetcher: new TokenFetcher(
        config,
        new TokenEndpointClient(config, connections, clock),
        clock,
        (reply) => {
          gate.observe(reply.headers);
        },
      ),
      journal: this.#journal,
      plan: (entry) => {
        this.#scheduler.plan(entry);
      },
    });
    this.#scheduler = new RefreshScheduler(clock, this.#cache, (entry) => {
      this.#flights.inBackground(entry);
    });
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
      return this.#get(this.#resolve(request), options);
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
    const entry = this.#cache.find(this.#resolve(request).key);
    if (entry === undefined) return undefined;
    const state = entry.state(this.#clock);
    if (state === 'expired') return undefined;
    if (state === 'stale' && this.#lastsTooShort(entry, options)) return undefined;
    entry.markUse();
    if (state === 'stale') this.#flights.inBackground(entry);
    return entry.token;
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
    const entry = this.#cache.find(requestOf(token).key);
    if (entry?.token?.value !== token.value) return;
    entry.invalidated = true;
    this.#scheduler.plan(entry);
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
    return this.#cache
      .entries()
      .map((entry) => snapshotOf(entry, this.#clock, this.#flights.underWay(entry.request) !== undefined));
  }

  /**
   * The business that a token for this request would be narrowed to.
   *
   * @internal
   */
  businessOf(request: AssetTokenRequest): string | undefined {
    return this.#resolve(request).businessId;
  }

  /**
   * After the API rejected a token: the one to try instead, which is the same where the endpoint hands out no other;
   * `undefined` if one was tried a moment ago. Spends only the token that was really sent, and at most one request per
   * key and cool-down.
   *
   * @internal
   * @throws AssetTokenError when a new token cannot be had
   */
  async replaceRejected(sent: AccessToken, signal?: AbortSignal): Promise<AccessToken | undefined> {
    if (this.#closed) throw new AssetClosedError();
    const entry = this.#cache.findOrCreate(requestOf(sent));
    const current = entry.isHeld(this.#clock) ? entry.token : undefined;
    if (current !== undefined && current.value !== sent.value) {
      entry.markUse();
      return current;
    }
    const now = this.#clock.monotonic();
    const joins = this.#flights.underWay(entry.request) !== undefined;
    if (!joins && now < entry.coolDownUntil) return undefined;
    const asked = this.#get(entry.request, { signal, forceRefresh: true });
    if (!joins && this.#flights.underWay(entry.request) !== undefined) {
      const lifeMs = sent.expiresAt.getTime() - sent.issuedAt.getTime();
      entry.coolDownUntil = now + Math.min(LONGEST_COOL_DOWN_MS, lifeMs / 4);
    }
    return asked;
  }

  /** Fetches the default token if the option `startup` asks for it. */
  async onModuleInit(): Promise<void> {
    const { startup } = this.#config;
    if (startup === 'lazy') return;
    const first = this.#get(this.#cache.pin(this.#resolve(NOTHING_SAID)).request, USUAL);
    if (startup === 'warm') {
      first.catch((error: unknown) => {
        if (!this.#closed) this.#journal.startedWithout(error);
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
    this.#scheduler.stop();
    this.#flights.stopBackground();
  }

  /** Ends everything that is under way and forgets all tokens. */
  onApplicationShutdown(): void {
    if (this.#closed) return;
    this.onModuleDestroy();
    this.#closed = true;
    this.#flights.close();
    this.#cache.clear();
  }

  #resolve(said: AssetTokenRequest): AccessTokenRequest {
    assertKnownNames(said);
    const known = this.#memo.find(said);
    if (known !== undefined) return known;
    const request = this.#resolver.resolve(said);
    this.#memo.remember(said, request);
    return request;
  }

  #get(request: AccessTokenRequest, options: GetAccessTokenOptions): Promise<AccessToken> {
    if (this.#closed) throw new AssetClosedError();
    const { signal, forceRefresh = false } = options;
    signal?.throwIfAborted();
    // What is only waited for takes no place from what is kept.
    const entry = this.#cache.find(request.key) ?? new TokenEntry(request);
    if (forceRefresh) return this.#wait(entry, signal);
    const state = entry.state(this.#clock);
    if (state === 'expired' || entry.settled === undefined) return this.#wait(entry, signal);
    entry.markUse();
    if (state === 'fresh') return entry.settled;
    this.#flights.inBackground(entry);
    return this.#lastsTooShort(entry, options) ? this.#waitOrHeld(entry, signal) : entry.settled;
  }

  #lastsTooShort(
    entry: TokenEntry,
    { minimumLifeMs = 0 }: Pick<GetAccessTokenOptions, 'minimumLifeMs'>,
  ): boolean {
    const enough = Math.min(minimumLifeMs, (entry.life?.windowMs ?? 0) / 2);
    return entry.remaining(this.#clock) < enough;
  }

  async #wait(entry: TokenEntry, signal: AbortSignal | undefined): Promise<AccessToken> {
    const flight = this.#flights.forCaller(entry);
    if (flight instanceof TokenFlight) {
      const landed = flight.join();
      return signal === undefined ? landed : untilAborted(landed, signal);
    }
    if ('refused' in flight) throw flight.refused;
    return flight.held;
  }

  async #waitOrHeld(entry: TokenEntry, signal: AbortSignal | undefined): Promise<AccessToken> {
    try {
      return await this.#wait(entry, signal);
    } catch (error) {
      if (signal?.aborted || this.#closed) throw error;
      if (entry.token === undefined || !entry.isHeld(this.#clock)) throw error;
      return entry.token;
    }
  }
}
