import { Injectable } from '@nestjs/common';
import type { OnApplicationBootstrap, OnApplicationShutdown, OnModuleDestroy } from '@nestjs/common';
import type { AssetAuthConfig } from '../config/asset-auth.config.js';
import type { AssetClock } from '../config/clock.js';
import type { AssetTokenRequestReason as Reason } from '../events/asset-auth.events.js';
import type { EventPublisher } from '../events/event-publisher.js';
import { RequestLimiter } from '../retry/request-limiter.js';
import type { SharedTokens } from '../store/shared-tokens.js';
import { AccessToken, requestOf } from './access-token.js';
import type { AssetTokenSnapshot, CacheEntry } from './cache-entry.js';
import type { ClientConnections } from './endpoint/connections.js';
import { TokenEndpointClient } from './endpoint/token-endpoint.client.js';
import { AssetClosedError, AssetTokenError } from './endpoint/token.errors.js';
import { lastsTooShort, nextOrHeld } from './patient-wait.js';
import { awaited, begun, PendingRequest } from './pending-request.js';
import { RefreshScheduler } from './refresh-scheduler.js';
import { SharedRefresh } from './shared-refresh.js';
import { TokenCache } from './token-cache.js';
import { type AssetTokenFilter, matcherOf } from './token-filter.js';
import { type AssetTokenHealth, tokenHealth } from './token-health.js';
import { TokenRefresher } from './token-refresher.js';
import { type AssetTokenRequest, type GetAccessTokenOptions, saidOptions } from './token-request.js';

/** As a request: the defaults of the module. As options: the usual ones. */
const NOTHING: AssetTokenRequest & GetAccessTokenOptions = Object.freeze({});

/**
 * Access tokens for anything but HTTP calls (those get theirs from {@link AssetHttpService}).
 *
 * Fresh: served from memory. Stale: served too, while one request in the background fetches its successor. Expired: all
 * callers wait on one pending request. A failed refresh never takes a usable token away; only expiry does.
 *
 * @example
 * ```ts
 * const token = await this.tokens.getAccessToken({ scopes: ['report:read'], businessId });
 * ```
 */
@Injectable()
export class AssetTokenService implements OnApplicationBootstrap, OnModuleDestroy, OnApplicationShutdown {
  readonly #config: AssetAuthConfig;
  readonly #connections: ClientConnections;
  readonly #clock: AssetClock;
  readonly #events: EventPublisher;
  readonly #cache: TokenCache;
  readonly #scheduler: RefreshScheduler;
  readonly #shared: SharedRefresh | undefined;
  readonly #refresher: TokenRefresher;
  #isClosed = false;

