import fc from 'fast-check';
import { PriorityQueue, type Queued } from '../../../lib/retry/priority-queue.js';

const act = fc.record({
  what: fc.constantFrom('put', 'put', 'delete', 'take', 'clear'),
  pick: fc.nat({ max: 11 }),
  dueAt: fc.nat({ max: 20 }),
});

describe('a priority queue', () => {
  it('gives the earliest first, however its items were moved and taken out', () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 200, size: 'max' }), (acts) => {
        const queue = new PriorityQueue<Queued>();
        const entries: Queued[] = Array.from({ length: 12 }, () => ({ dueAt: 0, heapIndex: -1 }));
        const queued = new Set<Queued>();
        for (const { what, pick, dueAt } of acts) {
          const entry = what === 'take' ? queue.first : entries[pick];
          if (what === 'clear' && pick === 0) {
            queue.clear();
            queued.clear();
          }
          if (entry === undefined || what === 'clear') continue;
          expect(queue.delete(entry)).toBe(queued.delete(entry));
          if (what === 'put') {
            queue.add(entry, dueAt);
            queued.add(entry);
          }
          expect(queue.size).toBe(queued.size);
          const moments = [...queued].map((one) => one.dueAt);
          expect(queue.first?.dueAt).toBe(moments.length === 0 ? undefined : Math.min(...moments));
        }
      }),
      { numRuns: 300 },
    );
  });
});
