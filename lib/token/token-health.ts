import type { AssetClock } from '../config/clock.js';
import { type CacheEntry, FORGOTTEN_AFTER_MS, type TokenUses } from './cache-entry.js';
import type { EndpointTrouble } from './endpoint-circuit.js';
import type { AssetTokenErrorCode } from './endpoint/token.errors.js';

/** How a client fares; see {@link AssetTokenService.health}. Counts and codes only: health pages are often public. */
export interface AssetTokenHealth {
  /** The client's name; `undefined` for the default one. */
  readonly client: string | undefined;
  /**
   * `'down'`: the credentials are rejected, or token requests fail and no usable token is left. `'degraded'`: they fail but
   * tokens serve, or fail for new businesses alone, or the store is out of use. `'up'`: else, and also once nobody has asked
   * for a minute after the pause that follows a failure.
   */
  readonly status: 'up' | 'degraded' | 'down';
  /** What token requests fail with. */
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
 * of rotation. Only where no key that ever had a token gets an answer, as with a single one, is there no need of a circuit.
 * A trouble that nobody has put to the test for a while is none: who is out of rotation has no callers to do it.
 */
export function tokenHealth(
  { client, trouble: known, storeInUse, entries, uses }: TokenHealthInput,
  clock: AssetClock,
): AssetTokenHealth {
  const usable = entries.flatMap((entry) => entry.held(clock) ?? []);
  const ends = usable.map(({ expiresAt }) => expiresAt.getTime());
  const isPast = known === undefined || clock.monotonic() >= known.until + FORGOTTEN_AFTER_MS;
  const trouble = isPast ? unanswered(entries, clock) : { ...known, code: known.error.code };
  const error = trouble?.code;
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

interface Trouble {
  readonly code: AssetTokenErrorCode;
  readonly isEverybodys: boolean;
}

/** No key that ever had a token gets an answer, although too few of them have asked to open the circuit. */
function unanswered(entries: readonly CacheEntry[], clock: AssetClock): Trouble | undefined {
  const known = entries.filter(({ standing }) => standing !== 'newcomer');
  const isSo = known.length > 0 && known.every((entry) => entry.isUnanswered(clock));
  return isSo ? { code: 'ASSET_TOKEN_UNAVAILABLE', isEverybodys: true } : undefined;
}
