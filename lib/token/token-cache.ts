import { LRUCache } from 'lru-cache';
import type { AccessTokenRequest } from './request/access-token-request.js';
import { TokenEntry } from './token-entry.js';

/** The one place where tokens are kept: bounded, the least recently used leaves first, pinned ones never. */
export class TokenCache {
  readonly #pinned = new Map<string, TokenEntry>();
  readonly #recent: LRUCache<string, TokenEntry>;

  /**
   * @param onLeave - told of each entry that leaves
   */
  constructor(maxTokens: number, onLeave: (entry: TokenEntry) => void) {
    this.#recent = new LRUCache({
      max: maxTokens,
      dispose: (entry) => {
        // A pinned one only moves.
        if (!entry.pinned) onLeave(entry);
      },
    });
  }

  find(key: string): TokenEntry | undefined {
    return this.#recent.get(key) ?? this.#pinned.get(key);
  }

  findOrCreate(request: AccessTokenRequest): TokenEntry {
    const known = this.find(request.key);
    if (known !== undefined) return known;
    const entry = new TokenEntry(request);
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

  /** Compares identity: an entry that took its place stays. */
  delete(entry: TokenEntry): void {
    const { key } = entry.request;
    if (this.#recent.peek(key) === entry) this.#recent.delete(key);
  }

  holds(entry: TokenEntry): boolean {
    const { key } = entry.request;
    return this.#recent.peek(key) === entry || this.#pinned.get(key) === entry;
  }

  entries(): TokenEntry[] {
    return [...this.#pinned.values(), ...this.#recent.values()];
  }

  clear(): void {
    this.#pinned.clear();
    this.#recent.clear();
  }
}
