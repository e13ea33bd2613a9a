import type { AssetTokenStore, StoredValue } from 'nestjs-asset-auth';
import type { ManualClock } from 'nestjs-asset-auth/testing';

export type StoreOperation = 'get' | 'set' | 'add' | 'delete';

/** One operation, as it was asked for. */
export interface StoreCall {
  readonly operation: StoreOperation;
  readonly key: string;
  readonly value: string | undefined;
  readonly ttlMs: number | undefined;
  /** By the store's clock. */
  readonly at: number;
}

/** What goes wrong with an operation. */
export type StoreFault =
  /** It is never answered, and nothing is done. */
  | { readonly hang: true }
  | { readonly reject: unknown }
  | { readonly throw: unknown }
  /** It is carried out and answered so many milliseconds later, whoever still waits for it. */
  | { readonly lateMs: number }
  /** This is what the operation returns, promise or not; nothing is done. */
  | { readonly returns: unknown };

interface Record {
  readonly value: string;
  readonly endsAt: number;
}

interface Script {
  readonly fault: StoreFault;
  readonly on: readonly StoreOperation[];
  left: number;
}

const ALL: readonly StoreOperation[] = ['get', 'set', 'add', 'delete'];
/** A record that never expires, as one that somebody wrote by hand. */
const FOR_EVER = -1;

/** A token store in memory that lives by the clock of a test, and fails on request. */
export class FaultyTokenStore implements AssetTokenStore {
  readonly calls: StoreCall[] = [];
  /** Called at once with each operation, as the client of a store would be. */
  onCall: (call: StoreCall) => void = () => {};
  readonly #records = new Map<string, Record>();
  #script: Script[] = [];
  #stalledUntil = 0;

  constructor(private readonly clock: ManualClock) {}

  get(key: string): Promise<StoredValue | undefined> {
    return this.#carryOut('get', { key }, () => this.peek(key));
  }

  set(key: string, value: string, ttlMs: number): Promise<void> {
    return this.#carryOut('set', { key, value, ttlMs }, () => {
      this.put(key, value, ttlMs);
    });
  }

  add(key: string, value: string, ttlMs: number): Promise<boolean> {
    return this.#carryOut('add', { key, value, ttlMs }, () => {
      if (this.peek(key) !== undefined) return false;
      this.put(key, value, ttlMs);
      return true;
    });
  }

  delete(key: string): Promise<void> {
    return this.#carryOut('delete', { key }, () => void this.#records.delete(key));
  }

  /** From now on, this goes wrong with these operations; what is scripted first comes first. */
  fail(fault: StoreFault, on: readonly StoreOperation[] = ALL, times = Number.POSITIVE_INFINITY): void {
    this.#script.push({ fault, on, left: times });
  }

  /** Nothing goes wrong any more. What hangs goes on hanging. */
  heal(): void {
    this.#script = [];
  }

  /** As a server that is stopped: what is asked for until then is carried out at its end, in order. */
  stall(ms: number): void {
    this.#stalledUntil = this.clock.monotonic() + ms;
  }

  /** As after a restart without a disk. */
  lose(): void {
    this.#records.clear();
  }

  /** What lies there, without an operation. */
  peek(key: string): StoredValue | undefined {
    const record = this.#records.get(key);
    if (record === undefined) return undefined;
    if (record.endsAt === FOR_EVER) return { value: record.value, remainingMs: -1 };
    const remainingMs = record.endsAt - this.clock.monotonic();
    return remainingMs > 0 ? { value: record.value, remainingMs } : undefined;
  }

  /** Writes without an operation, as somebody else would. */
  put(key: string, value: string, ttlMs: number): void {
    this.#records.set(key, { value, endsAt: ttlMs < 0 ? FOR_EVER : this.clock.monotonic() + ttlMs });
  }

  /** The names of what lies there now, tokens and leases. */
  get names(): readonly string[] {
    return [...this.#records.keys()].filter((key) => this.peek(key) !== undefined);
  }

  /** The names of the tokens. */
  get tokens(): readonly string[] {
    return this.names.filter((name) => !isLease(name));
  }

  /** The names of the leases, those that are worth nothing any more included. */
  get leases(): readonly string[] {
    return this.names.filter(isLease);
  }

  /** How often an operation was asked for. */
  count(operation: StoreOperation): number {
    return this.calls.filter((call) => call.operation === operation).length;
  }

  #carryOut<T>(
    operation: StoreOperation,
    asked: Pick<StoreCall, 'key'> & Partial<StoreCall>,
    work: () => T,
  ): Promise<T> {
    const call = { operation, value: undefined, ttlMs: undefined, at: this.clock.monotonic(), ...asked };
    this.calls.push(call);
    this.onCall(call);
    const script = this.#script.find(({ on, left }) => left > 0 && on.includes(operation));
    const stallMs = this.#stalledUntil - call.at;
    if (script === undefined && stallMs > 0) return this.#play({ lateMs: stallMs }, work);
    if (script === undefined) return Promise.resolve().then(work);
    script.left -= 1;
    return this.#play(script.fault, work);
  }

  #play<T>(fault: StoreFault, work: () => T): Promise<T> {
    if ('hang' in fault) return new Promise(() => {});
    // Stores reject with anything, and so does this one.
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
    if ('reject' in fault) return Promise.reject(fault.reject);
    if ('throw' in fault) throw fault.throw;
    if ('returns' in fault) return fault.returns as Promise<T>;
    return new Promise((resolve) => {
      const late = (): void => {
        resolve(work());
      };
      this.clock.setTimeout(late, fault.lateMs, { ref: false });
    });
  }
}

/** A lease is named after a token, with a generation behind. */
const isLease = (name: string): boolean => /v1:[^:]+:/.test(name);
