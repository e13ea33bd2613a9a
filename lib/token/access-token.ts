// A token, and where it is in its life.
import { inspect } from 'node:util';
import type { AssetClock, Instant } from '../config/clock.js';
import type { ScopeSet } from '../config/scope-set.js';
import type { IssuedToken } from './endpoint/token-response.js';
import type { AccessTokenRequest } from './token-request.js';

/** Where a token is in its life: before its refresh point, past it but usable, past its expiry. */
export type TokenState = 'fresh' | 'stale' | 'expired';

/** How often tokens were served from memory, by their state. */
export interface TokenUses {
  fresh: number;
  stale: number;
}

/** The span of one token's life, from when its request was sent. Milliseconds. */
export interface TokenLife {
  readonly issuedAt: Instant;
  readonly lifeMs: number;
  /** The part of the life, at its end, in which the token is stale. */
  readonly windowMs: number;
}

const REDACTED = '[redacted]';

let readRequest: (token: AccessToken) => AccessTokenRequest;
let readLife: (token: AccessToken) => TokenLife;

/**
 * An access token. Only `value` gives the secret; everywhere else (logs, `JSON.stringify`, template strings,
 * `util.inspect`) it prints as `[redacted]`.
 *
 * @example
 * ```ts
 * const token = await tokens.getAccessToken({ scopes: ['ledger:read'] });
 * socket.connect({ headers: { authorization: `Bearer ${token.value}` } });
 * ```
 */
export class AccessToken {
  static {
    readRequest = (token) => token.#request;
    readLife = (token) => token.#life;
  }

  readonly #value: string;
  readonly #request: AccessTokenRequest;
  readonly #life: TokenLife;

  constructor(value: string, request: AccessTokenRequest, life: TokenLife) {
    this.#value = value;
    this.#request = request;
    this.#life = life;
    Object.freeze(this);
  }

  /** The secret, as it goes after `Bearer ` (RFC 6750 §2.1). */
  get value(): string {
    return this.#value;
  }

  /** When the request for it was sent, by this machine's clock. */
  get issuedAt(): Date {
    return new Date(this.#life.issuedAt.wall);
  }

  /** From when on its successor is fetched in the background. */
  get refreshAt(): Date {
    return new Date(Math.ceil(this.#life.issuedAt.wall + this.#life.lifeMs - this.#life.windowMs));
  }

  /** When it stops being handed out. */
  get expiresAt(): Date {
    return new Date(this.#life.issuedAt.wall + this.#life.lifeMs);
  }

  /** The scopes that were asked for; `undefined` when none were, which grants everything the client has. */
  get scopes(): ScopeSet | undefined {
    return this.#request.scopes;
  }

  /** The business that it is narrowed to. */
  get businessId(): string | undefined {
    return this.#request.businessId;
  }

  /** The resource indicators that it was asked for with (RFC 8707). */
  get resource(): readonly string[] | undefined {
    return this.#request.resource;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): object {
    return {
      value: REDACTED,
      issuedAt: this.issuedAt,
      refreshAt: this.refreshAt,
      expiresAt: this.expiresAt,
      scopes: this.scopes,
      businessId: this.businessId,
      resource: this.resource,
    };
  }

  [inspect.custom](): string {
    return `AccessToken ${inspect(this.toJSON())}`;
  }
}

/** The request that a token answers. Not part of the public API. */
export const requestOf = (token: AccessToken): AccessTokenRequest => readRequest(token);

/** The life of a token. Not part of the public API. */
export const lifeOf = (token: AccessToken): TokenLife => readLife(token);

/**
 * How long the token has lived. The later of the two clocks is right: the wall clock may have been set back, the
 * monotonic one stands still while the machine sleeps.
 */
export function ageMs({ issuedAt }: TokenLife, clock: AssetClock): number {
  return Math.max(clock.now() - issuedAt.wall, clock.monotonic() - issuedAt.monotonic);
}

/** Milliseconds until it expires; negative once it has. */
export const remainingMs = (life: TokenLife, clock: AssetClock): number => life.lifeMs - ageMs(life, clock);

export function tokenState(life: TokenLife, clock: AssetClock): TokenState {
  const remaining = remainingMs(life, clock);
  if (remaining <= 0) return 'expired';
  return remaining <= life.windowMs ? 'stale' : 'fresh';
}

/**
 * The same token handed out again lives no longer than was known: a life that ends when the earlier of the two does. What
 * was known is measured by the monotonic clock: the endpoint says that the token goes on, so a wall clock that has ended
 * it, or has come close, was set forward.
 */
export function earlierEnd(known: TokenLife, next: TokenLife, clock: AssetClock): TokenLife {
  const left = known.lifeMs - (clock.monotonic() - known.issuedAt.monotonic);
  const lifeMs = Math.min(left + ageMs(next, clock), next.lifeMs);
  return { ...next, lifeMs, windowMs: Math.min(next.windowMs, Math.max(lifeMs, 0) / 2) };
}

/**
 * The life of a token that has just arrived.
 *
 * @param known - its life, if it is held already
 */
export function arrivedLife(
  { issuedAt, lifeMs, requestMs }: Pick<IssuedToken, 'issuedAt' | 'lifeMs' | 'requestMs'>,
  known: TokenLife | undefined,
  plan: Pick<StaleWindowInput, 'refreshAheadRatio' | 'jitter'>,
  clock: AssetClock,
): TokenLife {
  const next = { issuedAt, lifeMs, windowMs: staleWindowMs({ lifeMs, requestMs, ...plan }) };
  return known === undefined ? next : earlierEnd(known, next, clock);
}

/** What the stale window depends on. */
export interface StaleWindowInput {
  readonly lifeMs: number;
  readonly refreshAheadRatio: number;
  /** In [0, 1), rolled once per token: rolled per call, the earliest bound would always win. */
  readonly jitter: number;
  /** How long the token request took. */
  readonly requestMs: number;
}

/**
 * Milliseconds before expiry from which the successor is fetched. Wide enough for two token requests: one-second tokens
 * of a slow endpoint would block callers otherwise. At most half the life, so that a token is fresh at all.
 */
export function staleWindowMs({ lifeMs, refreshAheadRatio, jitter, requestMs }: StaleWindowInput): number {
  return Math.min(Math.max(refreshAheadRatio * lifeMs * (1 + 0.2 * jitter), 2 * requestMs), lifeMs / 2);
}
