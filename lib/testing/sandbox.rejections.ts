import type { SandboxApiRequest } from './sandbox.request.js';

/** Which good tokens an {@link AssetSandbox} refuses all the same. */
export class SandboxRejections {
  readonly #filters: ((request: SandboxApiRequest) => boolean)[] = [];
  #times = 0;

  /** @throws RangeError unless a number of times is positive and whole, or `Infinity`. */
  add(which: number | ((request: SandboxApiRequest) => boolean)): void {
    if (typeof which === 'function') {
      this.#filters.push(which);
      return;
    }
    if (!(which === Infinity || (Number.isSafeInteger(which) && which > 0))) {
      throw new RangeError(
        `AssetSandbox.rejectTokens: the number of times must be positive and whole or Infinity, not ${String(which)}.`,
      );
    }
    this.#times += which;
  }

  take(request: SandboxApiRequest): boolean {
    if (this.#filters.some((filter) => filter(request))) {
      return true;
    }
    const rejects = this.#times > 0;
    this.#times -= rejects ? 1 : 0;
    return rejects;
  }

  clear(): void {
    this.#filters.length = 0;
    this.#times = 0;
  }
}
