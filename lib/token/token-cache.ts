import { LRUCache } from 'lru-cache';
import type { AssetAuthConfig } from '../config/asset-auth.config.js';
import { CacheEntry } from './cache-entry.js';
import { type AccessTokenRequest, type AssetTokenRequest, TokenRequestResolver } from './token-request.js';

/**
 * The tokens in the memory of this process: at most `maxTokens`, the least recently used leaves first, pinned ones never.
 * A key enters with its first result, so unknown keys evict nothing. A store that processes share would stand before the
 * endpoint, not here.
 */
export class TokenCache {
  readonly #resolver: TokenRequestResolver;
  readonly #pinned = new Map<string, CacheEntry>();
  readonly #recent: LRUCache<string, CacheEntry>;

  /**
   * @param onLeave - called for each entry that leaves
   */
  constructor(config: AssetAuthConfig, onLeave: (entry: CacheEntry) => void) {
    this.#resolver = new TokenRequestResolver(config);
    this.#recent = new LRUCache({
      max: config.maxTokens,
      dispose: (entry) => {
        // A pinned one only moves.
        if (entry.isPinned) return;
        letGo(entry);
        onLeave(entry);
      },
    });
  }

  /**
   * The entry for what a caller asks, marked as used; one outside of the cache for a key that has no result yet.
   *
   * @throws what {@link TokenRequestResolver.request} throws
   */
  find(asked: AssetTokenRequest): CacheEntry {
    const fields = this.#resolver.fieldsOf(asked);
    const known = this.#recent.get(fields) ?? this.#pinned.get(fields);
    return known ?? new CacheEntry(this.#resolver.request(asked));
  }

  /** Looks without using. */
  peek({ fields }: AccessTokenRequest): CacheEntry | undefined {
    return this.#recent.peek(fields) ?? this.#pinned.get(fields);
  }

  /** The entry of a request, from now on in the cache. */
  keep(request: AccessTokenRequest): CacheEntry {
    const known = this.#recent.get(request.fields) ?? this.#pinned.get(request.fields);
    if (known !== undefined) return known;
    const entry = new CacheEntry(request);
    entry.isCached = true;
    this.#recent.set(request.fields, entry);
    return entry;
  }

  /** The entry of a request, which never leaves from now on. */
  pin(request: AccessTokenRequest): CacheEntry {
    const entry = this.keep(request);
    entry.isPinned = true;
    this.#pinned.set(request.fields, entry);
    this.#recent.delete(request.fields);
    return entry;
  }

  delete(entry: CacheEntry): void {
    if (entry.isCached) this.#recent.delete(entry.request.fields);
  }

  entries(): CacheEntry[] {
    return [...this.#pinned.values(), ...this.#recent.values()];
  }

  clear(): void {
    for (const entry of this.#pinned.values()) letGo(entry);
    this.#pinned.clear();
    this.#recent.clear();
  }
}

/** Callers may still hold the entry: it must hold no token any more. */
function letGo(entry: CacheEntry): void {
  entry.isCached = false;
  entry.dropToken();
}
