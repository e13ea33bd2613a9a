import fc from 'fast-check';
import { expectNoSecrets } from 'nestjs-asset-auth/testing';
import { redacted, thrownText } from '../../../lib/config/redact.js';
import { SECRET } from '../token/endpoint/token-endpoint.fixture.js';
import { unlessHanging } from '../../support/unless-hanging.js';

const formEncoded = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1);
const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);
const everyByte = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
const everyUnit = (text: string): string =>
  text
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');

const inHtml = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
const everyCharacter = (text: string, inHex: boolean): string =>
  Array.from(text, (character) => {
    const point = character.codePointAt(0)!;
    return inHex ? `&#x${point.toString(16)};` : `&#${point};`;
  }).join('');
const bytesOf = (text: string): string[] =>
  [...Buffer.from(text)].map((byte) => byte.toString(16).padStart(2, '0'));

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
  'URL-encoded in base64': (text) => Buffer.from(encodeURIComponent(text)).toString('base64'),
  'form-encoded in base64': (text) => Buffer.from(formEncoded(text)).toString('base64url'),
  'as HTTP Basic of a form': (text) => Buffer.from(`platform:${formEncoded(text)}`).toString('base64'),
  'in HTML': inHtml,
  'in HTML twice': (text) => inHtml(inHtml(text)),
  'in HTML character by character': (text) => everyCharacter(text, false),
  'in HTML character by character, in hex': (text) => everyCharacter(text, true),
  'in JSON in HTML': (text) => inHtml(inJson(text)),
  'URL-encoded in HTML': (text) => inHtml(encodeURIComponent(text)),
  'in hex': (text) => bytesOf(text).join(''),
  'in hex in upper case': (text) => bytesOf(text).join('').toUpperCase(),
  'in hex byte by byte': (text) => bytesOf(text).join(' '),
  'in hex as in a dump': (text) => bytesOf(text).join(':').toUpperCase(),
  'in hex as in source code': (text) =>
    `[${bytesOf(text)
      .map((byte) => `0x${byte}`)
      .join(', ')}]`,
  'in decimal bytes': (text) => [...Buffer.from(text)].join(','),
  'as a buffer in JSON': (text) => JSON.stringify(Buffer.from(text)),
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

  it.each([
    ['in base64 of latin1', Buffer.from(SECRET, 'latin1').toString('base64')],
    ['in HTML by name', SECRET.replace('ü', '&uuml;').replace('"', '&quot;').replace('&=', '&amp;&equals;')],
    [
      'in bytes of JavaScript',
      bytesOf(SECRET.replace('ü', ''))
        .map((byte) => `\\x${byte}`)
        .join(''),
    ],
  ])('T130 never repeats a secret %s', (_name, written) => {
    const secret = written.startsWith('\\x') ? SECRET.replace('ü', '') : SECRET;
    const text = redacted(`Wrong secret: ${written}!`, [secret]);
    expect(text).not.toContain(written);
    expect(text).toContain('[redacted]');
    expectNoSecrets(text, secret);
  });

  it.each([
    'eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.c2lnbmF0dXJl',
    'eyJhbGciOiJIUzI1NiJ9',
    'AbCdEf0123456789AbCdEf0123456789',
    'aB3/aB3+aB3/aB3+aB3/aB3+aB3/aB3+aB3=',
    '0123456789abcdef0123456789abcdef01234567',
    'Bearer 1|abcdefgh',
    'bearer s3cr3t-t0k3n',
    Array.from({ length: 20 }, (_, index) => 100 + index).join(', '),
    Array.from({ length: 20 }, (_, index) => `a${index % 10}`).join(':'),
  ])('T130 repeats nothing that looks like a token: %s', (token) => {
    for (const around of ['', 'x: ', '"', '(', 'token=', ',', '>']) {
      const text = redacted(`${around}${token} is gone`, []);
      expect(text).not.toContain(token.replace(/^bearer /i, '').slice(0, 30));
      expect(text).toContain('[redacted]');
      expect(text).toContain('is gone');
    }
  });

  it.each([
    'biz_GA6EG2qFxA97NZHtxeLPUy',
    '123e4567-e89b-12d3-a456-426614174000',
    'trace 4bf92f3577b34da6a3ce929d0e0e4736',
    "ENOENT: no such file or directory, open '/Users/Alice/Projects2/asset/secrets/Client1.txt'",
    'connect ECONNREFUSED 127.0.0.1:65535',
    'getaddrinfo ENOTFOUND asset-token-endpoint-1.internal.eu-west-1.Example.com',
    'Bearer realm="Asset1", error="insufficient_scope", error_description="Needs ledger:read"',
    'Bearer authentication is required',
    "Hostname/IP does not match certificate's altnames: Host: localhost. is not in the cert's altnames: DNS:other.example",
    'ledger:create ledger:read ledger:update journal_entry:create transaction:update',
    '1, 2, 3, 4, 5',
  ])('T130 keeps what is none: %s', (text) => {
    expect(redacted(text, [SECRET])).toBe(text);
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
      const units = ['%25', '\\u0041', '\\', '%', '+', 'a', SECRET, '\uD800', '\0'];
      const more = [
        '&#65;',
        '&amp;',
        '&',
        'aB3',
        'aB3/',
        'a1 ',
        'a1:',
        '1,',
        '1, ',
        'eyJ',
        'eyJ.',
        'Bearer ',
        'Bearer a1=',
        '=',
        '/',
      ];
      for (const unit of [...units, ...more]) {
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

  it.each([
    ['redis://:hunter2@10.0.0.1:6379', 'redis://[redacted]@10.0.0.1:6379'],
    ['rediss://user:hun@ter2/?#x@host/0', 'rediss://[redacted]@host/0'],
    ['host=db password=hunter2 user=me', 'host=db password=[redacted] user=me'],
    ['"postgres://user:hunter2@db", "http://h"', '"postgres://[redacted]@db", "http://h"'],
    ['https://asset.example/v0/auth/token?at=1', 'https://asset.example/v0/auth/token?at=1'],
    ['mail to root@db', 'mail to root@db'],
  ])('T54 shows nobody who logs in to a URL: %s', (text, shown) => {
    expect(thrownText(new Error(`cannot reach ${text}`), [])).toBe(`cannot reach ${shown}`);
    expect(redacted(text, [])).toBe(shown);
  });

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
