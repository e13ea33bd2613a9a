import {
  type AccessToken,
  remainingMs,
  tokenState,
  type TokenLife,
  type TokenState,
} from './access-token.js';
import type { AccessTokenRequest } from './token-request.js';
import type { AssetClock } from '../config/clock.js';
import { backoffMs, shortenedToFit } from '../retry/backoff.js';
import type { Due } from '../retry/priority-queue.js';
import type { AssetTokenError } from './endpoint/token.errors.js';
import type { AssetAuthErrorCode } from '../config/asset-auth.errors.js';
import type { ScopeSet } from '../config/scope-set.js';

/** Failures of one request in a row. */
export interface KeyFailure {
  readonly error: AssetTokenError;
  readonly failures: number;
  /** Whether a usable token was held meanwhile: once it expires, the steps begin anew. */
  readonly held: boolean;
  /** Not asked again before, by the monotonic clock. */
  readonly until: number;
}

/** A second of the year 1935: no clock shows an earlier one. */
const NEVER = -(2 ** 30);

/** All that is known of one key: its token, how it is used, and how its requests fared. */
export class TokenEntry implements Due {
  // First what each lookup needs, so that it lies together in memory.
  token: AccessToken | undefined;
  /** Settled with the token, so that a cached token costs its caller no allocation. */
  settled: Promise<AccessToken> | undefined;
  /** In seconds: as milliseconds it would be too large to lie in the entry itself. */
  #freshUntilSecond = NEVER;
  /** Whether it is in the cache, for good or for as long as there is room. */
  kept = false;
  /** When the cache last put it in front, by the cache's own count. */
  movedAt = 0;
  uses = 0;
  usedSinceRefresh = false;

  readonly request: AccessTokenRequest;
  life: TokenLife | undefined;
  /** The token was given up by the application; it is kept to recognise it when it is handed out again. */
  invalidated = false;
  pinned = false;
  failure: KeyFailure | undefined;
  /** Why the latest request failed, whoever was to blame; `undefined` once a token has arrived. */
  lastError: AssetTokenError | undefined;
  /** The endpoint handed out the same token again: nobody asks before, by the monotonic clock. */
  sameTokenUntil = 0;
  /** No background attempt before, by the monotonic clock. */
  quietUntil = 0;
  /** A 401 spends nothing before, by the monotonic clock. */
  coolDownUntil = 0;
  /** When the scheduler looks at it next, by the monotonic clock, and where it stands in its queue; -1: nowhere. */
  dueAt = 0;
  duePlace = -1;

  constructor(request: AccessTokenRequest) {
    this.request = request;
  }

  /**
   * Fresh without a second look before, by the wall clock, to the second. The scheduler sets it, watches the monotonic
   * clock for it, and takes it back when its timer is due; so the request path reads one clock.
   */
  get freshUntil(): number {
    return 1000 * this.#freshUntilSecond;
  }

  set freshUntil(moment: number) {
    this.#freshUntilSecond = Math.floor(moment / 1000);
  }

  /** Each look is a second one from now on. */
  takeBackFresh(): void {
    this.#freshUntilSecond = NEVER;
  }

  state(clock: AssetClock): TokenState {
    if (clock.now() < this.freshUntil) return 'fresh';
    return this.life === undefined || this.invalidated ? 'expired' : tokenState(this.life, clock);
  }

  /** Whether it has a usable token. */
  isHeld(clock: AssetClock): boolean {
    return this.state(clock) !== 'expired';
  }

  /** Its token, if that is usable. */
  held(clock: AssetClock): AccessToken | undefined {
    return this.isHeld(clock) ? this.token : undefined;
  }

  /** Milliseconds for which the held token may still be used. */
  remaining(clock: AssetClock): number {
    return this.life === undefined || this.invalidated ? 0 : Math.max(0, remainingMs(this.life, clock));
  }

  /** When it turns stale, by the wall clock. */
  get refreshAt(): number {
    return this.life === undefined ? 0 : this.life.sent.wall + this.life.lifeMs - this.life.windowMs;
  }

  /** Milliseconds until there is nothing left to know of its token, given up or not. */
  lapsesIn(clock: AssetClock): number {
    return this.life === undefined ? 0 : remainingMs(this.life, clock);
  }

  hold(token: AccessToken, life: TokenLife): void {
    this.token = token;
    this.life = life;
    this.settled = Promise.resolve(token);
    this.takeBackFresh();
    this.invalidated = false;
    this.usedSinceRefresh = false;
    this.failure = undefined;
    this.lastError = undefined;
    this.quietUntil = 0;
    this.sameTokenUntil = 0;
  }

  /** Whoever still holds on to the entry holds no token any more. */
  letGo(): void {
    this.kept = false;
    this.dropToken();
  }

  /** Forgets the token, and nothing else that is known. */
  dropToken(): void {
    this.token = undefined;
    this.life = undefined;
    this.settled = undefined;
    this.takeBackFresh();
  }

  /** Failures in a row, one more included. */
  failuresWithThis(clock: AssetClock): number {
    return this.failure?.held === this.isHeld(clock) ? this.failure.failures + 1 : 1;
  }

  markUse(): void {
    this.uses += 1;
    this.usedSinceRefresh = true;
  }

  /**
   * The failure that forbids asking now, if one does. A pause in the background ends with the token that served
   * meanwhile, also where that ended early: given up, or gone while the machine slept.
   */
  failureInForce(clock: AssetClock): KeyFailure | undefined {
    const { failure } = this;
    if (failure === undefined || clock.monotonic() >= failure.until) return undefined;
    return failure.held && !this.isHeld(clock) ? undefined : failure;
  }

  /** Remembers a failure of this very request, and that nobody asks again before the pause is over. */
  rememberFailure(error: AssetTokenError, random: number, clock: AssetClock): void {
    const failures = this.failuresWithThis(clock);
    const until = this.#endOfPause(backoffMs(failures, random), clock);
    this.failure = { error, failures, held: this.isHeld(clock), until };
    this.quietUntil = until;
  }

  /** No background attempt for a while. */
  rest(waitMs: number, clock: AssetClock): void {
    this.quietUntil = Math.max(this.quietUntil, this.#endOfPause(waitMs, clock));
  }

  /** While a usable token is held, several attempts must fit into what is left of it. */
  #endOfPause(waitMs: number, clock: AssetClock): number {
    const remaining = this.remaining(clock);
    return clock.monotonic() + (remaining > 0 ? shortenedToFit(waitMs, remaining) : waitMs);
  }

  /** Whether its next token is fetched without anybody asking. */
  get isWanted(): boolean {
    return this.pinned || this.usedSinceRefresh;
  }
}

/** What is known of one key; see {@link AssetTokenService.snapshot}. */
export interface AssetTokenSnapshot {
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
  /** The latest failure, unless a token has arrived since. */
  readonly lastError: { readonly code: AssetAuthErrorCode; readonly message: string } | undefined;
}

export function snapshotOf(entry: TokenEntry, clock: AssetClock, refreshing: boolean): AssetTokenSnapshot {
  const { request, token, uses, lastError } = entry;
  return {
    scopes: request.scopes,
    businessId: request.businessId,
    resource: request.resource,
    state: token === undefined ? 'empty' : entry.state(clock),
    issuedAt: token?.issuedAt,
    refreshAt: token?.refreshAt,
    expiresAt: token?.expiresAt,
    uses,
    refreshing,
    lastError: lastError && { code: lastError.code, message: lastError.message },
  };
}
