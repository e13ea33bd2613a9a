// One key of the cache: its token, its failures, and when it may be asked for again.
import type { AssetAuthErrorCode } from '../config/asset-auth.errors.js';
import type { AssetClock } from '../config/clock.js';
import type { ScopeSet } from '../config/scope-set.js';
import { backoffMs, FORGOTTEN_AFTER_MS, shortenedToFit } from '../retry/backoff.js';
import type { Queued } from '../retry/priority-queue.js';
import {
  type AccessToken,
  lifeOf,
  remainingMs,
  type TokenLife,
  tokenState,
  type TokenState,
  type TokenUses,
} from './access-token.js';
import type { AssetTokenError } from './endpoint/token.errors.js';
import type { AccessTokenRequest } from './token-request.js';

/** Failures of one request in a row. */
export interface KeyFailure {
  readonly error: AssetTokenError;
  readonly failures: number;
  /** Whether a usable token was held meanwhile: once it expires, the steps begin anew. */
  readonly held: boolean;
  /** No other attempt before, by the monotonic clock. */
  readonly until: number;
}

/** What is known of one key; see {@link AssetTokenService.snapshot}. */
export interface AssetTokenSnapshot {
  /** The client's name; `undefined` for the default one. */
  readonly client: string | undefined;
  readonly scopes: ScopeSet | undefined;
  readonly businessId: string | undefined;
  readonly resource: readonly string[] | undefined;
  /** `'empty'`: no token was ever had. */
  readonly state: 'fresh' | 'stale' | 'expired' | 'empty';
  readonly issuedAt: Date | undefined;
  readonly refreshAt: Date | undefined;
  readonly expiresAt: Date | undefined;
  /** How often a token was served from memory. */
  readonly uses: number;
  /** Whether a request for the next token is under way. */
  readonly refreshing: boolean;
  /** Whether another process fetched the token, and this one found it in the store. */
  readonly shared: boolean;
  /** The latest failure, unless a token has arrived since. */
  readonly lastError: { readonly code: AssetAuthErrorCode; readonly message: string } | undefined;
}

const LONGEST_COOL_DOWN_MS = 30_000;
const SHORTEST_SAME_TOKEN_REST_MS = 1000;

/** All that is known of one key: its token, how it is used, and how its requests fared. Moments are monotonic. */
export class CacheEntry implements Queued {
  readonly request: AccessTokenRequest;
  /** Whether the cache holds it: for good, or for as long as there is room. */
  isCached = false;
  isPinned = false;
  /** Whether it ever had a token, also before the cache forgot it. */
  hadToken = false;
  /** Its last request got no answer in time, or a failure only after long: the next may hold its slot as long. */
  #hasHung = false;
  /** When the scheduler looks at it next, and where it stands in the scheduler's queue. */
  dueAt = 0;
  heapIndex = -1;
  #token: AccessToken | undefined;
  /** Settled with the token, so that a cached token costs its caller no allocation. */
  #settled: Promise<AccessToken> | undefined;
  #generation: string | undefined;
  #isShared = false;
  /** The application gave the token up; it is kept to recognise it when it is handed out again. */
  #isInvalidated = false;
  readonly #uses: TokenUses = { fresh: 0, stale: 0 };
  #isUsedSinceRefresh = false;
  #failure: KeyFailure | undefined;
  #lastError: AssetTokenError | undefined;
  #sameTokenUntil = 0;
  #restUntil = 0;
  #coolDownUntil = 0;

  constructor(request: AccessTokenRequest) {
    this.request = request;
  }

