import { type AssetClock, setDeadline } from '../config/clock.js';
import { thrownText } from '../config/redact.js';
import type { AssetStoreOperationEvent } from '../events/asset-auth.events.js';
import type { EventPublisher } from '../events/event-publisher.js';
import { backoffMs, FORGOTTEN_AFTER_MS } from '../retry/backoff.js';

/** What may be done with a store. */
export type Operation = AssetStoreOperationEvent['operation'];

/** Whether an operation changes what is stored: a full store or a replica may refuse that and still be read. */
type Use = 'read' | 'write';

/** Steps in which a budget is spent: time for which the process itself was held up costs one of them. */
const STEPS = 5;

interface Side {
  failures: number;
  /** When the last failure was counted, and until when nothing is tried, by the monotonic clock. */
  failedAt: number;
  restsUntil: number;
  isProbed: boolean;
}

/**
 * How far the store is trusted. Each operation has a budget; one that fails or takes longer counts as a failure, and those
 * under way together as one. After a failure the store rests, for half a second at first and half a minute at most; then one
 * operation tries it. Callers' short budget and the background's long one are counted apart: a store that is too slow for
 * callers still serves refreshes. So are reads and writes: what can be read proves nothing of a store that takes no writes.
 * Nothing is ever thrown: without an answer, the process does without the store.
 */
export class StoreGuard {
  readonly #sides: Readonly<Record<Use, Readonly<Record<'caller' | 'background', Side>>>> = {
    read: { caller: healthy(), background: healthy() },
    write: { caller: healthy(), background: healthy() },
  };
  /** Ends the wait for each operation that is under way. */
  readonly #waits = new Set<(error: Error) => void>();
  #isOutOfUse = false;
  #isClosed = false;

  /** @param quickMs - an answer that takes no longer is good enough for callers */
  constructor(
    private readonly clock: AssetClock,
    private readonly quickMs: number,
    private readonly events: Pick<EventPublisher, 'publish'>,
  ) {}

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get #all(): readonly Side[] {
    const { read, write } = this.#sides;
    return [read, write].flatMap(Object.values<Side>);
  }

  /** Whether all is well as far as is known: an old failure that nobody has put to the test since counts no more. */
  get isInUse(): boolean {
    const until = Math.max(...this.#all.map(({ restsUntil }) => restsUntil));
    return !this.#isOutOfUse || this.clock.monotonic() >= until + FORGOTTEN_AFTER_MS;
  }

  /** Milliseconds until the background may try again. */
  get restMs(): number {
    const { read, write } = this.#sides;
    const until = Math.max(read.background.restsUntil, write.background.restsUntil);
    return Math.max(0, until - this.clock.monotonic());
  }

  /** @returns the answer in a box; `undefined`: there is none */
  async run<T>(
    { isAwaited, operation }: { readonly isAwaited: boolean; readonly operation: Operation },
    budgetMs: number,
    perform: () => Promise<T>,
  ): Promise<{ readonly answer: T } | undefined> {
    const use = operation === 'get' ? 'read' : 'write';
    const side = this.#sides[use][isAwaited ? 'caller' : 'background'];
    const startedAt = this.clock.monotonic();
    const isProbe = side.failures > 0;
    if (this.#isClosed || (isProbe && (side.isProbed || startedAt < side.restsUntil))) return undefined;
    side.isProbed = isProbe;
    try {
      const answer = await this.#within(budgetMs, isAwaited, perform);
      this.#tell(operation, 'ok', startedAt);
      this.#succeeded(side, use, this.clock.monotonic() - startedAt);
      return { answer };
    } catch (error) {
      this.#tell(operation, 'failed', startedAt);
      this.#failed(side, startedAt, error);
      return undefined;
    } finally {
      if (isProbe) side.isProbed = false;
    }
  }

  /** What is under way comes to nothing, and nothing is begun any more. */
  close(): void {
    this.#isClosed = true;
    for (const giveUp of this.#waits) giveUp(new Error('the client is closed'));
  }

  #tell(operation: Operation, outcome: AssetStoreOperationEvent['outcome'], startedAt: number): void {
    if (this.#isClosed) return;
    const durationMs = this.clock.monotonic() - startedAt;
    this.events.publish('store.operation', { operation, outcome, durationMs });
  }

  #within<T>(budgetMs: number, isAwaited: boolean, perform: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let cancel = (): void => {};
      const giveUp = (error: Error): void => {
        end();
        reject(error);
      };
      const end = (): void => {
        cancel();
        this.#waits.delete(giveUp);
      };
      this.#waits.add(giveUp);
      const spend = (steps: number): void => {
        const next = (): void => {
          if (steps > 1) spend(steps - 1);
          else giveUp(new Error(`it gave no answer within ${budgetMs} ms`));
        };
        cancel = setDeadline(next, budgetMs / STEPS, this.clock, { ref: isAwaited });
      };
      spend(STEPS);
      // In a function of its own, so that what is thrown at once is a rejection too.
      const run = async (): Promise<T> => perform();
      run().then(resolve, reject).finally(end);
    });
  }

  #succeeded(side: Side, use: Use, tookMs: number): void {
    reset(side);
    if (tookMs <= this.quickMs) for (const each of Object.values(this.#sides[use])) reset(each);
    if (!this.#isOutOfUse || this.#all.some(({ failures }) => failures > 0)) return;
    this.#isOutOfUse = false;
    this.events.publish('store.regained', {});
  }

  #failed(side: Side, startedAt: number, error: unknown): void {
    if (this.#isClosed || startedAt <= side.failedAt) return;
    const now = this.clock.monotonic();
    side.failures += 1;
    side.failedAt = now;
    side.restsUntil = now + backoffMs(side.failures, Math.random());
    if (this.#isOutOfUse) return;
    this.#isOutOfUse = true;
    this.events.publish('store.lost', { reason: thrownText(error, []) });
  }
}

const healthy = (): Side => ({
  failures: 0,
  failedAt: Number.NEGATIVE_INFINITY,
  restsUntil: 0,
  isProbed: false,
});

function reset(side: Side): void {
  side.failures = 0;
  side.restsUntil = 0;
}
