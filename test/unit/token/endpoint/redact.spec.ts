import fc from 'fast-check';
import { expectNoSecrets } from 'nestjs-asset-auth/testing';
import { redacted, thrownText } from '../../../../lib/token/endpoint/redact.js';
import { SECRET } from './token-endpoint.fixture.js';
import { unlessHanging } from '../../../support/unless-hanging.js';

const formEncoded = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1);
const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);
const everyByte = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
const everyUnit = (text: string): string =>
  text
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');

/** In how many ways an endpoint may echo a secret. */
const NOTATIONS: Readonly<Record<string, (text: string) => string>> = {
  'as it is': (text) => text,
  'URL-encoded': encodeURIComponent,
  'URL-encoded in lower case': (text) =>
    encodeURIComponent(text).replace(/%../g, (escape) => escape.toLowerCase()),
  'URL-encoded byte by byte': everyByte,
  'URL-encoded twice': (text) => encodeURIComponent(encodeURIComponent(text)),
  'form-encoded': formEncoded,
  'in JSON': inJson,
  'in JSON within JSON': (text) => inJson(inJson(text)),
  'in JSON unit by unit': everyUnit,
  'in base64': (text) => Buffer.from(text).toString('base64'),
  'in base64url': (text) => Buffer.from(text).toString('base64url'),
  'as HTTP Basic': (text) => Buffer.from(`platform:${text}`).toString('base64'),
  'one byte into a base64 text': (text) => Buffer.from(`x${text}yyyy`).toString('base64'),
  'two bytes into a base64 text': (text) => Buffer.from(`xx${text}yyyy`).toString('base64url'),
};

describe('Text of another system', () => {
  it.each(Object.entries(NOTATIONS))('T54 never repeats a secret %s', (_name, notation) => {
    for (const before of ['', 'x', 'client_secret=', 'Wrong secret: ']) {
      const text = redacted(`${before}${notation(SECRET)}.`, [SECRET]);
      expectNoSecrets(text, SECRET, { clientId: 'platform' });
      expect(text).toContain('[redacted]');
    }
  });

  it('T54 never repeats any secret in any of these notations, wherever it stands', () => {
    const secret = fc.string({ unit: 'grapheme', minLength: 6, maxLength: 40 });
    const notation = fc.constantFrom(...Object.values(NOTATIONS));
    const around = fc.string({ maxLength: 220 });
    fc.assert(
      fc.property(secret, notation, around, fc.string(), (hidden, write, before, after) => {
        fc.pre(!before.includes(hidden) && !after.includes(hidden));
        expectNoSecrets(redacted(`${before}${write(hidden)}${after}`, [hidden]), hidden);
      }),
      { numRuns: 500 },
    );
  });

  it('T54 never repeats half a secret where it is cut', () => {
    const long = Array.from({ length: 1500 }, (_, index) => `<${index}>`).join('');
    const text = redacted(`${long} ${long} ${long}`, [long]);
    expect(text).toBe('[redacted] [redacted] [redacted]');
    expect(redacted(`${'x'.repeat(195)}${SECRET}`, [SECRET])).not.toContain(SECRET.slice(0, 3));
  });

  it('hides each of several secrets, and none for lack of one', () => {
    expect(redacted('one two', ['one', 'two'])).toBe('[redacted] [redacted]');
    expect(redacted('one two', [])).toBe('one two');
    expect(redacted('one two', [''])).toBe('one two');
  });

  it('keeps what surrounds a secret', () => {
    expect(redacted('The secret hunter2-hunter2 is wrong.', ['hunter2-hunter2'])).toBe(
      'The secret [redacted] is wrong.',
    );
  });

  it('is left alone when it holds no secret, escapes or not', () => {
    const text = '100 % of "a+b" = c%20d \\u0041';
    expect(redacted(text, [SECRET])).toBe(text);
  });

  it('forges no log line and is cut', () => {
    expect(redacted('a\nb\u001b[31m\u202e\0', [])).toBe('a�b�[31m��');
    expect(redacted('x'.repeat(10_000), [])).toBe(`${'x'.repeat(200)}…`);
  });

  it('is cut, were it ten megabytes long', () => {
    unlessHanging(() => {
      for (const unit of ['%25', '\\u0041', '\\', '%', '+', 'a', SECRET, '\uD800', '\0']) {
        const text = redacted(unit.repeat(10_000_000 / unit.length), [SECRET, 'a'.repeat(64)]);
        expect(text.length).toBeLessThanOrEqual(201);
      }
    });
  });
});

describe('What was thrown', () => {
  class Hostile {
    get message(): string {
      throw new Error('no');
    }
  }

  it('is quoted by its message, else by its code', () => {
    expect(thrownText(new Error('vault is sealed'), [])).toBe('vault is sealed');
    expect(thrownText(Object.assign(new Error(''), { code: 'ECONNREFUSED' }), [])).toBe('ECONNREFUSED');
    expect(thrownText(Object.assign(new Error('sealed'), { code: 'EVAULT' }), [])).toBe('sealed');
    expect(thrownText({ code: 'EVAULT' }, [])).toBe('EVAULT');
    expect(thrownText('just text', [])).toBe('just text');
  });

  it.each([undefined, null, 5, Symbol('s'), Object.create(null), new Hostile(), { message: 5 }, () => 5])(
    'is put into words, were it %p',
    (thrown) => {
      expect(thrownText(thrown, [])).toEqual(expect.any(String));
    },
  );

  it('T54 repeats no secret, and nothing that a parser choked on', () => {
    expectNoSecrets(thrownText(new Error(`${SECRET} is wrong`), [SECRET]), SECRET);
    const parsing = (): unknown => JSON.parse('hunter2-hunter2');
    expect(parsing).toThrow(SyntaxError);
    try {
      parsing();
    } catch (error) {
      expect(thrownText(error, [])).toBe('SyntaxError');
    }
  });
});
