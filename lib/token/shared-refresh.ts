import { randomBytes } from 'node:crypto';
import type { AssetAuthConfig } from '../config/asset-auth.config.js';
import { type AssetClock, instantOf } from '../config/clock.js';
import type { Looker, SharedTokens } from '../store/shared-tokens.js';
import { type AccessToken, ageMs, lifeOf, remainingMs, requestOf } from './access-token.js';
import type { CacheEntry } from './cache-entry.js';
import type { IssuedToken } from './endpoint/token-response.js';
import type { PendingRequest } from './pending-request.js';
import type { TokenCache } from './token-cache.js';

const FIRST_POLL_MS = 40;
const LONGEST_POLL_MS = 400;

/** Another process is asking the endpoint: this request looks into the store again. */
export class AskedElsewhere extends Error {
  constructor(readonly againInMs: number) {
    super('Another process is asking the endpoint.');
  }
}

/** The collaborators of {@link SharedRefresh}. */
export interface SharedRefreshParts {
  readonly config: AssetAuthConfig;
  readonly clock: AssetClock;
  readonly random: () => number;
  readonly cache: TokenCache;
}

/**
 * A pending request in a fleet. Before anything else it looks into the store: a newer token there is adopted. Otherwise it
 * queues as ever, and with its slot in hand takes its turn. If another process is at it, it gives the slot back, and looks
 * again after a while: where callers wait with nothing, soon, and for half of `tokenTimeoutMs` at most; then it asks
 * for itself. Where nobody waits, at the next background attempt. A store that gives no answer changes nothing.
 */
export class SharedRefresh {
  constructor(
    private readonly shared: SharedTokens,
    private readonly parts: SharedRefreshParts,
  ) {}

  get isInUse(): boolean {
    return this.shared.isInUse;
  }

  /** The token that another process has fetched meanwhile. */
  async look(pending: PendingRequest): Promise<IssuedToken | undefined> {
    pending.seen = await this.shared.look(pending.request.key, this.#looker(pending));
    return this.#newer(pending);
  }

  /**
   * Called with a slot in hand.
   *
   * @throws AskedElsewhere when it is not this process' turn
   */
  async takeTurn(pending: PendingRequest): Promise<void> {
    const { clock, config, random } = this.parts;
    const now = clock.monotonic();
    const since = pending.elsewhereSince ?? now;
    // Half of the time; after a first attempt, half of what that one left.
    if (now - since >= Math.min(config.tokenTimeoutMs, pending.remainingMs) / 2) return;
    const turn = await this.shared.takeTurn(pending.request.key, pending.seen, this.#looker(pending));
    pending.turn = turn;
    if (turn.whose !== 'elsewhere') return;
    pending.elsewhereSince = since;
    const pollMs = Math.min(LONGEST_POLL_MS, FIRST_POLL_MS * 2 ** pending.polls);
    pending.polls += 1;
    throw new AskedElsewhere(pollMs * (0.75 + random() / 2));
  }

  /** @param broughtToken - otherwise another process may try at once */
  endTurn({ turn }: PendingRequest, broughtToken: boolean): void {
    if (turn !== undefined) this.shared.endTurn(turn, broughtToken);
  }

  /** @returns the generation under which it is shared */
  publish(token: AccessToken, { requestMs, difference }: IssuedToken): string {
    const { clock } = this.parts;
    const generation = randomBytes(9).toString('base64url');
    const life = lifeOf(token);
    const published = { value: token.value, generation, lifeMs: life.lifeMs, requestMs, difference };
    this.shared.publish(requestOf(token).key, published, () => remainingMs(life, clock));
    return generation;
  }

  /** Nobody else is to get the token that was given up. */
  withdraw({ request, generation }: CacheEntry): void {
    if (generation !== undefined) this.shared.withdraw(request.key, generation);
  }

  close(): void {
    this.shared.close();
  }

  #looker(pending: PendingRequest): Looker {
    const entry = this.parts.cache.entryOf(pending.request);
    return { isAwaited: pending.isAwaited, remainingMs: entry.remainingMs(this.parts.clock) };
  }

  /**
   * Another generation than the one that is held. While that serves, only one that was fetched later and is in the first half
   * of its life: an older one may have been written over a newer one, and a use, which is worth one refresh, must not be
   * spent on a token that is about to be due itself. Or the same token handed out again.
   */
  #newer({ request, seen }: PendingRequest): IssuedToken | undefined {
    const { cache, clock, config } = this.parts;
    const token = seen?.token;
    const entry = cache.entryOf(request);
    if (token === undefined || token.generation === entry.generation || token.remainingMs <= 0)
      return undefined;
    const held = entry.held(clock);
    const age = token.lifeMs - token.remainingMs;
    const isSuccessor = (present: AccessToken): boolean =>
      age < token.lifeMs / 2 && age < ageMs(lifeOf(present), clock);
    // The token that is known here: taken again while it serves. Once it was given up or has expired, only the endpoint may bring
    // it back.
    const isSame = entry.lifeOf(token.value) !== undefined;
    if (isSame ? held === undefined : held !== undefined && !isSuccessor(held)) return undefined;
    const { value, generation, lifeMs, requestMs, difference } = token;
    if (difference !== undefined && config.grantedScopes === 'error') return undefined;
    const { wall, monotonic } = instantOf(clock);
    const issuedAt = { wall: wall - age, monotonic: monotonic - age };
    return { value, issuedAt, lifeMs, requestMs, difference, generation };
  }
}
