/** What a token may tell of itself. Everything is optional. */
export interface TokenClaims {
  /** Seconds since the epoch (RFC 7519 §4.1.4). */
  readonly exp?: number | undefined;
  /** Seconds since the epoch (RFC 7519 §4.1.6). */
  readonly iat?: number | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly businessId?: string | undefined;
}

/** The year 2100, in seconds. A larger number is no time in seconds: it is in milliseconds, perhaps. */
export const LATEST_TIME = 4_102_444_800;

const TEN_YEARS_MS = 315_360_000_000;
/** `expires_in` from here on is the moment of expiry, below it a number of seconds: 10⁹ s are 31 years. */
const TIMESTAMPS_FROM = 1e9;

/** What is known about the life of a token that has just arrived. Times in milliseconds, claims in seconds. */
export interface LifetimeEvidence {
  /** Wall clock when the request was sent. */
  readonly sentAt: number;
  /** Wall clock when the answer was complete. */
  readonly receivedAt: number;
  /** The answer's `Date`, unless a cache aged it (`Age` above 0). */
  readonly serverDate: number | undefined;
  readonly expiresIn: unknown;
  readonly claims: TokenClaims;
  readonly tokenTtlSeconds: number;
}

/**
 * Milliseconds that a token lives, counted from when its request was sent, or `undefined` if it arrived dead. Asset
 * documents three shapes of `expires_in`: a timestamp, seconds, absent. Expiry is derived, never trusted: the earlier
 * of `expires_in` and the JWT's own `exp` wins.
 */
export function lifetimeMs(evidence: LifetimeEvidence): number | undefined {
  const expiresIn = expiresInNumber(evidence.expiresIn);
  const lives: number[] = [];
  if (expiresIn !== undefined) {
    lives.push(expiresIn < TIMESTAMPS_FROM ? expiresIn * 1000 : lifeUntil(expiresIn, evidence));
  }
  if (evidence.claims.exp !== undefined) lives.push(lifeUntil(evidence.claims.exp, evidence));
  const life = lives.length > 0 ? Math.min(...lives) : evidence.tokenTtlSeconds * 1000;
  return life > 0 ? Math.min(life, TEN_YEARS_MS) : undefined;
}

/** What counts as a number in text: not all that `Number()` reads, such as `0x10` or `1e3`. */
const DECIMAL = /^-?\d+(\.\d+)?$/;

/** `expires_in` as a number; text that holds one counts, anything unreadable is as if absent. */
function expiresInNumber(expiresIn: unknown): number | undefined {
  const isDecimal = typeof expiresIn === 'string' && expiresIn.length < 100 && DECIMAL.test(expiresIn.trim());
  const value = typeof expiresIn === 'number' || isDecimal ? Number(expiresIn) : Number.NaN;
  // NaN fails every comparison.
  return value <= LATEST_TIME ? value : undefined;
}

/** Life until a moment that the server named by its own clock, whatever ours shows. */
function lifeUntil(second: number, evidence: LifetimeEvidence): number {
  const offset = serverOffsetMs(evidence);
  if (offset !== undefined) return second * 1000 - offset - evidence.sentAt;
  const { exp, iat } = evidence.claims;
  if (exp !== undefined && iat !== undefined) return (second - iat) * 1000;
  const byOurClock = second * 1000 - evidence.sentAt;
  return byOurClock > 0 ? byOurClock : evidence.tokenTtlSeconds * 1000;
}

/**
 * How far the server's clock is ahead of ours. It lies between `Date − received` and `Date + 1 s − sent`, since `Date`
 * is cut to the second. If it may be 0, it is taken for 0; else for the bound that lets the token expire earlier.
 */
function serverOffsetMs({ serverDate, sentAt, receivedAt }: LifetimeEvidence): number | undefined {
  if (serverDate === undefined) return undefined;
  const least = serverDate - receivedAt;
  const most = serverDate + 1000 - sentAt;
  return least <= 0 && most >= 0 ? 0 : most;
}
