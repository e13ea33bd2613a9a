import type { AssetClock } from '../config/clock.js';
import type { CacheEntry } from './cache-entry.js';
import type { EndpointTrouble } from './endpoint-circuit.js';
import type { AssetTokenErrorCode } from './endpoint/token.errors.js';

/** How a client fares; see {@link AssetTokenService.health}. Counts and codes only: health pages are often public. */
export interface AssetTokenHealth {
  /** The client's name; `undefined` for the default one. */
  readonly client: string | undefined;
  /**
   * `'down'`: the credentials are rejected, or token requests pause and no usable token is left. `'degraded'`: they pause but
   * tokens serve, or pause for new businesses alone, or the store is out of use. `'up'`: else.
   */
  readonly status: 'up' | 'degraded' | 'down';
  /** What token requests fail with, while they pause. */
  readonly error: AssetTokenErrorCode | undefined;
  /** Whether the store that processes share is in use; `undefined`: there is none. */
  readonly storeInUse: boolean | undefined;
  /** Tokens that can be handed out. */
  readonly usableTokens: number;
  /** When the first of them expires. */
  readonly usableUntil: Date | undefined;
}

/** What the verdict is made of. */
export interface TokenHealthInput {
  readonly client: string | undefined;
  readonly trouble: EndpointTrouble | undefined;
  readonly storeInUse: boolean | undefined;
  readonly entries: readonly CacheEntry[];
}

/**
 * The verdict. What fails for one key counts for nothing: a caller who names an unknown business would take the application out
 * of rotation.
 */
export function tokenHealth(
  { client, trouble, storeInUse, entries }: TokenHealthInput,
  clock: AssetClock,
): AssetTokenHealth {
  const usable = entries.flatMap((entry) => entry.held(clock) ?? []);
  const ends = usable.map(({ expiresAt }) => expiresAt.getTime());
  const error = trouble?.error.code;
  const isRejected = error === 'ASSET_CREDENTIALS_REJECTED';
  const isDown = trouble?.isEverybodys === true && (isRejected || usable.length === 0);
  const isDegraded = trouble !== undefined || storeInUse === false;
  return {
    client,
    status: isDown ? 'down' : isDegraded ? 'degraded' : 'up',
    error,
    storeInUse,
    usableTokens: usable.length,
    usableUntil: ends.length === 0 ? undefined : new Date(Math.min(...ends)),
  };
}
