/** The machine's clock, which can be set forward for everybody who reads it through the library; its timers follow. */
export class ForwardClock {
  #aheadMs = 0;
  #pending = new Set();

  now = () => Date.now() + this.#aheadMs;
  monotonic = () => performance.now() + this.#aheadMs;

  setTimeout(callback, ms, { ref }) {
    const pending = { callback, ref, dueAt: this.monotonic() + ms };
    this.#pending.add(pending);
    this.#arm(pending);
    return () => this.#drop(pending);
  }

  forward(ms) {
    this.#aheadMs += ms;
    for (const pending of this.#pending) {
      clearTimeout(pending.timer);
      this.#arm(pending);
    }
  }

  #arm(pending) {
    const ms = Math.min(Math.max(pending.dueAt - this.monotonic(), 0), 2 ** 31 - 1);
    pending.timer = setTimeout(() => {
      this.#drop(pending);
      pending.callback();
    }, ms);
    if (!pending.ref) pending.timer.unref();
  }

  #drop(pending) {
    clearTimeout(pending.timer);
    this.#pending.delete(pending);
  }
}
