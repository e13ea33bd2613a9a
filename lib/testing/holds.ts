import type { SandboxRequest, SandboxRequestFilter, SandboxRequestKind } from './recorder.js';

/** A gate in front of an {@link AssetSandbox}'s answers. */
export interface SandboxHold {
  /** How many requests wait behind it now. Those whose client has left do not count. */
  readonly waiting: number;
  /**
   * Lets the oldest `count` waiting requests go while the hold stays in force. Without `count`, lets all of them go and
   * ends the hold.
   */
  release(count?: number): void;
}

class Hold implements SandboxHold {
  readonly #waiting = new Set<() => void>();
  readonly #end: () => void;
  #hasEnded = false;

  constructor(
    readonly matches: SandboxRequestFilter,
    end: () => void,
  ) {
    this.#end = end;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  release(count?: number): void {
    if (count === undefined) {
      this.#hasEnded = true;
      this.#end();
    }
    for (const letGo of [...this.#waiting].slice(0, count)) {
      letGo();
    }
  }

  /** Resolves when the request may go on, or its client has left. */
  wait(signal: AbortSignal): Promise<void> {
    if (this.#hasEnded || signal.aborted) {
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const letGo = (): void => {
        this.#waiting.delete(letGo);
        signal.removeEventListener('abort', letGo);
        resolve();
      };
      signal.addEventListener('abort', letGo);
      this.#waiting.add(letGo);
    });
  }
}

/** The holds in force. A request waits behind each that fits it, in the order in which they were set. */
export class SandboxHolds {
  readonly #holds = new Set<Hold>();

  add(kind: SandboxRequestKind, when: SandboxRequestFilter): SandboxHold {
    const hold = new Hold(
      (request) => request.kind === kind && when(request),
      () => this.#holds.delete(hold),
    );
    this.#holds.add(hold);
    return hold;
  }

  /** The holds that match the request, oldest first. */
  fitting(request: SandboxRequest): readonly Hold[] {
    return [...this.#holds].filter(({ matches }) => matches(request));
  }
}
