import type { AssetClock, AssetTokenStore } from 'nestjs-asset-auth';

interface Kept {
  readonly value: string;
  /** By the monotonic clock of the store. */
  readonly endsAt: number;
}

/** A token store for processes that are none: applications within one test, on the clock of that test. */
export class MemoryTokenStore implements AssetTokenStore {
  readonly #kept = new Map<string, Kept>();

  constructor(private readonly clock: AssetClock) {}

  /** What is in it, for a test that looks, and spoils it. */
  get keys(): readonly string[] {
    return [...this.#kept.keys()].filter((key) => this.#read(key) !== undefined);
  }

  get(key: string): Promise<{ value: string; remainingMs: number } | undefined> {
    const kept = this.#read(key);
    return Promise.resolve(kept && { value: kept.value, remainingMs: kept.endsAt - this.clock.monotonic() });
  }

  set(key: string, value: string, ttlMs: number): Promise<void> {
    this.#kept.set(key, { value, endsAt: this.clock.monotonic() + ttlMs });
    return Promise.resolve();
  }

  async add(key: string, value: string, ttlMs: number): Promise<boolean> {
    if (this.#read(key) !== undefined) return false;
    await this.set(key, value, ttlMs);
    return true;
  }

  delete(key: string): Promise<void> {
    this.#kept.delete(key);
    return Promise.resolve();
  }

  #read(key: string): Kept | undefined {
    const kept = this.#kept.get(key);
    return kept !== undefined && kept.endsAt > this.clock.monotonic() ? kept : undefined;
  }
}
