import type { AssetClock, Instant } from '../config/clock.js';

/** Where a token is in its life. */
export type TokenState = 'fresh' | 'stale' | 'expired';

/** The span of one token's life, from when its request was sent. Milliseconds. */
export interface TokenLife {
  readonly sent: Instant;
  readonly lifeMs: number;
  /** Part of the life, at its end, in which the token is stale. */
  readonly windowMs: number;
}

/**
 * How long the token has lived. The later of the two clocks is right: the wall clock may have been set back, the
 * monotonic one stands still while the machine sleeps.
 */
export function ageMs({ sent }: TokenLife, clock: AssetClock): number {
  return Math.max(clock.now() - sent.wall, clock.monotonic() - sent.monotonic);
}

export const remainingMs = (life: TokenLife, clock: AssetClock): number => life.lifeMs - ageMs(life, clock);

export function tokenState(life: TokenLife, clock: AssetClock): TokenState {
  const remaining = remainingMs(life, clock);
  if (remaining <= 0) return 'expired';
  return remaining <= life.windowMs ? 'stale' : 'fresh';
}

/** The same token handed out again lives no longer than was known: a life that ends when the earlier of the two does. */
export function earlierEnd(known: TokenLife, next: TokenLife, clock: AssetClock): TokenLife {
  const lifeMs = Math.min(remainingMs(known, clock) + ageMs(next, clock), next.lifeMs);
  return { ...next, lifeMs, windowMs: Math.min(next.windowMs, Math.max(lifeMs, 0) / 2) };
}
