import type { AssetAuthErrorCode } from '../config/asset-auth.error.js';
import type { ScopeSet } from '../config/scope-set.js';
import type { AssetClock } from '../config/clock.js';
import type { TokenEntry } from './token-entry.js';

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
