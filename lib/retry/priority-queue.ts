/** What can be filed under a moment. */
export interface Due {
  /** By whatever clock its owner goes. */
  dueAt: number;
  /** Where it stands in the queue; -1: nowhere. */
  duePlace: number;
}

/**
 * What waits for a moment, the first one in front: a binary heap in which each entry knows its place, so that one can be
 * moved or taken out without a search. A timer for each key would cost as much memory as the key itself.
 */
export class DueQueue<T extends Due> {
  readonly #heap: T[] = [];

  /** The entry that is due first. */
  get first(): T | undefined {
    return this.#heap[0];
  }

  get size(): number {
    return this.#heap.length;
  }

  has(entry: T): boolean {
    return this.#heap[entry.duePlace] === entry;
  }

  /** Files the entry under this moment, wherever it stood before. */
  put(entry: T, dueAt: number): void {
    entry.dueAt = dueAt;
    if (entry.duePlace < 0) {
      entry.duePlace = this.#heap.length;
      this.#heap.push(entry);
    }
    this.#settle(entry);
  }

  delete(entry: T): void {
    const place = entry.duePlace;
    if (place < 0) return;
    entry.duePlace = -1;
    const last = this.#heap.pop();
    if (last === undefined || last === entry) return;
    last.duePlace = place;
    this.#settle(last);
  }

  clear(): void {
    for (const entry of this.#heap) entry.duePlace = -1;
    this.#heap.length = 0;
  }

  #settle(entry: T): void {
    this.#place(entry, this.#sunk(entry, this.#risen(entry, entry.duePlace)));
  }

  #risen(entry: T, from: number): number {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = this.#heap[above];
      if (parent === undefined || parent.dueAt <= entry.dueAt) break;
      this.#place(parent, place);
      place = above;
    }
    return place;
  }

  #sunk(entry: T, from: number): number {
    let place = from;
    for (;;) {
      const left = this.#heap[2 * place + 1];
      const right = this.#heap[2 * place + 2];
      const child = right !== undefined && left !== undefined && right.dueAt < left.dueAt ? right : left;
      if (child === undefined || child.dueAt >= entry.dueAt) return place;
      const below = child.duePlace;
      this.#place(child, place);
      place = below;
    }
  }

  #place(entry: T, place: number): void {
    this.#heap[place] = entry;
    entry.duePlace = place;
  }
}
