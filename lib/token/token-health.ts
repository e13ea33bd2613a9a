import type { AssetClock } from '../config/clock.js';
import type { CacheEntry, TokenUses } from './cache-entry.js';
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
  /** Those of them that are due: the next is being fetched, or will be once they are used. */
  readonly staleTokens: number;
  /** When the first of them expires. */
  readonly usableUntil: Date | undefined;
  /** How often tokens were served from memory since the start. */
  readonly uses: { readonly fresh: number; readonly stale: number };
}

/** What the verdict is made of. */
export interface TokenHealthInput {
  readonly client: string | undefined;
  readonly trouble: EndpointTrouble | undefined;
  readonly storeInUse: boolean | undefined;
  readonly entries: readonly CacheEntry[];
  readonly uses: Readonly<TokenUses>;
}

/**
 * The verdict. What fails for one key counts for nothing: a caller who names an unknown business would take the application out
 * of rotation.
 */
export function tokenHealth(
  { client, trouble, storeInUse, entries, uses }: TokenHealthInput,
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
    staleTokens: entries.filter((entry) => entry.state(clock) === 'stale').length,
    usableUntil: ends.length === 0 ? undefined : new Date(ends.reduce((one, other) => Math.min(one, other))),
    uses,
  };
}
