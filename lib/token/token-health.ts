// Whether a client is well.
import type { AssetAuthConfig } from '../config/asset-auth.config.js';
import type { AssetClock } from '../config/clock.js';
import { FORGOTTEN_AFTER_MS } from '../retry/backoff.js';
import type { CircuitTrouble } from '../retry/circuit-breaker.js';
import type { AssetTokenError, AssetTokenErrorCode } from './endpoint/token.errors.js';
import type { TokenCache } from './token-cache.js';

/** How a client fares; see {@link AssetTokenService.health}. Counts and codes only: health pages are often public. */
export interface AssetTokenHealth {
  /** The client's name; `undefined` for the default one. */
  readonly client: string | undefined;
  /**
   * `'down'`: token requests fail, and no usable token is left. `'degraded'`: they fail but tokens serve, or fail for some only,
   * or the store is out of use. `'up'`: else, and also once nobody has asked for a minute after the pause that follows a
   * failure.
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
  readonly config: AssetAuthConfig;
  readonly trouble: CircuitTrouble<AssetTokenError> | undefined;
  readonly storeInUse: boolean | undefined;
  readonly cache: TokenCache;
}

interface Trouble {
  readonly code: AssetTokenErrorCode;
  /** Whether it is everybody's, so that nobody is served once no usable token is left. */
  readonly isEverybodys: boolean;
}

/** The verdict. */
export function tokenHealth(input: TokenHealthInput, clock: AssetClock): AssetTokenHealth {
  const { config, storeInUse, cache } = input;
  const entries = cache.entries();
  const ends = entries.flatMap((entry) => entry.held(clock)?.expiresAt.getTime() ?? []);
  const trouble = troubleOfEndpoint(input, clock) ?? troubleOfKeys(cache, clock);
  const isDown = trouble?.isEverybodys === true && ends.length === 0;
  const isDegraded = trouble !== undefined || storeInUse === false;
  return {
    client: config.name,
    status: isDown ? 'down' : isDegraded ? 'degraded' : 'up',
    error: trouble?.code,
    storeInUse,
    usableTokens: ends.length,
    staleTokens: entries.filter((entry) => entry.state(clock) === 'stale').length,
    usableUntil: ends.length === 0 ? undefined : new Date(ends.reduce((one, other) => Math.min(one, other))),
    uses: cache.uses(),
  };
}

/**
 * What opened the circuit. A secret that was rejected before any key had a token is wrong for everybody; otherwise what new keys
 * meet proves nothing, since somebody may have made them up.
 */
function troubleOfEndpoint(
  { config, trouble, cache }: TokenHealthInput,
  clock: AssetClock,
): Trouble | undefined {
  if (trouble === undefined) return undefined;
  // The request that tries it may be out for as long.
  const forgottenAt = trouble.until + config.tokenTimeoutMs + FORGOTTEN_AFTER_MS;
  if (clock.monotonic() >= forgottenAt) return undefined;
  const { code } = trouble.error;
  const hadNone = cache.keysThatLeft() === 0 && cache.entries().every(({ isNewcomer }) => isNewcomer);
  const isEverybodys = trouble.isEverybodys || (code === 'ASSET_CREDENTIALS_REJECTED' && hadNone);
  return { code, isEverybodys };
}

/**
 * Keys that get no answer, although too few have asked to open the circuit. What fails for one key counts for nothing, whether
 * somebody has made it up or Asset has a broken business, unless it is the only one that ever had a token.
 */
function troubleOfKeys(cache: TokenCache, clock: AssetClock): Trouble | undefined {
  const known = cache.entries().filter(({ isNewcomer }) => !isNewcomer);
  const failing = known.filter((entry) => entry.isUnanswered(clock)).length;
  const isEverybodys = failing === known.length + cache.keysThatLeft();
  const isTold = failing > 1 || (failing === 1 && isEverybodys);
  return isTold ? { code: 'ASSET_TOKEN_UNAVAILABLE', isEverybodys } : undefined;
}
