import { clearTimeout, setTimeout } from 'node:timers';
import type { SandboxRequest, SandboxRequestFilter } from './sandbox.request.js';

const MOST_BODY_BYTES = 256 * 1024 * 1024;

/** How {@link AssetSandbox.waitForRequest} waits. */
export interface WaitForRequestOptions {
  /** Which matching request to wait for, counted from the start or the last `clearRequests()`. Default 1. */
  readonly count?: number;
  /** `'received'` (default) when it has arrived, `'answered'` when its answer leaves. */
  readonly until?: 'received' | 'answered';
  /** When to give up, in milliseconds of real time. Default 5 000. */
  readonly timeoutMs?: number;
}

interface Waiter {
  readonly matches: SandboxRequestFilter;
  readonly until: 'received' | 'answered';
  readonly finish: (request: SandboxRequest) => void;
  readonly fail: (error: Error) => void;
  missing: number;
}

/** Everything that an {@link AssetSandbox} received, oldest first, within bounds. */
export class SandboxRecorder {
  readonly #limit: number;
  readonly #waiters = new Set<Waiter>();
  #requests: SandboxRequest[] = [];
  #bodyBytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get requests(): readonly SandboxRequest[] {
    return this.#requests.slice();
  }

  received(request: SandboxRequest): void {
    this.#requests.push(request);
    this.#bodyBytes += request.body.length;
    while (this.#requests.length > this.#limit || this.#bodyBytes > MOST_BODY_BYTES) {
      this.#bodyBytes -= this.#requests.shift()?.body.length ?? 0;
    }
    this.#notify('received', request);
  }

  answered(request: SandboxRequest): void {
    this.#notify('answered', request);
  }

  clear(): void {
    this.#requests = [];
    this.#bodyBytes = 0;
  }

  async wait(matches: SandboxRequestFilter, options: WaitForRequestOptions): Promise<SandboxRequest> {
    const { count = 1, until = 'received', timeoutMs = 5_000 } = options;
    if (!Number.isSafeInteger(count) || count < 1) {
      throw new RangeError(
        `AssetSandbox.waitForRequest: \`count\` must be a positive whole number, not ${String(count)}.`,
      );
    }
    if (!(timeoutMs >= 0 && timeoutMs < 2 ** 31)) {
      throw new RangeError(
        `AssetSandbox.waitForRequest: \`timeoutMs\` must be 0 to 2147483647, not ${String(timeoutMs)}.`,
      );
    }
    const there = this.#requests.filter(
      (one) => (until === 'received' || one.status !== undefined) && matches(one),
    );
    const found = there[count - 1];
    return found ?? (await this.#waitFor(matches, until, count - there.length, count, timeoutMs));
  }

  close(): void {
    for (const waiter of this.#waiters) {
      waiter.fail(new Error('AssetSandbox.waitForRequest: the sandbox was closed while waiting.'));
    }
  }

  #waitFor(
    matches: SandboxRequestFilter,
    until: 'received' | 'answered',
    missing: number,
    count: number,
    timeoutMs: number,
  ): Promise<SandboxRequest> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
      };
      const waiter: Waiter = {
        matches,
        until,
        missing,
        finish: (request) => {
          leave();
          resolve(request);
        },
        fail: (error) => {
          leave();
          reject(error);
        },
      };
      const timer = setTimeout(() => {
        waiter.fail(
          new Error(
            `AssetSandbox.waitForRequest: after ${timeoutMs} ms, ${count - waiter.missing} of ${count} matching requests ` +
              `had been ${until}. On record: ${this.#summary()}.`,
          ),
        );
      }, timeoutMs);
      this.#waiters.add(waiter);
    });
  }

  #notify(event: 'received' | 'answered', request: SandboxRequest): void {
    for (const waiter of this.#waiters) {
      if (waiter.until === event) {
        this.#offer(waiter, request);
      }
    }
  }

  // A filter that throws is the waiting test's mistake, and is told to it rather than to the client.
  #offer(waiter: Waiter, request: SandboxRequest): void {
    try {
      if (waiter.matches(request) && --waiter.missing === 0) {
        waiter.finish(request);
      }
    } catch (error) {
      waiter.fail(error as Error);
    }
  }

  #summary(): string {
    const last = this.#requests.slice(-5).map(({ method, path, status }) => {
      return `${method} ${path.slice(0, 120)} (${status === undefined ? 'unanswered' : `status ${status}`})`;
    });
    const total = this.#requests.length;
    return total === 0 ? 'nothing' : `${total}, the last ones ${last.join(', ')}`;
  }
}
