import type { InternalAxiosRequestConfig } from 'axios';
import fc from 'fast-check';
import { assertBusiness, requestUrl } from '../../../lib/http/request-url.js';
import { unlessHanging } from '../../support/unless-hanging.js';

const ORIGIN = 'https://api.getasset.com';
const NOT_ALLOWED = expect.objectContaining({ code: 'ASSET_REQUEST_NOT_ALLOWED' }) as Error;
const MISMATCH = expect.objectContaining({ code: 'ASSET_BUSINESS_MISMATCH' }) as Error;

const at = (url: unknown, baseURL: unknown = ORIGIN): string =>
  requestUrl({ url, baseURL } as InternalAxiosRequestConfig, ORIGIN).href;

describe('the address of a request', () => {
  it.each<[unknown, unknown, string]>([
    ['/v0/business', ORIGIN, '/v0/business'],
    ['v0/business', ORIGIN, '/v0/business'],
    ['v0/business', `${ORIGIN}///`, '/v0/business'],
    ['', ORIGIN, '/'],
    ['', `${ORIGIN}/v0`, '/v0'],
    [undefined, ORIGIN, '/'],
    [null, ORIGIN, '/'],
    ['?a=1', ORIGIN, '/?a=1'],
    ['x', `${ORIGIN}/v0/`, '/v0/x'],
    [`${ORIGIN}/v0`, undefined, '/v0'],
    [`${ORIGIN}/v0`, 'https://evil.example', '/v0'],
    ['HTTPS://API.GETASSET.COM:443/v0', ORIGIN, '/v0'],
    ['https://ａｐｉ.getasset.com/v0', ORIGIN, '/v0'],
    [new URL('/v0', ORIGIN), ORIGIN, '/v0'],
    ['https\\:evil.example', ORIGIN, '/https/:evil.example'],
    ['https', ORIGIN, '/https'],
    ['x/https:evil.example', ORIGIN, '/x/https:evil.example'],
    ['@evil.example', ORIGIN, '/@evil.example'],
    ['.evil.example', ORIGIN, '/.evil.example'],
    [':8443', ORIGIN, '/:8443'],
    ['/\\evil.example', ORIGIN, '//evil.example'],
    ['/\t/evil.example', ORIGIN, '//evil.example'],
    [7, ORIGIN, '/7'],
    ['ht tps:x', ORIGIN, '/ht%20tps:x'],
  ])('of %j below %j is the one that axios makes of them', (url, baseURL, path) => {
    expect(at(url, baseURL)).toBe(ORIGIN + path);
  });

  it.each<[unknown, unknown]>([
    ['https://api.getasset.com@evil.example', ORIGIN],
    ['s3://bucket/key', ORIGIN],
    ['', `blob:${ORIGIN}/1`],
    ['https://api.getasset.com:pw@evil.example/', ORIGIN],
    ['https://user@api.getasset.com/', ORIGIN],
    ['https://:password@api.getasset.com/', ORIGIN],
    ['//evil.example/v0', ORIGIN],
    ['//api.getasset.com/v0', ORIGIN],
    ['https://api.getasset.com.evil.example/', ORIGIN],
    ['https://api.getasset.com./', ORIGIN],
    ['https://evil.example\\@api.getasset.com/', ORIGIN],
    ['https://evil.example#@api.getasset.com/', ORIGIN],
    ['https://evil.example?@api.getasset.com/', ORIGIN],
    ['https://api.getasset.com:8443/', ORIGIN],
    ['http://api.getasset.com/', ORIGIN],
    ['wss://api.getasset.com/', ORIGIN],
    ['https://аpi.getasset.com/', ORIGIN],
    ['https://api。getasset。com.evil.example/', ORIGIN],
    ['blob:https://api.getasset.com/1', ''],
    ['data:text/plain,x', ''],
    ['/v0', ''],
    ['/v0', null],
    ['', ''],
    ['/v0', 'https://evil.example'],
    ['v0', '//evil.example'],
    ['x', `${ORIGIN}.evil.example`],
    ['x', `${ORIGIN}@evil.example`],
    ['\\@evil.example', 'https://evil.example/'],
    ['https://', ORIGIN],
  ])('of %j below %j is refused', (url, baseURL) => {
    expect(() => at(url, baseURL)).toThrow(NOT_ALLOWED);
  });

  it.each<[unknown, unknown]>([
    ['https:evil.example', ORIGIN],
    ['https:/evil.example', ORIGIN],
    ['http:evil.example/v0', ORIGIN],
    ['HTTPS:/evil.example', ORIGIN],
    ['https:', ORIGIN],
    ['http:80', ORIGIN],
    ['https:\\evil.example', ORIGIN],
    [' https:evil.example', ORIGIN],
    ['  https:evil.example', ORIGIN],
    ['\u0000https:/evil.example', ORIGIN],
    ['ht\ntps:evil.example', ORIGIN],
    ['https:\t/evil.example', ORIGIN],
    ['https:api.getasset.com/v0', ''],
    ['https:evil.example?key=hunter2', ORIGIN],
    ['https:user:hunter2@evil.example', ORIGIN],
    ['v0', 'https:api.getasset.com'],
  ])('T135 of %j below %j is refused as by axios: it is no path', (url, baseURL) => {
    expect(() => at(url, baseURL)).toThrow(
      expect.objectContaining({
        name: 'AxiosError',
        code: 'ERR_INVALID_URL',
        message: expect.stringMatching(
          /^(?!.*hunter2)The address .* has no "\/\/" after its protocol\./,
        ) as string,
      }) as Error,
    );
  });

  it('is Asset’s, or refused in words that repeat no password, whatever is given', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        ORIGIN,
        'https:',
        'http:',
        '//',
        '\\',
        '@',
        ':',
        '#',
        '?',
        '\t',
        '.',
        'evil.example',
        'blob:',
        'a:hunter2@',
      ),
      fc.string({ unit: 'binary', maxLength: 5 }),
    );
    const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(text, fc.option(text, { nil: undefined }), (url, baseURL) => {
        try {
          const parsed = new URL(at(url, baseURL ?? ORIGIN));
          expect(parsed.href.startsWith(`${ORIGIN}/`)).toBe(true);
          expect([parsed.username, parsed.password]).toEqual(['', '']);
        } catch (error) {
          expect(['ASSET_REQUEST_NOT_ALLOWED', 'ERR_INVALID_URL']).toContain(
            (error as { code?: unknown }).code,
          );
          expect((error as Error).message).not.toContain('hunter2');
        }
      }),
      { numRuns: 600 },
    );
  });

  it('is found in ten megabytes, also below a base of nothing but slashes', () => {
    unlessHanging(() => {
      expect(at(`/${'a'.repeat(10_000_000)}`)).toHaveLength(ORIGIN.length + 10_000_001);
      expect(() => at('x', `${'/'.repeat(10_000_000)}x`)).toThrow(NOT_ALLOWED);
      expect(at('x', `${ORIGIN}${'/'.repeat(10_000_000)}`)).toBe(`${ORIGIN}/x`);
    });
  });

  it('is named in the refusal, cut and without control characters', () => {
    expect(() => at('https://evil.example/')).toThrow('"https://evil.example"');
    expect(() => at(`http://[${'\u001b'.repeat(500)}`)).toThrow(
      /^The address "http:\/\/\[�{72}…" cannot be parsed/,
    );
    expect(() => at('http://user:pw@[')).toThrow('The address of the request cannot be parsed');
  });
});

