import fc from 'fast-check';
import type { AssetTokenRequest } from '../../../lib/token/token-request.js';
import { TokenEntry } from '../../../lib/token/cache-entry.js';
import { TokenEntryMemo } from '../../../lib/token/token-cache.js';
import { requestFor } from './endpoint/token-endpoint.fixture.js';
import { unlessHanging } from '../../support/unless-hanging.js';

const entryOf = ({ businessId }: AssetTokenRequest): TokenEntry =>
  new TokenEntry(requestFor({ businessId: businessId ?? undefined }));

const remember = (memo: TokenEntryMemo, said: AssetTokenRequest): TokenEntry => {
  const entry = entryOf(said);
  memo.remember(said, entry);
  return entry;
};

/** Values that concatenation, joining or an object's own names would confuse. */
const text = fc.oneof(
  fc.constantFrom('a', 'b', 'a b', 'a,b', 'a\nb', 'a\0b', '', '__proto__', 'constructor', '\uD800', 'null'),
  fc.string({ unit: 'binary', maxLength: 3 }),
);
const said: fc.Arbitrary<AssetTokenRequest> = fc.record({
  scopes: fc.oneof(fc.constantFrom(null, undefined), text, fc.array(text, { minLength: 1, maxLength: 3 })),
  businessId: fc.oneof(fc.constantFrom(null, undefined), text),
});

/** One scope and a list of one are the same thing to say. */
const meaning = ({ scopes, businessId }: AssetTokenRequest): string =>
  JSON.stringify([
    typeof scopes === 'string' ? [scopes] : (scopes ?? String(scopes)),
    businessId ?? [String(businessId)],
  ]);

describe('The memo of entries', () => {
  it('finds what was remembered', () => {
    const memo = new TokenEntryMemo(10);
    const entry = remember(memo, { scopes: ['a:b', 'c:d'], businessId: 'biz_1' });
    expect(memo.find({ scopes: ['a:b', 'c:d'], businessId: 'biz_1' })).toBe(entry);
  });

  it('takes one scope and a list of one for the same', () => {
    const memo = new TokenEntryMemo(10);
    const entry = remember(memo, { scopes: 'a:b' });
    expect(memo.find({ scopes: ['a:b'] })).toBe(entry);
  });

  it.each<[AssetTokenRequest, AssetTokenRequest]>([
    [{ scopes: ['a:b'], businessId: 'biz_1' }, { scopes: ['a:b\nbiz_1'] }],
    [{ scopes: ['a:b', 'c:d'] }, { scopes: ['a:b c:d'] }],
    [{ scopes: ['a:b', 'c:d'] }, { scopes: ['a:b,c:d'] }],
    [{ scopes: ['a:b', 'c:d'] }, { scopes: ['a:b'] }],
    [{ scopes: ['a:b'] }, { scopes: ['a:b', 'c:d'] }],
    [{ scopes: ['a:b'] }, { scopes: ['A:b'] }],
    [{}, { scopes: null }],
    [{}, { businessId: null }],
    [{}, { scopes: [] }],
    [{ scopes: null }, { scopes: 'null' }],
    [{ businessId: 'undefined' }, {}],
  ])('T11 T12 T16 never takes %j for %j, or the other way about', (one, other) => {
    for (const [remembered, sought] of [
      [one, other],
      [other, one],
    ] as const) {
      if (Array.isArray(remembered.scopes) && remembered.scopes.length === 0) continue;
      const memo = new TokenEntryMemo(10);
      remember(memo, remembered);
      expect(memo.find(sought)).toBeUndefined();
    }
  });

  it('T11 T12 finds, for anything that may be said, what was remembered for that and nothing else', () => {
    fc.assert(
      fc.property(fc.array(said, { minLength: 1, maxLength: 20 }), said, (all, sought) => {
        const memo = new TokenEntryMemo(1000);
        const byMeaning = new Map(all.map((one) => [meaning(one), entryOf(one)]));
        for (const one of all) memo.remember(one, byMeaning.get(meaning(one))!);
        for (const one of [...all, sought]) expect(memo.find(one)).toBe(byMeaning.get(meaning(one)));
      }),
      { numRuns: 500 },
    );
  });

  it.each([5, {}, new Set(['a:b']), [['a:b']], Symbol('s'), Number.NaN])(
    'knows nothing of scopes that are %p',
    (scopes) => {
      const memo = new TokenEntryMemo(10);
      remember(memo, { scopes: 'a:b' });
      expect(memo.find({ scopes } as unknown as AssetTokenRequest)).toBeUndefined();
    },
  );

  it('remembers nothing that names a resource', () => {
    const memo = new TokenEntryMemo(10);
    remember(memo, { resource: 'urn:x' });
    expect(memo.find({ resource: 'urn:x' })).toBeUndefined();
    expect(memo.find({})).toBeUndefined();
    remember(memo, {});
    expect(memo.find({ resource: 'urn:x' })).toBeUndefined();
    expect(memo.find({ resource: null })).toBeUndefined();
  });

  it('is bounded: it starts anew when it is full', () => {
    const memo = new TokenEntryMemo(3);
    const [one, ...others] = ['biz_1', 'biz_2', 'biz_3', 'biz_4'].map((businessId) => ({ businessId }));
    remember(memo, one!);
    for (const other of others.slice(0, 2)) remember(memo, other);
    expect(memo.find(one!)).toBeDefined();
    remember(memo, others[2]!);
    expect(memo.find(one!)).toBeUndefined();
    expect(memo.find(others[2]!)).toBeDefined();
    remember(memo, one!);
    expect(memo.find(others[2]!)).toBeDefined();
  });

  it.each<AssetTokenRequest>([{ scopes: null }, {}, { scopes: 'a:b' }])(
    'forgets what was said as %j too when it starts anew',
    (one) => {
      const memo = new TokenEntryMemo(2);
      remember(memo, one);
      for (const businessId of ['biz_1', 'biz_2', 'biz_3']) remember(memo, { businessId });
      expect(memo.find(one)).toBeUndefined();
    },
  );

  it('counts once what it is told again and again', () => {
    const memo = new TokenEntryMemo(3);
    const entry = remember(memo, { businessId: 'biz_1' });
    for (let i = 0; i < 10; i += 1) remember(memo, { businessId: 'biz_2' });
    expect(memo.find({ businessId: 'biz_1' })).toBe(entry);
  });

  it('is bounded in the length of lists as well', () => {
    const memo = new TokenEntryMemo(100);
    const one = { businessId: 'biz_1' };
    remember(memo, one);
    const long = Array.from({ length: 200 }, (_, index) => `scope:${index}`);
    remember(memo, { scopes: long });
    expect(memo.find({ scopes: long })).toBeDefined();
    remember(memo, { businessId: 'biz_2' });
    expect(memo.find({ scopes: long })).toBeUndefined();
    expect(memo.find(one)).toBeUndefined();
  });

  it('is not held up by text of ten megabytes', () => {
    const memo = new TokenEntryMemo(10);
    unlessHanging(() => {
      for (const unit of ['a', '\0', '\uD800', 'é']) {
        const scopes = [unit.repeat(10_000_000)];
        expect(memo.find({ scopes, businessId: scopes[0] })).toBeUndefined();
      }
    });
  });
});
