import type { AssetAuthConfig } from '../config/asset-auth.config.js';
import {
  assertKnownNames,
  TokenRequestResolver,
  type AssetTokenRequest,
} from './request/token-request.resolver.js';
import type { TokenCache } from './token-cache.js';
import { TokenEntry } from './token-entry.js';
import { TokenEntryMemo } from './token-entry.memo.js';

/** Finds the entry for what a caller says, so that the path of a cached token resolves nothing. */
export class TokenEntries {
  readonly #resolver: TokenRequestResolver;
  readonly #memo: TokenEntryMemo;
  readonly #cache: TokenCache;

  constructor(config: AssetAuthConfig, cache: TokenCache) {
    this.#resolver = new TokenRequestResolver(config);
    this.#memo = new TokenEntryMemo(2 * config.maxTokens);
    this.#cache = cache;
  }

  /**
   * The kept entry, or one that is not in the cache yet: what is only waited for takes no place from what is kept.
   *
   * @throws what {@link TokenRequestResolver.resolve} throws
   */
  entryFor(said: AssetTokenRequest): TokenEntry {
    assertKnownNames(said);
    const known = this.#memo.find(said);
    return known?.kept === true ? known : this.#resolved(readOnce(said));
  }

  #resolved(said: AssetTokenRequest): TokenEntry {
    const known = this.#memo.find(said);
    const request = known?.request ?? this.#resolver.resolve(said);
    const entry = this.#cache.find(request.key) ?? known ?? new TokenEntry(request);
    if (entry !== known) this.#memo.remember(said, entry);
    return entry;
  }
}

/** What is checked is what is remembered: a getter could answer something else the next time. */
const readOnce = ({ scopes, businessId, resource }: AssetTokenRequest): AssetTokenRequest => ({
  scopes: Array.isArray(scopes) ? [...(scopes as readonly string[])] : scopes,
  businessId,
  resource,
});
