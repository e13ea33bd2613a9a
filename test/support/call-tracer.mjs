/** Hears from the functions of the library when they run, and counts the files that a call crosses. */
export class CallTracer {
  /** The runs under way, the innermost last. What waits at an `await` is not under way. */
  #stack = [];
  #files = [];
  #edges = new Set();
  #returns = 0;
  #last;

  /** Starts to count anew. */
  start() {
    this.#stack = [];
    this.#files = [];
    this.#edges = new Set();
    this.#returns = 0;
    this.#last = undefined;
  }

  /** What was counted since the start. */
  figures() {
    return { files: [...this.#files], edges: this.#edges.size, returns: this.#returns };
  }

  enter(file) {
    const caller = this.#stack.at(-1)?.file ?? 'the call itself';
    if (caller !== file) this.#edges.add(`${caller} ${file}`);
    const isKnown = this.#files.includes(file);
    if (!isKnown) this.#files.push(file);
    else if (this.#last !== file) this.#returns += 1;
    this.#last = file;
    const run = { file };
    this.#stack.push(run);
    return run;
  }

  leave(run) {
    // After an `await` that threw, it is not there.
    const index = this.#stack.lastIndexOf(run);
    if (index >= 0) this.#stack.splice(index, 1);
  }

  pause(run, value) {
    this.leave(run);
    return value;
  }

  resume(run, value) {
    this.#stack.push(run);
    return value;
  }
}
