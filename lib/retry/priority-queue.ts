/** What a {@link PriorityQueue} can hold. */
export interface Queued {
  /** When it is due, on the clock of the queue's owner. */
  dueAt: number;
  /** Its index in the queue's heap; -1 while it is in none. */
  heapIndex: number;
}

/**
 * A priority queue, earliest `dueAt` first: a binary heap in which each item knows its index, so that one can be
 * removed without a search. A timer for each of 100,000 keys would cost as much memory as the keys themselves.
 */
export class PriorityQueue<T extends Queued> {
  readonly #heap: T[] = [];

  /** The item that is due first. */
  get first(): T | undefined {
    return this.#heap[0];
  }

  get size(): number {
    return this.#heap.length;
  }

  /** Adds an item that is in no queue. */
  add(item: T, dueAt: number): void {
    item.dueAt = dueAt;
    this.#place(item, this.#rise(item, this.#heap.push(item) - 1));
  }

  /** @returns whether it was in the queue */
  delete(item: T): boolean {
    const index = item.heapIndex;
    if (this.#heap[index] !== item) return false;
    item.heapIndex = -1;
    const last = this.#heap.pop();
    if (last !== undefined && last !== item) this.#place(last, this.#sift(last, this.#rise(last, index)));
    return true;
  }

  clear(): void {
    for (const item of this.#heap) item.heapIndex = -1;
    this.#heap.length = 0;
  }

  #rise(item: T, from: number): number {
    let index = from;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = this.#heap[above];
      if (parent === undefined || parent.dueAt <= item.dueAt) break;
      this.#place(parent, index);
      index = above;
    }
    return index;
  }

  #sift(item: T, from: number): number {
    let index = from;
    for (;;) {
      const left = this.#heap[2 * index + 1];
      const right = this.#heap[2 * index + 2];
      const child = right !== undefined && left !== undefined && right.dueAt < left.dueAt ? right : left;
      if (child === undefined || child.dueAt >= item.dueAt) return index;
      const below = child.heapIndex;
      this.#place(child, index);
      index = below;
    }
  }

  #place(item: T, index: number): void {
    this.#heap[index] = item;
    item.heapIndex = index;
  }
}
