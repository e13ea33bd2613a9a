/**
 * Tells that the subscriber of a call has left. Takes the place of axios' CancelToken on the wire, which makes a promise
 * for each request, and of an `AbortSignal`, which costs more still.
 */
export class Departure {
  #hasLeft = false;
  #listeners: Set<() => void> | undefined;

  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    for (const listener of this.#listeners ?? []) listener();
  }

  /** Whoever comes late is told at once. */
  subscribe(listener: () => void): void {
    if (this.#hasLeft) listener();
    else (this.#listeners ??= new Set()).add(listener);
  }

  unsubscribe(listener: () => void): void {
    this.#listeners?.delete(listener);
  }
}
