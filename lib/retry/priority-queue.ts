/** What a {@link PriorityQueue} can hold. */
export interface Queued {
  /** When it is due, on the clock of the queue's owner. */
  dueAt: number;
  /** Its index in the queue's heap; -1 while it is in none. */
  heapIndex: number;
}

/**
 * A priority queue, earliest `dueAt` first: a binary heap in which each item knows its index, so that one can be moved or
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

  has(item: T): boolean {
    return this.#heap[item.heapIndex] === item;
  }

  /** Adds the item, or moves it to another moment. */
  put(item: T, dueAt: number): void {
    item.dueAt = dueAt;
    if (item.heapIndex < 0) {
      item.heapIndex = this.#heap.length;
      this.#heap.push(item);
    }
    this.#settle(item);
  }

  delete(item: T): void {
    const index = item.heapIndex;
    if (index < 0) return;
    item.heapIndex = -1;
    const last = this.#heap.pop();
    if (last === undefined || last === item) return;
    last.heapIndex = index;
    this.#settle(last);
  }

  clear(): void {
    for (const item of this.#heap) item.heapIndex = -1;
    this.#heap.length = 0;
  }

  #settle(item: T): void {
    this.#place(item, this.#sift(item, this.#rise(item, item.heapIndex)));
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
