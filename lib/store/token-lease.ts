import type { AssetClock } from '../config/clock.js';
import type { AssetTokenStore } from '../config/token-store.js';

/** A holder that dies is succeeded after so long at most. */
export const LEASE_MS = 3000;
const RENEWED_EVERY_MS = 1000;

/**
 * The right of one process to ask for the successor of one generation. Its name holds that generation, so nobody ever has to
 * release another's lease: once there is a new generation, it is worth nothing, and until then it lapses by itself. Losing
 * it costs one token request and never a wrong token. It is renewed while the request is under way, unless it may have
 * lapsed: then another may hold it.
 */
export class TokenLease {
  #cancelRenewal: (() => void) | undefined;
  /** The renewal that is under way, or was last. */
  #renewal: Promise<void> | undefined;
  #isOver = false;

  /**
   * @param owner - told apart from other owners, for a person who looks into the store
   * @param grantedAt - when it was asked for, by the monotonic clock
   */
  constructor(
    private readonly store: AssetTokenStore,
    private readonly clock: AssetClock,
    private readonly name: string,
    private readonly owner: string,
    private grantedAt: number,
  ) {
    this.#planRenewal();
  }

  /** The request is over, and there is a new generation: the lease lapses. */
  end(): void {
    this.#isOver = true;
    this.#cancelRenewal?.();
  }

  /** The request has failed, so another process may try at once. */
  giveBack(): void {
    this.end();
    void this.#delete();
  }

  async #delete(): Promise<void> {
    // A client with several connections may carry out the delete first, and the renewal would bring the lease back.
    await this.#renewal;
    if (!this.#isOurs) return;
    try {
      await this.store.delete(this.name);
    } catch {
      // It lapses, then.
    }
  }

  get #isOurs(): boolean {
    return this.clock.monotonic() - this.grantedAt < LEASE_MS - RENEWED_EVERY_MS / 2;
  }

  #planRenewal(): void {
    const renew = (): void => {
      this.#renewal = this.#renew();
    };
    this.#cancelRenewal = this.clock.setTimeout(renew, RENEWED_EVERY_MS, { ref: false });
  }

  async #renew(): Promise<void> {
    if (!this.#isOurs) return;
    const startedAt = this.clock.monotonic();
    try {
      await this.store.set(this.name, this.owner, LEASE_MS);
      this.grantedAt = startedAt;
    } catch {
      // It lapses, then.
    }
    if (!this.#isOver) this.#planRenewal();
  }
}
