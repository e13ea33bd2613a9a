import { LRUCache } from 'lru-cache';
import {
  type AccessTokenRequest,
  assertKnownNames,
  TokenRequestResolver,
  type AssetTokenRequest,
} from './token-request.js';
import { TokenEntry } from './cache-entry.js';
import type { AssetAuthConfig } from '../config/asset-auth.config.js';
import type { AssetScopes } from '../config/scope-set.js';
import { BusinessEntries } from './business-entries.js';

/** The one place where tokens are kept: bounded, the least recently used leaves first, pinned ones never. */
export class TokenCache {
  readonly #pinned = new Map<string, TokenEntry>();
  readonly #recent: LRUCache<string, TokenEntry>;
  /** Counts what was put in front, new or used again. */
  #moves = 0;
  /** An entry that was put in front no more moves ago than these is near the front still. */
  readonly #nearFront: number;

  /**
   * @param onLeave - told of each entry that leaves
   */
  constructor(maxTokens: number, onLeave: (entry: TokenEntry) => void) {
    this.#nearFront = Math.floor(maxTokens / 4);
    this.#recent = new LRUCache({
      max: maxTokens,
      dispose: (entry) => {
        // A pinned one only moves.
        if (entry.pinned) return;
        entry.letGo();
        onLeave(entry);
      },
    });
  }

  /** Looks without using. */
  peek(key: string): TokenEntry | undefined {
    return this.#recent.peek(key) ?? this.#pinned.get(key);
  }

  find(key: string): TokenEntry | undefined {
    const entry = this.peek(key);
    if (entry !== undefined) this.touch(entry);
    return entry;
  }

  /**
   * Moves a kept entry to the front, unless it is among the foremost quarter: so a hot entry costs no search. What
   * leaves was not used since three quarters of the others were.
   */
  touch(entry: TokenEntry): void {
    if (this.#moves - entry.movedAt < this.#nearFront) return;
    this.#moves += 1;
    entry.movedAt = this.#moves;
    this.#recent.get(entry.request.key);
  }

  findOrCreate(request: AccessTokenRequest): TokenEntry {
    const known = this.find(request.key);
    if (known !== undefined) return known;
    const entry = new TokenEntry(request);
    entry.kept = true;
    this.#moves += 1;
    entry.movedAt = this.#moves;
    this.#recent.set(request.key, entry);
    return entry;
  }

  pin(request: AccessTokenRequest): TokenEntry {
    const entry = this.findOrCreate(request);
    entry.pinned = true;
    this.#pinned.set(request.key, entry);
    this.#recent.delete(request.key);
    return entry;
  }

  delete(entry: TokenEntry): void {
    if (entry.kept) this.#recent.delete(entry.request.key);
  }

  entries(): TokenEntry[] {
    return [...this.#pinned.values(), ...this.#recent.values()];
  }

  clear(): void {
    for (const entry of this.#pinned.values()) entry.letGo();
    this.#pinned.clear();
    this.#recent.clear();
  }
}

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

/** One step of a list of scopes, in the order in which it was said. */
class Step {
  readonly next = new Map<unknown, Step>();
  readonly byBusiness = new BusinessEntries();
}

/**
 * Leads from what a caller says straight to the entry, so that the request path neither sorts nor joins. Nested maps
 * rather than one concatenated key: values that were not yet checked cannot collide (`['a:b\nbiz_1']` is not `a:b` plus
 * `biz_1`), and it is faster.
 */
export class TokenEntryMemo {
  /** Of entries and steps together: a list may be of any length. */
  readonly #limit: number;
  #undeclared = new Step();
  #none = new Step();
  #listed = new Step();
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  find(said: AssetTokenRequest): TokenEntry | undefined {
    // Rare enough to be resolved each time.
    if (said.resource !== undefined) return undefined;
    return this.#walk(said.scopes)?.byBusiness.get(said.businessId);
  }

  /** To be called with what was resolved, and so checked, only. */
  remember(said: AssetTokenRequest, entry: TokenEntry): void {
    if (said.resource !== undefined) return;
    if (this.#size >= this.#limit) this.#forget();
    if (this.#grow(said.scopes).byBusiness.set(said.businessId, entry)) this.#size += 1;
  }

  #walk(scopes: AssetScopes | null | undefined): Step | undefined {
    if (scopes === undefined) return this.#undeclared;
    if (scopes === null) return this.#none;
    if (!Array.isArray(scopes)) return this.#listed.next.get(scopes);
    let step: Step | undefined = this.#listed;
    for (let i = 0; i < scopes.length && step !== undefined; i += 1) step = step.next.get(scopes[i]);
    return step;
  }

  #grow(scopes: AssetScopes | null | undefined): Step {
    if (scopes === undefined) return this.#undeclared;
    if (scopes === null) return this.#none;
    let step = this.#listed;
    for (const scope of typeof scopes === 'string' ? [scopes] : scopes) {
      let next = step.next.get(scope);
      if (next === undefined) {
        step.next.set(scope, (next = new Step()));
        this.#size += 1;
      }
      step = next;
    }
    return step;
  }

  #forget(): void {
    this.#undeclared = new Step();
    this.#none = new Step();
    this.#listed = new Step();
    this.#size = 0;
  }
}
