import { type AssetClock, setDeadline } from '../config/clock.js';
import { type AccessToken, lifeOf, remainingMs } from './access-token.js';
import type { CacheEntry } from './cache-entry.js';
import { AssetClosedError } from './endpoint/token.errors.js';
import type { GetAccessTokenOptions } from './token-request.js';

/** Whether the present token lasts shorter than its caller would like, and the next one would do better. */
export const lastsTooShort = (
  entry: CacheEntry,
  { minimumLifeMs = 0 }: GetAccessTokenOptions,
  clock: AssetClock,
): boolean => entry.remainingMs(clock) < Math.min(minimumLifeMs, entry.windowMs / 2);

/** A caller's patience with the next token is over, and the present one serves it. */
export class PatienceOver extends Error {}

/**
 * Waits for the next token, for half of the time that the caller and the present token have at most: an endpoint that hangs
 * must not take a usable token away.
 *
 * @param next - waits for the next token of the key, until the signal aborts
 */
export async function nextOrHeld(
  entry: CacheEntry,
  { signal, minimumLifeMs = 0 }: GetAccessTokenOptions,
  clock: AssetClock,
  next: (signal: AbortSignal | undefined) => Promise<AccessToken>,
): Promise<AccessToken> {
  const present = entry.held(clock);
  const patience = new AbortController();
  const patienceMs = Math.min(minimumLifeMs, entry.remainingMs(clock)) / 2;
  const end = (): void => {
    patience.abort(new PatienceOver());
  };
  const cancelTimer = setDeadline(end, patienceMs, clock, { ref: true });
  try {
    return await next(AbortSignal.any(signal === undefined ? [patience.signal] : [patience.signal, signal]));
  } catch (error) {
    if (signal?.aborted || error instanceof AssetClosedError) throw error;
    const held = entry.held(clock) ?? (entry.isInvalidated ? undefined : present);
    // An entry that was evicted meanwhile holds no token any more. The caller's is as good as it was.
    if (held !== undefined && remainingMs(lifeOf(held), clock) > 0) return held;
    if (patience.signal.aborted) return await next(signal);
    throw error;
  } finally {
    cancelTimer();
  }
}
