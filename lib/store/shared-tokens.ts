import { randomBytes } from 'node:crypto';
import type { AssetAuthConfig } from '../config/asset-auth.config.js';
import { type AssetClock, detached } from '../config/clock.js';
import { type AssetTokenStore, storeKey, type StoredValue } from '../config/token-store.js';
import type { EventPublisher } from '../events/event-publisher.js';
import { type Operation, StoreGuard } from './store-guard.js';
import { LEASE_MS, TokenLease } from './token-lease.js';
import { marginMs, type PublishedToken, recordOf, type SharedToken, tokenOf } from './token-record.js';
import { TokenSeal } from './token-seal.js';

/** What the store is used with. */
export type SharedTokensConfig = Pick<
  AssetAuthConfig,
  'tokenUrl' | 'storePrefix' | 'storeTimeoutMs' | 'readStoreKeys'
>;

/** Whether a caller waits, and how long the token that serves in the meantime lasts, in milliseconds. */
export interface Looker {
  readonly isAwaited: boolean;
  readonly remainingMs: number;
}

/** What lay in the store. */
export interface Sighting {
  readonly token: SharedToken | undefined;
  /** What a new token would succeed: the token's generation, `none`, or a digest of what cannot be read. */
  readonly generation: string;
}

/**
 * Whose turn it is to ask the endpoint. `'ours'`, with the lease; `'alone'`: the store gave no answer, so each process asks
 * for itself; `'elsewhere'`: another process is at it, or was a moment ago.
 */
export type Turn =
  | {
      readonly whose: 'ours';
      readonly lease: TokenLease;
      /** Of the token that is asked for. */
      readonly name: string;
      /** Whether it succeeds none. */
      readonly isFirst: boolean;
    }
  | { readonly whose: 'alone' }
  | { readonly whose: 'elsewhere' };

/** In the background, a store may take so many times longer than for a caller, up to this part of what the token has left. */
const PATIENCE = 8;
const MOST_OF_REMAINING = 10;
const SHORTEST_BUDGET_MS = 50;
const SHORTEST_REST_MS = 500;
/** Tokens that wait for a store that takes no writes. Beyond, they are shared when they are renewed. */
const MOST_WAITING = 1000;

/** How often a token that was given up is taken out of a store that is down: for some minutes. */
const MOST_TRIES = 15;

/** The generation of a token that is not there. */
const NONE = 'none';

/** A token on its way into the store. */
interface Writing {
  readonly generation: string;
  /** Settles when nothing is written any more. */
  readonly over: Promise<void>;
}

/**
 * The tokens that processes share through a store. Four operations on single keys, no lock and no message:
 * a process that needs a token looks first ({@link look}). One that wants to ask the endpoint takes the lease of the generation that
 * it saw, and looks again ({@link takeTurn}), since another may have come first in between. A new token is written with a
 * new generation ({@link publish}), which makes the lease worthless. Nothing of this throws, and what the store cannot do,
 * the process does alone.
 */
export class SharedTokens {
  readonly #seal: TokenSeal;
  readonly #guard: StoreGuard;
  /** What this process wrote last, by name, while the write is under way. */
  readonly #writing = new Map<string, Writing>();
  /** The leases that are held. */
  readonly #leases = new Set<TokenLease>();
  /** Ends the rest of each write that waits for the store. */
  readonly #rests = new Set<() => void>();
  #isUnreadableTold = false;

  constructor(
    private readonly store: AssetTokenStore,
    private readonly config: SharedTokensConfig,
    private readonly clock: AssetClock,
    private readonly events: Pick<EventPublisher, 'publish'>,
  ) {
    this.#seal = new TokenSeal(config.readStoreKeys().map(storeKey), config.storePrefix);
    this.#guard = new StoreGuard(clock, config.storeTimeoutMs, events);
  }

  get isInUse(): boolean {
    return this.#guard.isInUse;
  }

  /** @returns `undefined` if the store gave no answer */
  async look(key: string, looker: Looker): Promise<Sighting | undefined> {
    const name = this.#nameOf(key);
    const startedAt = this.clock.monotonic();
    const answer = await this.#run('get', looker, async () => storedValue(await this.store.get(name)));
    return answer && this.#sighting(name, answer.answer, this.clock.monotonic() - startedAt);
  }

