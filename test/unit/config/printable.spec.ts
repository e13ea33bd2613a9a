import fc from 'fast-check';
import { described, printable, quoted } from '../../../lib/config/text.js';

describe('Text made printable', () => {
  it('keeps what can be seen', () => {
    expect(printable('Größe: 5 € 😀')).toBe('Größe: 5 € 😀');
  });

  it.each([
    '\0',
    '\n',
    '\r',
    '\u001b',
    '\u007f',
    '\u0085',
    '\u200b',
    '\u202e',
    '\u2028',
    '\ufeff',
    '\ud800',
    '\udfff',
  ])('holds no %j', (character) => {
    expect(printable(`a${character}b`)).toBe('a\ufffdb');
  });

  it('is always well formed and on one line', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(50), (text, length) => {
        expect(printable(text, length)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      }),
    );
  });

  it('is cut, also through the middle of a character', () => {
    expect(printable('x'.repeat(10_000_000))).toBe(`${'x'.repeat(200)}…`);
    expect(printable('ab😀', 3)).toBe('ab\ufffd…');
  });
});

describe('A value in a message', () => {
  it.each([
    ['text', '"text"', 'a string'],
    ['', '""', 'an empty string'],
    [7, '7', 'a value of type number'],
    [NaN, 'NaN', 'a value of type number'],
    [null, 'null', 'null'],
    [undefined, 'undefined', 'undefined'],
    [true, 'true', 'true'],
    [['text'], 'a list', 'a list'],
    [{ toString: () => 'text' }, 'a value of type object', 'a value of type object'],
    [() => 'text', 'a value of type function', 'a value of type function'],
    [Symbol('text'), 'a value of type symbol', 'a value of type symbol'],
    [7n, 'a value of type bigint', 'a value of type bigint'],
  ])('%p is quoted as %s and described as %s', (value, asQuoted, asDescribed) => {
    expect(quoted(value)).toBe(asQuoted);
    expect(described(value)).toBe(asDescribed);
  });
});