describe('the business in an address', () => {
  const check = (path: string, businessId: string | undefined = 'biz_1'): void => {
    assertBusiness(new URL(path, ORIGIN), businessId);
  };

  it.each([
    '/',
    '/v0',
    '/v0/business',
    '/v0/business/',
    '/v0/business/biz_1',
    '/v0/business/biz_1/ledger',
    '/v0/tenant/biz_2',
    '/v1/business/biz_2',
    '/v0/businesses/biz_2',
    '/v0/business/./biz_1/',
    '//v0//business//biz_1',
    '/v0/business/biz_1/ledger;view=short/a;b',
  ])('of %s may be that of the token', (path) => {
    expect(() => {
      check(path);
    }).not.toThrow();
  });

  it.each([
    '/v0/business/biz_2',
    '/V0/Business/biz_2',
    '/v0/business/BIZ_1',
    '/v0/business/biz_1%20',
    '/v0/business/biz_1;x',
    '/v0/business;x/biz_2',
    '/v0;x/business/biz_2',
    '/v0%3Bx/business/biz_2',
    '/v0/business/biz_1/..;/biz_2',
    '/v0/business/biz_10',
    '/v0/business/biz_2/v0/business/biz_1',
    '/v0/business/biz_',
    '/v0%2fbusiness%2fbiz_2',
    '/v0/business%5cbiz_2',
    '/v0%2f.%2fbusiness/biz_2',
    '/v0/business/%2e/biz_2',
    '/v0/business/biz_1%2f..%2fbiz_2',
    '/..%2fv0/business/biz_1',
    '/v0/%zz',
    '/v0/business/biz_1/%ff',
  ])('of %s is not that of the token', (path) => {
    expect(() => {
      check(path);
    }).toThrow(MISMATCH);
  });

  it.each([
    '/v0/business/biz_1/ledger/..%252f..%252fbiz_2/ledger',
    '/v0/business/biz_1/ledger/%252e%252e/x',
    '/v0/business/biz_1/%25252e%25252e%25252fbiz_2',
    '/v0/business/biz_1/%2525252e./biz_2',
    '/v0/business/biz_1/..%255cbiz_2',
    '/v0/business/biz_1/..%253b/biz_2',
    '/v0/business%252fbiz_2',
    '/v0/business/biz_1/x%252fv0%252fbusiness%252fbiz_2',
    '/v0/business/%2562iz_1',
    '/v0/business/biz_1/100%25/%252e%252e%252fbiz_2',
    '/v0/business/biz_1/%25zz%252e%252e%252fbiz_2/%252e%252e/x',
    '/v0/business/biz_1/%25ff/%252e%252e%252fbiz_2',
    '/v0/business/biz_1/%25c0%25ae%25c0%25ae%25c0%25af',
    '/v0/business/biz_1/%25e0%2580%25ae',
    '/v0/business/biz_1/x/%252e%252e%252f%25ff',
    '/v0/business/biz_1/%25u002e%25u002e%25u002fbiz_2',
    `/v0/business/biz_1/%${'25'.repeat(9)}2e`,
    '/asset/v0/business/biz_2',
    '/a/b/c/V0//Business/biz_2',
    '/asset%2fv0%2fbusiness%2fbiz_2',
    '/asset/v0/business;x/biz_2',
    '/a/b/asset/v0/;x/business/biz_2',
    '/asset/v0/business/biz_1/..%252fbiz_2',
  ])('T126 of %s is not that of the token, in a form that some server sees', (path) => {
    expect(() => {
      check(path);
    }).toThrow(MISMATCH);
  });

  it.each([
    '/asset/v0/business/biz_1/ledger',
    '/v0/business/biz_1/ledger/100%25',
    '/v0/business/biz_1/ledger/50%25%20off',
    '/v0/business/biz_1/ledger/50%252F100',
    '/v0/business/biz_1/ledger/a%2525b',
    '/v0/business/biz_1/ledger/%25ff%25zz',
    '/v0/business/biz_1/ledger/%25ff..%25ff',
    '/v0/business/biz_1/ledger/M%C3%BCller%2520%26%2520S%C3%B6hne',
    '/v0/business/biz_1/ledger/v1.2..3',
    '/v0/business/biz_1/business/biz_2',
    '/%62usiness/biz_2',
    '/v0/%62usiness/%62iz_1',
  ])('T126 of %s may be that of the token, also where its text looks encoded', (path) => {
    expect(() => {
      check(path);
    }).not.toThrow();
  });

  it('matters to narrowed tokens only', () => {
    for (const none of [undefined, null]) assertBusiness(new URL('/v0/business/biz_2/%zz', ORIGIN), none);
  });

  it('is found in any spelling that a server may read as another business', () => {
    const spelled = (text: string) =>
      fc
        .array(fc.constantFrom('plain', 'percent', 'upper'), {
          minLength: text.length,
          maxLength: text.length,
        })
        .map((ways) =>
          Array.from(text)
            .map((char, i) =>
              ways[i] === 'percent'
                ? `%${char.charCodeAt(0).toString(16)}`
                : ways[i] === 'upper'
                  ? char.toUpperCase()
                  : char,
            )
            .join(''),
        );
    const slash = fc.constantFrom('/', '//', '%2f', '\\', '%5C', '/./', '/%2e/', '/\t');
    fc.assert(
      fc.property(slash, spelled('v0'), slash, spelled('business'), slash, (s1, v0, s2, business, s3) => {
        // Of 'v0' and 'business' the case does not matter; the id is as it is.
        expect(() => {
          check(`/${s1 === '\\' ? '' : s1}${v0}${s2}${business}${s3}biz_2`.replace(/^\/+/, '/'));
        }).toThrow(MISMATCH);
      }),
    );
  });
});
