import { LRUCache } from 'lru-cache';
import type { AccessTokenRequest } from './request/access-token-request.js';
import { TokenEntry } from './token-entry.js';

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
