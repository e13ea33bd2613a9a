import {
  Injectable,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import type { AssetAuthConfig } from '../config/asset-auth.config.js';
import { type AssetClock, untilAborted } from '../config/clock.js';
import { type AccessToken, requestOf, tokenState, type TokenLife, type TokenState } from './access-token.js';
import type { ClientConnections } from './endpoint/connections.js';
import type { AssetTokenRequest } from './token-request.js';
import { TokenEntries, TokenCache } from './token-cache.js';
import { type AssetTokenSnapshot, type TokenEntry, snapshotOf } from './cache-entry.js';
import { TokenJournal } from './token.events.js';
import { TokenEndpointClient, TokenFetcher } from './endpoint/token-endpoint.client.js';
import { AssetClosedError } from './endpoint/token.errors.js';
import { TokenGate } from '../retry/request-limiter.js';
import { RecentTime } from './recent-time.js';
import { RefreshScheduler } from './refresh-scheduler.js';
import { TokenFlight } from './pending-request.js';
import { TokenFlights } from './token-refresher.js';

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

const LONGEST_COOL_DOWN_MS = 30_000;

/**
 * The tokens of one client, from the cache to the endpoint. Decides what a caller gets: a fresh token is served, a stale
 * one too while its successor is fetched, an expired one is waited for in one flight that all callers share.
 */
export class TokenSupply {
  readonly cache: TokenCache;
  readonly #clock: AssetClock;
  readonly #recentTime: RecentTime;
  readonly #flights: TokenFlights;
  readonly #scheduler: RefreshScheduler;
  #closed = false;

  constructor(
    config: AssetAuthConfig,
    connections: ClientConnections,
    clock: AssetClock,
    journal: TokenJournal,
  ) {
    this.#clock = clock;
    this.#recentTime = new RecentTime(clock);
    this.cache = new TokenCache(config.maxTokens, (entry) => {
      this.#scheduler.forget(entry);
    });
    const gate = new TokenGate(clock, {
      slots: config.maxConcurrentTokenRequests,
      queueTimeoutMs: config.tokenTimeoutMs,
    });
    const endpoint = new TokenEndpointClient(config, connections, clock);
    this.#flights = new TokenFlights({
      config,
      clock,
      random: Math.random,
      cache: this.cache,
      gate,
      fetcher: new TokenFetcher(config, endpoint, clock, (reply) => {
        gate.observe(reply.headers);
      }),
      journal,
      plan: (entry) => {
        this.#scheduler.plan(entry);
      },
    });
    this.#scheduler = new RefreshScheduler(clock, this.cache, (entry) => {
      this.#flights.inBackground(entry);
    });
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /**
   * A usable token, at once or after a wait.
   *
   * @throws AssetClosedError, or the reason of a signal that has aborted, synchronously
   */
  get(entry: TokenEntry, options: GetAccessTokenOptions): Promise<AccessToken> {
    if (this.#closed) throw new AssetClosedError();
    const { signal, forceRefresh = false } = options;
    signal?.throwIfAborted();
    if (forceRefresh) return this.#wait(entry, signal);
    const state = this.#stateOf(entry);
    if (state === 'expired' || entry.settled === undefined) return this.#wait(entry, signal);
    this.#use(entry);
    if (state === 'fresh') return entry.settled;
    this.#flights.inBackground(entry);
    return this.#lastsTooShort(entry, options) ? this.#waitOrHeld(entry, options) : entry.settled;
  }

  /** The token if one is at hand that lasts long enough. */
  peek(entry: TokenEntry, options: GetAccessTokenOptions): AccessToken | undefined {
    const state = this.#stateOf(entry);
    if (state === 'expired') return undefined;
    if (state === 'stale' && this.#lastsTooShort(entry, options)) return undefined;
    this.#use(entry);
    if (state === 'stale') this.#flights.inBackground(entry);
    return entry.token;
  }

  /** Gives up a token, unless a newer one has taken its place. */
  invalidate(token: AccessToken): void {
    const entry = this.cache.find(requestOf(token).key);
    if (entry?.token?.value !== token.value) return;
    entry.invalidated = true;
    this.#scheduler.plan(entry);
  }

  /**
   * The token to try instead of one that the API rejected, which is the same where the endpoint hands out no other;
   * `undefined` if one was tried a moment ago. Spends only the token that was really sent, and at most one request per
   * key and cool-down.
   */
  async replaceRejected(sent: AccessToken, signal?: AbortSignal): Promise<AccessToken | undefined> {
    if (this.#closed) throw new AssetClosedError();
    const entry = this.cache.findOrCreate(requestOf(sent));
    const current = entry.held(this.#clock);
    if (current !== undefined && current.value !== sent.value) {
      this.#use(entry);
      return current;
    }
    const now = this.#clock.monotonic();
    const joins = this.#flights.underWay(entry.request) !== undefined;
    if (!joins && now < entry.coolDownUntil) return undefined;
    const asked = this.get(entry, { signal, forceRefresh: true });
    if (!joins && this.#flights.underWay(entry.request) !== undefined) {
      const lifeMs = sent.expiresAt.getTime() - sent.issuedAt.getTime();
      entry.coolDownUntil = now + Math.min(LONGEST_COOL_DOWN_MS, lifeMs / 4);
    }
    return asked;
  }

  snapshot(): readonly AssetTokenSnapshot[] {
    return this.cache
      .entries()
      .map((entry) => snapshotOf(entry, this.#clock, this.#flights.underWay(entry.request) !== undefined));
  }

  /** Stops what nobody waits for. */
  stopBackground(): void {
    this.#scheduler.stop();
    this.#flights.stopBackground();
  }

  /** Ends everything that is under way and forgets all tokens. */
  close(): void {
    if (this.#closed) return;
    this.stopBackground();
    this.#closed = true;
    this.#flights.close();
    this.cache.clear();
  }

  #stateOf(entry: TokenEntry): TokenState {
    return this.#recentTime.isBefore(entry.freshUntil) ? 'fresh' : entry.state(this.#clock);
  }

  #use(entry: TokenEntry): void {
    entry.markUse();
    this.cache.touch(entry);
  }

  #lastsTooShort(entry: TokenEntry, { minimumLifeMs = 0 }: GetAccessTokenOptions): boolean {
    const enough = Math.min(minimumLifeMs, (entry.life?.windowMs ?? 0) / 2);
    return entry.remaining(this.#clock) < enough;
  }

  async #wait(entry: TokenEntry, signal: AbortSignal | undefined): Promise<AccessToken> {
    const flight = this.#flights.forCaller(entry);
    if (!(flight instanceof TokenFlight)) {
      if ('refused' in flight) throw flight.refused;
      return flight.held;
    }
    if (signal === undefined) return flight.landed;
    try {
      return await untilAborted(flight.landed, signal);
    } finally {
      flight.leave();
    }
  }

  /**
   * Waits for the next token, for half of the time that the caller and the present token have at most: an endpoint that
   * hangs must not take a usable token away.
   */
  async #waitOrHeld(
    entry: TokenEntry,
    { signal, minimumLifeMs = 0 }: GetAccessTokenOptions,
  ): Promise<AccessToken> {
    const { token, life } = entry;
    const patience = new AbortController();
    const end = (): void => {
      patience.abort();
    };
    const patienceMs = Math.min(minimumLifeMs, entry.remaining(this.#clock)) / 2;
    const cancelTimer = this.#clock.setTimeout(end, patienceMs, { ref: true });
    try {
      return await untilAborted(this.#wait(entry, signal), patience.signal);
    } catch (error) {
      if (signal?.aborted || this.#closed) throw error;
      // Evicted meanwhile, the entry holds no token any more. The caller's is as good as it was.
      const present = entry.kept || entry.invalidated || !isUsable(life, this.#clock) ? undefined : token;
      const held = entry.held(this.#clock) ?? present;
      if (held !== undefined) return held;
      if (patience.signal.aborted) return await this.#wait(entry, signal);
      throw error;
    } finally {
      cancelTimer();
    }
  }
}

const isUsable = (life: TokenLife | undefined, clock: AssetClock): boolean =>
  life !== undefined && tokenState(life, clock) !== 'expired';

/** How one call of `AssetTokenService.getAccessToken` differs from the usual. */
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
   * For one that lasts less, the next is waited for, but no longer than half of them; then the present one is served.
   */
  readonly minimumLifeMs?: number | undefined;
}
