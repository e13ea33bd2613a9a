import fc from 'fast-check';
import { AssetScopeError } from '../../../lib/config/asset-auth.errors.js';
import { scopesBeyond, scopeSet, scopesProblem } from '../../../lib/config/scope-set.js';

/** Written as RFC 6749 §3.3 writes it, character by character, to differ from the expression under test. */
const isScopeToken = (text: string): boolean =>
  text.length > 0 &&
  Array.from(text).every((character) => {
    const code = character.codePointAt(0) ?? 0;
    return code === 0x21 || (code >= 0x23 && code <= 0x5b) || (code >= 0x5d && code <= 0x7e);
  });

const scopeToken = fc
  .string({
    unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
    minLength: 1,
  })
  .filter(isScopeToken);
const scopeTokens = fc.array(scopeToken, { minLength: 1 });
/** Strings of all kinds, among them many that are scope-tokens but for one character. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .tuple(fc.string(), fc.integer({ min: 0, max: 0xffff }))
    .map(([rest, code]) => rest + String.fromCharCode(code)),
);

describe('A set of scopes', () => {
  it('is one or several scope names, sorted', () => {
    expect(scopeSet('ledger:read')).toEqual(['ledger:read']);
    expect(scopeSet(['report:read', 'ledger:read'])).toEqual(['ledger:read', 'report:read']);
  });

  it('T16 has one form, whatever the order and the duplicates', () => {
    fc.assert(
      fc.property(
        scopeTokens.chain((scopes) =>
          fc.tuple(
            fc.constant(scopes),
            fc.shuffledSubarray([...scopes, ...scopes], { minLength: scopes.length * 2 }),
          ),
        ),
        ([scopes, disordered]) => {
          expect(scopeSet(disordered)).toEqual(scopeSet(scopes));
        },
      ),
    );
  });

  it('holds each of its scopes once, in the order of their code units, and no other', () => {
    fc.assert(
      fc.property(scopeTokens, (scopes) => {
        const set = scopeSet(scopes);
        expect(new Set(set)).toEqual(new Set(scopes));
        expect(set.slice(1).every((scope, index) => set[index]! < scope)).toBe(true);
      }),
    );
  });

  it('is its own normal form', () => {
    fc.assert(
      fc.property(scopeTokens, (scopes) => {
        expect(scopeSet(scopeSet(scopes))).toEqual(scopeSet(scopes));
      }),
    );
  });

  it('T16 tells scopes apart that differ in case only', () => {
    expect(scopeSet(['Ledger:read', 'ledger:read'])).toEqual(['Ledger:read', 'ledger:read']);
    expect(scopeSet('Ledger:read')).not.toEqual(scopeSet('ledger:read'));
  });

  it('cannot be changed, nor through the list it was made of', () => {
    const list = ['report:read', 'ledger:read'];
    const set = scopeSet(list);
    list.push('bill:create');
    expect(Object.isFrozen(set)).toBe(true);
    expect(set).toEqual(['ledger:read', 'report:read']);
    expect(list[0]).toBe('report:read');
  });

  it('is made of what was checked, also of a list that answers differently the second time', () => {
    let reads = 0;
    const shifty = new Proxy(['ledger:read'], {
      get: (target, key) =>
        key === '0' && ++reads > 1 ? 'not a scope' : (Reflect.get(target, key) as unknown),
    });
    expect(scopeSet(shifty)).toEqual(['ledger:read']);
  });
});

describe('A scope', () => {
  it('is any scope-token of RFC 6749 and nothing else', () => {
    fc.assert(
      fc.property(text, (scope) => {
        expect(scopesProblem(scope) === undefined).toBe(isScopeToken(scope));
        expect(scopesProblem(['ledger:read', scope]) === undefined).toBe(isScopeToken(scope));
      }),
      { numRuns: 2000 },
    );
  });

  it.each(['!', '#', '[', ']', '~', "'", 'urn:x#y', 'a/b?c=d&e', '$value', '__proto__'])(
    'may be %j',
    (scope) => {
      expect(scopeSet(scope)).toEqual([scope]);
    },
  );

  it.each(['"', '\\', '\u007f', '\0', 'a\n', '\ud800', 'é', 'ledger\u200b:read'])(
    'may not be %j',
    (scope) => {
      expect(() => scopeSet(scope)).toThrow(/holds a character that no scope may hold/);
    },
  );

  it('is neither trimmed nor split: a list names each scope by itself', () => {
    expect(() => scopeSet('ledger:read report:read')).toThrow(
      `Scopes cannot be used: "ledger:read report:read" holds a space. List several scopes separately: ['ledger:read', 'report:read'].`,
    );
    expect(() => scopeSet([' ledger:read'])).toThrow(/holds a space/);
  });

  it.each([[[]], [''], [['']], [['ledger:read', '']]])(
    'is required: %j would ask for everything and is an error',
    (scopes) => {
      expect(() => scopeSet(scopes)).toThrow(AssetScopeError);
    },
  );

  it.each([
    [null],
    [undefined],
    [7],
    [{}],
    [[undefined]],
    [[null]],
    [[['ledger:read']]],
    [new Array<string>(1)],
  ])('is a string, not %p', (scopes) => {
    expect(() => scopeSet(scopes as string)).toThrow(/a scope is a string such as "ledger:read"/);
  });

  it('is quoted in its error without control characters and cut to a readable length', () => {
    const message = scopesProblem(`\u001b[31m\n${'x'.repeat(1_000_000)} `)!;
    expect(message).toMatch(/^"\ufffd\[31m\ufffdx+…" holds a space/);
    expect(message.length).toBeLessThan(250);
  });

  it('has the code ASSET_SCOPE_INVALID when it is none', () => {
    expect(() => scopeSet('')).toThrow(
      expect.objectContaining({ code: 'ASSET_SCOPE_INVALID', retryable: false }) as Error,
    );
  });
});

describe('The scopes beyond a set', () => {
  it('are those that the set does not hold, exactly and in their order', () => {
    const allowed = scopeSet(['ledger:read', 'report:read']);
    expect(scopesBeyond(allowed, scopeSet(['ledger:read']))).toEqual([]);
    expect(scopesBeyond(allowed, scopeSet(['Ledger:read', 'bill:create', 'report:read']))).toEqual([
      'Ledger:read',
      'bill:create',
    ]);
  });

  it('are the difference of the sets', () => {
    fc.assert(
      fc.property(scopeTokens, scopeTokens, (some, others) => {
        const beyond = scopesBeyond(scopeSet(some), scopeSet(others));
        expect(new Set(beyond)).toEqual(new Set(others.filter((scope) => !some.includes(scope))));
      }),
    );
  });
});
