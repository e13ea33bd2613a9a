import fc from 'fast-check';
import { type Due, DueQueue } from '../../../../lib/retry/priority-queue.js';

const act = fc.record({
  what: fc.constantFrom('put', 'put', 'delete', 'take', 'clear'),
  pick: fc.nat({ max: 11 }),
  dueAt: fc.nat({ max: 20 }),
});

describe('what waits for its moment', () => {
  it('is found in the order of the moments, however it was moved and taken out', () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 200, size: 'max' }), (acts) => {
        const queue = new DueQueue<Due>();
        const entries: Due[] = Array.from({ length: 12 }, () => ({ dueAt: 0, duePlace: -1 }));
        const filed = new Set<Due>();
        for (const { what, pick, dueAt } of acts) {
          const entry = what === 'take' ? queue.first : entries[pick];
          if (what === 'clear' && pick === 0) {
            queue.clear();
            filed.clear();
          }
          if (entry === undefined || what === 'clear') continue;
          if (what === 'put') {
            queue.put(entry, dueAt);
            filed.add(entry);
          } else {
            queue.delete(entry);
            filed.delete(entry);
          }
          expect(queue.size).toBe(filed.size);
          expect(entries.filter((one) => queue.has(one))).toEqual(entries.filter((one) => filed.has(one)));
          const moments = [...filed].map((one) => one.dueAt);
          expect(queue.first?.dueAt).toBe(moments.length === 0 ? undefined : Math.min(...moments));
        }
      }),
      { numRuns: 300 },
    );
  });
});
