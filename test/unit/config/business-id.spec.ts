import fc from 'fast-check';
import { businessIdProblem, checkedBusinessId } from '../../../lib/config/scope-set.js';
import { AssetBusinessError } from '../../../lib/config/asset-auth.errors.js';

const LETTERS_AND_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const suffix = fc.string({
  unit: fc.constantFrom(...LETTERS_AND_DIGITS.split('')),
  minLength: 1,
  maxLength: 60,
  size: 'max',
});

describe('A business id', () => {
  it('is "biz_" and then letters and digits, 64 characters at most', () => {
    fc.assert(
      fc.property(suffix, (id) => {
        expect(checkedBusinessId(`biz_${id}`)).toBe(`biz_${id}`);
      }),
    );
  });

  it.each([65, 80, 15_000, 10_000_000])(
    'T124 is not %i characters long, and is not repeated in full',
    (length) => {
      const id = `biz_${'A'.repeat(length - 4)}`;
      const problem = businessIdProblem(id)!;
      expect(problem).toContain(
        `is no business id: it is ${length} characters long, and a business id 64 at most`,
      );
      expect(problem.length).toBeLessThan(200);
      expect(businessIdProblem(id, 'businessId')).toMatch(/^businessId is no business id/);
    },
  );

  it('is nothing else', () => {
    const other = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }).map((text) => `biz_${text}`),
    );
    fc.assert(
      fc.property(other, (text) => {
        const wellFormed =
          text.startsWith('biz_') &&
          text.length > 4 &&
          Array.from(text.slice(4)).every((character) => LETTERS_AND_DIGITS.includes(character));
        expect(businessIdProblem(text) === undefined).toBe(wellFormed);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    'biz_',
    'BIZ_GA6E',
    'biz-GA6E',
    ' biz_GA6E',
    'biz_GA6E\n',
    'biz_GA6E/../biz_b',
    'biz_GA6E%2f',
    'biz_é',
    'biz_a_b',
    'biz_a\0',
    '__proto__',
    '',
  ])('is not %j', (id) => {
    expect(() => checkedBusinessId(id)).toThrow(AssetBusinessError);
  });

  it.each([
    [undefined],
    [null],
    [7],
    [['biz_GA6E']],
    [new String('biz_GA6E')],
    [{ toString: () => 'biz_GA6E' }],
  ])('is a string, not %p', (id) => {
    expect(() => checkedBusinessId(id as string)).toThrow(
      expect.objectContaining({ code: 'ASSET_BUSINESS_INVALID', retryable: false }) as Error,
    );
  });

  it('is shown in its error, beside one that would do', () => {
    expect(() => checkedBusinessId('bix_1\u001b[2J')).toThrow(
      '"bix_1\ufffd[2J" is not a business id. One looks like "biz_GA6EG2qFxA97NZHtxeLPUy": "biz_", then letters and digits.',
    );
  });
});