  /**
   * Built by {@link AssetAuthModule}.
   *
   * @internal
   */
  constructor(
    config: AssetAuthConfig,
    connections: ClientConnections,
    clock: AssetClock,
    events: EventPublisher,
    shared?: SharedTokens,
  ) {
    this.#config = config;
    this.#connections = connections;
    this.#clock = clock;
    this.#events = events;
    this.#cache = new TokenCache(config, (entry) => {
      this.#scheduler.forget(entry);
    });
    this.#scheduler = new RefreshScheduler(clock, this.#cache, (entry) => {
      this.#refresher.refreshAhead(entry);
    });
    const parts = { config, clock, random: Math.random, cache: this.#cache, events };
    this.#shared = shared && new SharedRefresh(shared, parts);
    const { maxConcurrentTokenRequests: slots, tokenTimeoutMs } = config;
    this.#refresher = new TokenRefresher({
      ...parts,
      shared: this.#shared,
      limiter: new RequestLimiter(clock, slots, tokenTimeoutMs, () => this.#cache.isInUse),
      endpoint: new TokenEndpointClient(config, connections, clock, events),
      plan: (entry) => {
        this.#scheduler.plan(entry);
      },
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
    request: AssetTokenRequest = NOTHING,
    options: GetAccessTokenOptions = NOTHING,
  ): Promise<AccessToken> {
    try {
      return this.#get(this.#cache.find(request), saidOptions(options));
    } catch (error) {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- an aborted signal's reason may be anything
      return Promise.reject(error);
    }
  }

  /**
   * The token if one is at hand, synchronously; `undefined` otherwise, and where {@link getAccessToken} would wait for the
   * next one because of `minimumLifeMs`. Counts as a use, so a stale token is refreshed in the background.
   *
   * @throws AssetScopeError, AssetBusinessError when what is asked for cannot be asked for
   *
   * @example
   * ```ts
   * const token = tokens.peekAccessToken({ scopes: ['ledger:read'] }) ?? (await tokens.getAccessToken({ scopes: ['ledger:read'] }));
   * ```
   */
  peekAccessToken(
    request: AssetTokenRequest = NOTHING,
    options: Pick<GetAccessTokenOptions, 'minimumLifeMs'> = NOTHING,
  ): AccessToken | undefined {
    const entry = this.#cache.find(request);
    const state = entry.state(this.#clock);
    if (state === 'expired') return undefined;
    if (state === 'stale' && lastsTooShort(entry, saidOptions(options), this.#clock)) return undefined;
    entry.markUse(state);
    if (state === 'stale') this.#refresher.refreshAhead(entry);
    return entry.held(this.#clock);
  }

  /**
   * Gives up tokens before their time, since one leaked, or a business was disconnected: the next caller waits for a new one.
   * A token is compared by value, so a newer one stays. Other processes learn of it at their next refresh or 401.
   *
   * @param which - a token, or the business or scopes of those that are meant
   * @throws AssetScopeError, AssetBusinessError when it names neither, or one that cannot be
   *
   * @example
   * ```ts
   * tokens.invalidate({ businessId });
   * ```
   */
  invalidate(which: AccessToken | AssetTokenFilter): void {
    if (which instanceof AccessToken) {
      this.#invalidate(this.#cache.entryOf(requestOf(which)), which.value);
    } else {
      const isMeant = matcherOf(which);
      for (const entry of this.#cache.entries()) if (isMeant(entry.request)) this.#invalidate(entry);
    }
  }

  /**
   * Gives up all tokens, for instance because a log with tokens leaked.
   *
   * @example
   * ```ts
   * tokens.invalidateAll();
   * ```
   */
  invalidateAll(): void {
    for (const entry of this.#cache.entries()) this.#invalidate(entry);
  }

  /**
   * What is known of each key, for dashboards and debugging. Holds no secret and counts as no use.
   *
   * @example
   * ```ts
   * const stale = tokens.snapshot().filter(({ state }) => state === 'stale');
   * ```
   */
  snapshot(): readonly AssetTokenSnapshot[] {
    const { name } = this.#config;
    const isPending = (entry: CacheEntry): boolean => this.#refresher.isPending(entry.request);
    return this.#cache.entries().map((entry) => entry.snapshot(this.#clock, isPending(entry), name));
  }

  /**
   * How this client fares, by what it knows: nothing is sent. Meant for readiness and not for liveness, since a restart loses
   * the tokens that still serve.
   *
   * @example
   * ```ts
   * if (tokens.health().status === 'down') throw new ServiceUnavailableException();
   * ```
   */
  health(): AssetTokenHealth {
    const { trouble } = this.#refresher.circuit;
    const storeInUse = this.#shared?.isInUse;
    return tokenHealth({ config: this.#config, trouble, storeInUse, cache: this.#cache }, this.#clock);
  }

  /**
   * The token to try instead of one that the API rejected, which is the same where the endpoint hands out no other;
   * `undefined` if one was tried a moment ago. A 401 is compared, not believed: it spends only the token that was really
   * sent, and at most one request per key and cool-down.
   *
   * @internal
   * @throws AssetTokenError when a new token cannot be had
   */
  async replaceRejected(sent: AccessToken, signal?: AbortSignal): Promise<AccessToken | undefined> {
    if (this.#isClosed) throw new AssetClosedError();
    const entry = this.#cache.keep(requestOf(sent));
    const current = entry.held(this.#clock);
    if (current !== undefined && current.value !== sent.value) {
      entry.markUse(entry.state(this.#clock) === 'stale' ? 'stale' : 'fresh');
      return current;
    }
    const joins = this.#refresher.isPending(entry.request);
    if (!joins && entry.isCoolingDown(this.#clock)) return undefined;
    const asked = this.#get(entry, { signal, forceRefresh: true }, 'rejected');
    if (!joins && this.#refresher.isPending(entry.request)) {
      entry.coolDown(sent.expiresAt.getTime() - sent.issuedAt.getTime(), this.#clock);
    }
    return asked;
  }

  /**
   * Fetches the tokens that the option `startup` asks for. Not in `onModuleInit`: the hooks of a global module run first,
   * and the secret may come from a provider that connects in its own.
   */
  async onApplicationBootstrap(): Promise<void> {
    const { environment, clientId, startup, startupRequests } = this.#config;
    this.#events.publish('client.started', { environment, clientId });
    try {
      const tokens = startupRequests.map((request) =>
        this.#get(this.#cache.pin(this.#cache.find(request).request), NOTHING, 'warm'),
      );
      if (startup === 'required') await Promise.all(tokens);
      // Those of 'warm' are not waited for.
      for (const token of tokens) {
        token.catch((error: unknown) => {
          // Not where the client was closed meanwhile.
          if (error instanceof AssetTokenError) this.#events.publish('startup.failed', { error });
        });
      }
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
    this.#refresher.stopBackground();
  }

  /** Ends everything that is under way and forgets all tokens. */
  onApplicationShutdown(): void {
    if (this.#isClosed) return;
    this.onModuleDestroy();
    this.#isClosed = true;
    this.#refresher.close();
    this.#shared?.close();
    this.#cache.clear();
    this.#events.publish('client.closed', {});
  }

  #invalidate(entry: CacheEntry, value = entry.held(this.#clock)?.value): void {
    if (value === undefined || !entry.invalidate(value)) return;
    this.#shared?.withdraw(entry);
    this.#scheduler.plan(entry);
  }

  /** @throws AssetClosedError, or the reason of a signal that has aborted, synchronously */
  #get(entry: CacheEntry, options: GetAccessTokenOptions, reason: Reason = 'caller'): Promise<AccessToken> {
    if (this.#isClosed) throw new AssetClosedError();
    const { signal, forceRefresh } = options;
    signal?.throwIfAborted();
    if (forceRefresh === true) return this.#wait(entry, options, reason);
    const state = entry.state(this.#clock);
    const { settled } = entry;
    if (state === 'expired' || settled === undefined) return this.#wait(entry, options, reason);
    entry.markUse(state);
    if (state === 'fresh') return settled;
    this.#refresher.refreshAhead(entry);
    if (!lastsTooShort(entry, options, this.#clock)) return settled;
    return nextOrHeld(entry, options, this.#clock, (ends) =>
      this.#wait(entry, { ...options, signal: ends }, reason),
    );
  }

  async #wait(entry: CacheEntry, options: GetAccessTokenOptions, reason: Reason): Promise<AccessToken> {
    const { signal, withinMs } = options;
    const beginning = { withinMs, reason };
    const pending = begun(entry.request, this.#events, () => this.#refresher.request(entry, beginning));
    if (!(pending instanceof PendingRequest)) return pending;
    return awaited(pending, this.#clock, this.#events, signal);
  }
}
