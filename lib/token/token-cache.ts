import { LRUCache } from 'lru-cache';
import type { AccessTokenRequest } from './request/access-token-request.js';
import { TokenEntry } from './token-entry.js';

/** The one place where tokens are kept: bounded, the least recently used leaves first, pinned ones never. */
export class TokenCache {
  readonly #pinned = new Map<string, TokenEntry>();
  readonly #recent: LRUCache<string, TokenEntry>;
  /** How many entries it has taken in so far. */
  #taken = 0;

  /**
   * @param onLeave - told of each entry that leaves
   */
  constructor(maxTokens: number, onLeave: (entry: TokenEntry) => void) {
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

  find(key: string): TokenEntry | undefined {
    const entry = this.#recent.peek(key) ?? this.#pinned.get(key);
    if (entry !== undefined) this.touch(entry);
    return entry;
  }

  /**
   * Moves a kept entry to the front. Once between two that are taken in is enough, since nothing leaves before the
   * next: so a hot entry costs no search.
   */
  touch(entry: TokenEntry): void {
    if (entry.movedAt === this.#taken) return;
    entry.movedAt = this.#taken;
    this.#recent.get(entry.request.key);
  }

  findOrCreate(request: AccessTokenRequest): TokenEntry {
    const known = this.find(request.key);
    if (known !== undefined) return known;
    const entry = new TokenEntry(request);
    entry.kept = true;
    entry.movedAt = this.#taken;
    this.#taken += 1;
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