  state(clock: AssetClock): TokenState {
    return this.#token === undefined || this.#isInvalidated
      ? 'expired'
      : tokenState(lifeOf(this.#token), clock);
  }

  /** Whether it never had a token, nor has the application pinned it: a caller can make up any number of these. */
  get isNewcomer(): boolean {
    return !this.hadToken && !this.isPinned;
  }

  get hasHung(): boolean {
    return this.#hasHung;
  }

  /** Whether it has a usable token. */
  isHeld(clock: AssetClock): boolean {
    return this.state(clock) !== 'expired';
  }

  /** Its token, if that is usable. */
  held(clock: AssetClock): AccessToken | undefined {
    return this.isHeld(clock) ? this.#token : undefined;
  }

  /** A promise of its token, usable or not. */
  get settled(): Promise<AccessToken> | undefined {
    return this.#settled;
  }

  /** Milliseconds for which the held token may still be used. */
  remainingMs(clock: AssetClock): number {
    return this.#isInvalidated ? 0 : Math.max(0, this.lapsesInMs(clock));
  }

  /** Milliseconds until the token's expiry, even if it was invalidated. */
  lapsesInMs(clock: AssetClock): number {
    return this.#token === undefined ? 0 : remainingMs(lifeOf(this.#token), clock);
  }

  /** How long before its expiry the token is refreshed, in milliseconds. */
  get windowMs(): number {
    return this.#token === undefined ? 0 : lifeOf(this.#token).windowMs;
  }

  /** The life of the held token if it has this value. */
  lifeOf(value: string): TokenLife | undefined {
    return this.#token?.value === value ? lifeOf(this.#token) : undefined;
  }

  /** The generation under which processes share its token, if they do. */
  get generation(): string | undefined {
    return this.#generation;
  }

  /** A new token has arrived: failures are forgotten. */
  hold(token: AccessToken, generation?: string, isShared = false): void {
    this.#token = token;
    this.#generation = generation;
    this.#isShared = isShared;
    this.#settled = Promise.resolve(token);
    this.hadToken = true;
    this.#hasHung = false;
    this.#isInvalidated = false;
    this.#isUsedSinceRefresh = false;
    this.#failure = undefined;
    this.#lastError = undefined;
    this.#restUntil = 0;
    this.#sameTokenUntil = 0;
  }

  /** The token that arrived is the one that was held: asking again at once would bring it once more (google-auth-library-python#581). */
  restAfterSameToken(clock: AssetClock): void {
    const restMs = Math.max(SHORTEST_SAME_TOKEN_REST_MS, this.lapsesInMs(clock) / 2);
    this.#sameTokenUntil = clock.monotonic() + restMs;
    this.#restUntil = this.#sameTokenUntil;
  }

  /** The held token, while the endpoint is known to hand out no other. */
  sameTokenForNow(clock: AssetClock): Promise<AccessToken> | undefined {
    return this.isHeld(clock) && clock.monotonic() < this.#sameTokenUntil ? this.#settled : undefined;
  }

  /** Gives up the token of this value; nothing if a newer one has taken its place. */
  invalidate(value: string): boolean {
    if (this.#token?.value !== value) return false;
    this.#isInvalidated = true;
    return true;
  }

  get isInvalidated(): boolean {
    return this.#isInvalidated;
  }

  /** Forgets the token, and nothing else. Callers may still hold the entry. */
  dropToken(): void {
    this.#token = undefined;
    this.#settled = undefined;
    this.#generation = undefined;
  }

  /** Its token is served from memory. */
  markUse(state: keyof TokenUses): void {
    this.#uses[state] += 1;
    this.#isUsedSinceRefresh = true;
  }

  get uses(): Readonly<TokenUses> {
    return this.#uses;
  }

  /** Whether its next token is fetched ahead: refreshing follows use. */
  get isWanted(): boolean {
    return this.isPinned || this.#isUsedSinceRefresh;
  }

  get hasFailed(): boolean {
    return this.#lastError !== undefined;
  }

  /** Whether the endpoint gave no answer when it was last asked, not long ago. */
  isUnanswered(clock: AssetClock): boolean {
    const { error, until } = this.#failure ?? {};
    if (error?.code !== 'ASSET_TOKEN_UNAVAILABLE' || until === undefined) return false;
    return clock.monotonic() < until + FORGOTTEN_AFTER_MS;
  }

  /** Failures in a row, one more included. */
  failuresWithThis(clock: AssetClock): number {
    const failure = this.#failure;
    if (failure?.held !== this.isHeld(clock)) return 1;
    return clock.monotonic() < failure.until + FORGOTTEN_AFTER_MS ? failure.failures + 1 : 1;
  }

  /**
   * The failure that forbids asking now, if one does. A pause in the background ends with the token that served
   * meanwhile, also where that ended early: given up, or gone while the machine slept.
   */
  failureInForce(clock: AssetClock): KeyFailure | undefined {
    const failure = this.#failure;
    if (failure === undefined || clock.monotonic() >= failure.until) return undefined;
    return failure.held && !this.isHeld(clock) ? undefined : failure;
  }

  /** What its last request failed with, for the snapshot and for health, and whether it hung, by which the next one queues. */
  noteError(error: AssetTokenError, hasHung: boolean): void {
    this.#lastError = error;
    this.#hasHung = hasHung;
  }

  /** Its request gave way: from now on it queues as one that hung. */
  noteSilence(): void {
    this.#hasHung = true;
  }

  /** Remembers a failure of this very request: no other attempt before a pause is over. */
  rememberFailure(
    error: AssetTokenError,
    { random, orderedWaitMs = 0 }: { readonly random: number; readonly orderedWaitMs?: number | undefined },
    clock: AssetClock,
  ): void {
    const failures = this.failuresWithThis(clock);
    const until = this.#endOfPause(Math.max(orderedWaitMs, backoffMs(failures, random)), clock);
    this.#failure = { error, failures, held: this.isHeld(clock), until };
    this.#restUntil = until;
  }

  /** No background attempt for a while. */
  rest(waitMs: number, clock: AssetClock): void {
    this.#restUntil = Math.max(this.#restUntil, this.#endOfPause(waitMs, clock));
  }

  /** Milliseconds until the next background attempt may be made; 0 or less: now. */
  restsForMs(clock: AssetClock): number {
    return this.#restUntil - clock.monotonic();
  }

  /** While a usable token is held, several attempts must fit into what is left of it. */
  #endOfPause(waitMs: number, clock: AssetClock): number {
    const remaining = this.remainingMs(clock);
    return clock.monotonic() + (remaining > 0 ? shortenedToFit(waitMs, remaining) : waitMs);
  }

  /** Whether the key was renewed after a 401 a moment ago: until then, another 401 renews nothing. */
  isCoolingDown(clock: AssetClock): boolean {
    return clock.monotonic() < this.#coolDownUntil;
  }

  /** @param lifeMs - the life of the rejected token: short-lived tokens cool down for less */
  coolDown(lifeMs: number, clock: AssetClock): void {
    this.#coolDownUntil = clock.monotonic() + Math.min(LONGEST_COOL_DOWN_MS, lifeMs / 4);
  }

  snapshot(clock: AssetClock, refreshing: boolean, client?: string): AssetTokenSnapshot {
    const token = this.#token;
    const error = this.#lastError;
    return {
      client,
      scopes: this.request.scopes,
      businessId: this.request.businessId,
      resource: this.request.resource,
      state: token === undefined ? 'empty' : this.state(clock),
      issuedAt: token?.issuedAt,
      refreshAt: token?.refreshAt,
      expiresAt: token?.expiresAt,
      uses: this.#uses.fresh + this.#uses.stale,
      refreshing,
      shared: token !== undefined && this.#isShared,
      lastError: error && { code: error.code, message: error.message },
    };
  }
}
