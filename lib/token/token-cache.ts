import { LRUCache } from 'lru-cache';
import type { AssetAuthConfig } from '../config/asset-auth.config.js';
import type { TokenUses } from './access-token.js';
import { CacheEntry } from './cache-entry.js';
import { type AccessTokenRequest, type AssetTokenRequest, TokenRequestResolver } from './token-request.js';

/** Most keys without a token whose failures are remembered, the latest. */
const MAX_FAILED = 2000;

/**
 * The tokens in the memory of this process: at most `maxTokens`, the least recently used leaves first, pinned ones never.
 * The failures of keys that have no token here are remembered apart, so that naming businesses that do not exist pushes no
 * token out. Of a token that left, it stays known that there was one. The store that processes share
 * stands before the endpoint, not here: see `shared-refresh.ts`.
 */
export class TokenCache {
  readonly #resolver: TokenRequestResolver;
  readonly #pinned = new Map<string, CacheEntry>();
  readonly #recent: LRUCache<string, CacheEntry>;
  readonly #failed = new LRUCache<string, CacheEntry>({ max: MAX_FAILED });
  /** Keys that had a token before it left. */
  readonly #left: LRUCache<string, true>;
  /** Of entries that left. */
  readonly #pastUses: TokenUses = { fresh: 0, stale: 0 };
  #isInUse = false;

  /**
   * @param onLeave - called for each entry that leaves
   */
  constructor(config: AssetAuthConfig, onLeave: (entry: CacheEntry) => void) {
    this.#resolver = new TokenRequestResolver(config);
    this.#left = new LRUCache({ max: config.maxTokens });
    this.#recent = new LRUCache({
      max: config.maxTokens,
      dispose: (entry) => {
        // A pinned one only moves.
        if (entry.isPinned) return;
        letGo(entry);
        addUses(this.#pastUses, entry);
        this.#left.set(entry.request.fields, true);
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
    const cached = this.#recent.get(fields) ?? this.#pinned.get(fields);
    if (cached !== undefined) {
      this.#isInUse = true;
      return cached;
    }
    return this.#failed.get(fields) ?? this.#newEntry(this.#resolver.request(asked));
  }

  /** Whether any key was ever asked for that was here already. */
  get isInUse(): boolean {
    return this.#isInUse;
  }

  /** Looks without using. */
  peek({ fields }: AccessTokenRequest): CacheEntry | undefined {
    return this.#recent.peek(fields) ?? this.#pinned.get(fields) ?? this.#failed.peek(fields);
  }

  /** The entry of a request; one outside of the cache if it has none. */
  entryOf(request: AccessTokenRequest): CacheEntry {
    return this.peek(request) ?? this.#newEntry(request);
  }

  /** The entry of a request that failed, from now on remembered. */
  keep(request: AccessTokenRequest): CacheEntry {
    const entry = this.entryOf(request);
    if (!entry.isCached) this.#failed.set(request.fields, entry);
    return entry;
  }

  /** The entry of a request that brings a token, from now on in the cache. */
  keepToken(request: AccessTokenRequest): CacheEntry {
    const { fields } = request;
    const entry = this.entryOf(request);
    if (entry.isCached) return entry;
    this.#failed.delete(fields);
    entry.isCached = true;
    this.#recent.set(fields, entry);
    return entry;
  }

  /** The entry of a request, which never leaves from now on. */
  pin(request: AccessTokenRequest): CacheEntry {
    const entry = this.keepToken(request);
    entry.isPinned = true;
    this.#pinned.set(request.fields, entry);
    this.#recent.delete(request.fields);
    return entry;
  }

  delete(entry: CacheEntry): void {
    if (entry.isCached) this.#recent.delete(entry.request.fields);
  }

  entries(): CacheEntry[] {
    return [...this.#pinned.values(), ...this.#recent.values(), ...this.#failed.values()];
  }

  /** How many keys had a token that are here no more. */
  keysThatLeft(): number {
    const isHere = (fields: string): boolean =>
      this.#recent.has(fields) || this.#pinned.has(fields) || this.#failed.has(fields);
    return [...this.#left.keys()].filter((fields) => !isHere(fields)).length;
  }

  /** Since the start. */
  uses(): Readonly<TokenUses> {
    return this.entries().reduce(addUses, { ...this.#pastUses });
  }

  clear(): void {
    for (const entry of this.#pinned.values()) letGo(entry);
    this.#pinned.clear();
    this.#recent.clear();
    this.#failed.clear();
    this.#left.clear();
  }

  #newEntry(request: AccessTokenRequest): CacheEntry {
    const entry = new CacheEntry(request);
    entry.hadToken = this.#left.has(request.fields);
    return entry;
  }
}

function addUses(sum: TokenUses, { uses }: CacheEntry): TokenUses {
  sum.fresh += uses.fresh;
  sum.stale += uses.stale;
  return sum;
}

/** Callers may still hold the entry: it must hold no token any more. */
function letGo(entry: CacheEntry): void {
  entry.isCached = false;
  entry.dropToken();
}
