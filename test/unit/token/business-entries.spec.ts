import fc from 'fast-check';
import { BusinessEntries, type SaidBusiness } from '../../../lib/token/business-entries.js';
import { TokenEntry } from '../../../lib/token/cache-entry.js';
import { requestFor } from './endpoint/token-endpoint.fixture.js';

const entryOf = (business: SaidBusiness): TokenEntry =>
  new TokenEntry(requestFor({ businessId: business ?? undefined }));

/** So many that not all of them lie at hand; those that end alike share a place. */
const MANY = Array.from({ length: 600 }, (_, i) => `biz_${Math.floor(i / 200)}x${1000 + (i % 200)}`);

const filled = (): { entries: BusinessEntries; byBusiness: Map<SaidBusiness, TokenEntry> } => {
  const entries = new BusinessEntries();
  const byBusiness = new Map<SaidBusiness, TokenEntry>();
  for (const business of MANY) {
    const entry = entryOf(business);
    entries.set(business, entry);
    byBusiness.set(business, entry);
  }
  return { entries, byBusiness };
};

describe('The entries of many businesses', () => {
  it('T11 are each found, whoever was looked up before at the same place', () => {
    const { entries, byBusiness } = filled();
    for (let round = 0; round < 3; round += 1) {
      for (const [business, entry] of byBusiness) expect(entries.get(business)).toBe(entry);
      for (const [business, entry] of [...byBusiness].reverse()) expect(entries.get(business)).toBe(entry);
    }
  });

  it('are found by equal text, which need not be the same text', () => {
    const { entries, byBusiness } = filled();
    for (const [business, entry] of byBusiness) {
      expect(entries.get(business)).toBe(entry);
      expect(entries.get(Buffer.from(String(business)).toString())).toBe(entry);
    }
  });

  it('are replaced also where they were looked up before', () => {
    const { entries } = filled();
    const [business] = MANY;
    entries.get(business);
    const newer = entryOf(business);
    expect(entries.set(business, newer)).toBe(false);
    expect(entries.get(business)).toBe(newer);
  });

  it.each<SaidBusiness>([
    undefined,
    null,
    '',
    '7',
    'xy',
    'biz_',
    '__proto__',
    MANY[0]!.slice(1),
    `a${MANY[0]!}`,
  ])('T11 hold nothing for %j, which has no entry, looked up before or not', (unknown) => {
    const { entries } = filled();
    for (const business of MANY) entries.get(business);
    expect(entries.get(unknown)).toBeUndefined();
    expect(entries.get(unknown)).toBeUndefined();
    const entry = entryOf(unknown);
    expect(entries.set(unknown, entry)).toBe(true);
    expect(entries.get(unknown)).toBe(entry);
  });

  it('T11 T12 are, after any sets and lookups, those that were set last', () => {
    const business = fc.oneof(
      fc.constantFrom<SaidBusiness>(undefined, null),
      fc.constantFrom(...MANY),
      fc.string({ unit: 'binary', maxLength: 6 }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(business, fc.boolean()), { maxLength: 60 }), (moves) => {
        const { entries, byBusiness } = filled();
        for (const [one, isSet] of moves) {
          if (isSet) {
            const entry = entryOf(one);
            expect(entries.set(one, entry)).toBe(!byBusiness.has(one));
            byBusiness.set(one, entry);
          }
          expect(entries.get(one)).toBe(byBusiness.get(one));
        }
        for (const [one, entry] of byBusiness) expect(entries.get(one)).toBe(entry);
      }),
      { numRuns: 100 },
    );
  });
});