  /** @param seen - what was there before; the winner of the lease looks again */
  async takeTurn(key: string, seen: Sighting | undefined, looker: Looker): Promise<Turn> {
    if (seen === undefined) return { whose: 'alone' };
    const name = this.#nameOf(key);
    const leaseName = `${name}:${seen.generation}`;
    const owner = randomBytes(9).toString('base64url');
    const askedAt = this.clock.monotonic();
    const added = await this.#run('add', looker, async () =>
      asBoolean(await this.store.add(leaseName, owner, LEASE_MS)),
    );
    if (added === undefined) return { whose: 'alone' };
    if (!added.answer) return { whose: 'elsewhere' };
    const lease = new TokenLease(this.store, this.clock, leaseName, owner, askedAt);
    const now = await this.look(key, looker);
    if (now !== undefined && now.generation !== seen.generation) {
      // The generation may come back, as when a token is given up: then nobody would ask until the lease lapses.
      lease.giveBack();
      return { whose: 'elsewhere' };
    }
    this.#leases.add(lease);
    return { whose: 'ours', lease, name, isFirst: seen.generation === NONE };
  }

  /** @param broughtToken - whether there is a new generation; otherwise another process may try at once */
  endTurn(turn: Turn, broughtToken: boolean): void {
    if (turn.whose !== 'ours' || !this.#leases.delete(turn.lease)) return;
    const { lease, name, isFirst } = turn;
    if (!broughtToken) {
      lease.giveBack();
      return;
    }
    lease.end();
    // There may be none again at once, when the token is given up. Others would wait until the lease lapses.
    if (isFirst)
      void this.#writing.get(name)?.over.then(() => {
        lease.giveBack();
      });
  }

  /**
   * Writes a token. Nobody waits for it. A write that was given up on is carried out later all the same, with its whole time
   * to live, and the record would outlive its token: when the acknowledgement comes late, it is written again with what is
   * left by then (redis/ioredis#2130).
   *
   * @param remainingMs - the time that the token has left, now
   */
  publish(key: string, token: PublishedToken, remainingMs: () => number): void {
    const name = this.#nameOf(key);
    const { generation } = token;
    const over = Promise.resolve()
      .then(() => this.#write(name, token, remainingMs))
      .finally(() => this.#stopWriting(name, generation));
    this.#writing.set(name, { generation, over });
  }

  /** Takes the token of this generation out, so that nobody else gets it. */
  withdraw(key: string, generation: string): void {
    // On behalf of nobody, although a caller gave it up.
    detached(() => void this.#withdraw(key, generation));
  }

  /** Look, then delete: a token that is written in between costs one request. Tried again while the store is down. */
  async #withdraw(key: string, generation: string): Promise<void> {
    const name = this.#nameOf(key);
    const looker: Looker = { isAwaited: false, remainingMs: Number.POSITIVE_INFINITY };
    const writing = this.#writing.get(name);
    if (this.#stopWriting(name, generation)) await writing?.over;
    for (let tries = 0; tries < MOST_TRIES && !this.#guard.isClosed; tries += 1) {
      const seen = await this.look(key, looker);
      if (seen !== undefined && seen.generation !== generation) return;
      const deleted = seen && (await this.#run('delete', looker, () => this.store.delete(name)));
      if (deleted !== undefined || this.#rests.size >= MOST_WAITING) return;
      await this.#rest();
    }
  }

  /** Gives back what is held. What is under way comes to nothing. */
  close(): void {
    this.#guard.close();
    for (const lease of this.#leases) lease.giveBack();
    this.#leases.clear();
    this.#writing.clear();
    for (const end of this.#rests) end();
  }

  async #write(name: string, token: PublishedToken, remainingMs: () => number): Promise<void> {
    const margin = marginMs(token.lifeMs);
    for (;;) {
      const ttlMs = Math.floor(remainingMs() - margin);
      if (ttlMs <= 0 || !this.#isWriting(name, token.generation)) return;
      const startedAt = this.clock.monotonic();
      const looker: Looker = { isAwaited: false, remainingMs: ttlMs };
      // Sealed only if it goes out: thousands may wait for a store that is down.
      const written = await this.#run('set', looker, () =>
        this.store.set(name, this.#seal.seal(name, recordOf(token)), ttlMs),
      );
      if (written !== undefined && this.clock.monotonic() - startedAt <= margin) return;
      if (!this.#isWriting(name, token.generation) || this.#rests.size >= MOST_WAITING) return;
      if (written === undefined) await this.#rest();
    }
  }

  #isWriting(name: string, generation: string): boolean {
    return this.#writing.get(name)?.generation === generation;
  }

  /** @returns whether it was being written */
  #stopWriting(name: string, generation: string): boolean {
    return this.#isWriting(name, generation) && this.#writing.delete(name);
  }

  /** Until the background may try the store again. */
  #rest(): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        cancel();
        this.#rests.delete(end);
        resolve();
      };
      const restMs = Math.max(SHORTEST_REST_MS, this.#guard.restMs);
      const cancel = this.clock.setTimeout(end, restMs, { ref: false });
      this.#rests.add(end);
    });
  }

  #nameOf(key: string): string {
    return this.#seal.nameOf(`${this.config.tokenUrl}\n${key}`);
  }

  #run<T>(
    operation: Operation,
    { isAwaited, remainingMs }: Looker,
    run: () => Promise<T>,
  ): Promise<{ answer: T } | undefined> {
    const { storeTimeoutMs } = this.config;
    const patientMs = Math.min(storeTimeoutMs * PATIENCE, remainingMs / MOST_OF_REMAINING);
    const budgetMs = isAwaited ? storeTimeoutMs : Math.max(patientMs, SHORTEST_BUDGET_MS);
    return this.#guard.run({ isAwaited, operation }, budgetMs, run);
  }

  #sighting(name: string, stored: StoredValue | undefined, tookMs: number): Sighting {
    if (stored === undefined) return { token: undefined, generation: NONE };
    const record = this.#seal.open(name, stored.value);
    const token = record === undefined ? undefined : tokenOf(record, stored.remainingMs);
    if (token !== undefined) {
      return {
        token: { ...token, remainingMs: token.remainingMs - tookMs },
        generation: token.generation,
      };
    }
    if (!this.#isUnreadableTold) this.events.publish('store.unreadable', {});
    this.#isUnreadableTold = true;
    return { token: undefined, generation: this.#seal.digest(stored.value) };
  }
}

/** @throws TypeError when the store answered something else, which counts as a failure of the store */
function storedValue(answer: unknown): StoredValue | undefined {
  if (answer === undefined || answer === null) return undefined;
  const { value, remainingMs } = answer as Partial<StoredValue>;
  if (typeof value === 'string' && typeof remainingMs === 'number') return { value, remainingMs };
  throw new TypeError('its get answered something other than { value, remainingMs } or undefined');
}

/** @throws TypeError as above: a lease that is taken for granted would be no lease */
function asBoolean(answer: unknown): boolean {
  if (typeof answer === 'boolean') return answer;
  throw new TypeError('its add answered something other than true or false');
}
