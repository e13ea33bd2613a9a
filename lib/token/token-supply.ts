import type { AssetAuthConfig } from '../config/asset-auth.config.js';
import type { AssetClock } from '../config/clock.js';
import { requestOf, type AccessToken } from './access-token.js';
import type { ClientConnections } from './endpoint/client-connections.js';
import { TokenEndpointClient } from './endpoint/token-endpoint.client.js';
import { TokenFetcher } from './endpoint/token-fetcher.js';
import { AssetClosedError } from './endpoint/token.errors.js';
import { untilAborted } from './endpoint/until-aborted.js';
import type { GetAccessTokenOptions } from './get-access-token.options.js';
import { TokenGate } from './pacing/token-gate.js';
import { RecentTime } from './recent-time.js';
import { RefreshScheduler } from './refresh.scheduler.js';
import { TokenCache } from './token-cache.js';
import type { TokenEntry } from './token-entry.js';
import { TokenFlight } from './token-flight.js';
import { TokenFlights } from './token-flights.js';
import { tokenState, type TokenLife, type TokenState } from './token-life.js';
import { snapshotOf, type AssetTokenSnapshot } from './token-snapshot.js';
import type { TokenJournal } from './token.journal.js';

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
