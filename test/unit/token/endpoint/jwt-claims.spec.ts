import fc from 'fast-check';
import { tokenClaims } from '../../../../lib/token/endpoint/token-response.js';
import { jwt } from './token-endpoint.fixture.js';
import { unlessHanging } from '../../../support/unless-hanging.js';

describe('The claims of a token', () => {
  it('are read from a JWT', () => {
    const claims = { exp: 1_800_000_000, iat: 1_700_000_000, scope: 'a:b c:d', business_id: 'biz_1' };
    expect(tokenClaims(jwt(claims))).toEqual({
      exp: 1_800_000_000,
      iat: 1_700_000_000,
      scopes: ['a:b', 'c:d'],
      businessId: 'biz_1',
    });
  });

  it.each([
    ['scope', 'a:b  c:d ', ['a:b', 'c:d']],
    ['scope', ['a:b', 'c:d'], ['a:b', 'c:d']],
    ['scp', ['a:b'], ['a:b']],
    ['scopes', 'a:b', ['a:b']],
    ['scope', '', []],
    ['scope', [], []],
  ])('name scopes as %s: %j', (name, value, scopes) => {
    expect(tokenClaims(jwt({ [name]: value })).scopes).toEqual(scopes);
  });

  it('take scope before scp before scopes', () => {
    expect(tokenClaims(jwt({ scope: 'a', scp: 'b', scopes: 'c' })).scopes).toEqual(['a']);
    expect(tokenClaims(jwt({ scope: null, scp: 'b', scopes: 'c' })).scopes).toEqual(['b']);
  });

  it.each([
    { exp: '1800000000' },
    { exp: null },
    { exp: 1_800_000_000_000 },
    { exp: 4_102_444_801 },
    { exp: [1_800_000_000] },
    { iat: 'x' },
    { iat: 1_700_000_000_000 },
    { scope: 5 },
    { scope: ['a', 5] },
    { scope: { a: 1 } },
    { business_id: 5 },
    { business_id: null },
  ])('are as if absent where they make no sense: %j', (claims) => {
    expect(tokenClaims(jwt(claims))).toEqual({});
  });

  it('keep a time up to the year 2100, and one long past', () => {
    expect(tokenClaims(jwt({ exp: 4_102_444_800, iat: 0 }))).toEqual({ exp: 4_102_444_800, iat: 0 });
    expect(tokenClaims(jwt({ exp: -1 }))).toEqual({ exp: -1 });
  });

  it.each([
    '',
    '.',
    '..',
    '...',
    'opaque',
    'a.b',
    'a.b.c',
    'a.b.c.d.e',
    jwt('null'),
    jwt('5'),
    jwt('"text"'),
    jwt('{'),
    jwt('{"exp":1e999}'),
    jwt('{"exp":-1e999,"iat":-1e999}'),
    jwt(Buffer.from([0xff, 0xfe]).toString('latin1')),
    `${jwt({ exp: 1 })}.x`,
    jwt({ exp: 1 }).split('.').slice(0, 2).join('.'),
  ])('are none when the token is %j', (token) => {
    expect(tokenClaims(token)).toEqual({});
  });

  it('are not what a prototype says', () => {
    const claims = tokenClaims(jwt('{"__proto__":{"exp":1800000000,"business_id":"biz_1"}}'));
    expect(claims).toEqual({});
    expect(claims.exp).toBeUndefined();
    expect(claims.businessId).toBeUndefined();
  });

  it('are read from anything without an error', () => {
    const tokens = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.tuple(fc.string(), fc.string(), fc.string()).map((parts) => parts.join('.')),
      fc.jsonValue().map(jwt),
      fc.record({ exp: fc.jsonValue(), iat: fc.jsonValue(), scope: fc.jsonValue() }).map(jwt),
    );
    fc.assert(
      fc.property(tokens, (token) => {
        const { exp, iat, scopes } = tokenClaims(token);
        expect(exp === undefined || Number.isFinite(exp)).toBe(true);
        expect(iat === undefined || Number.isFinite(iat)).toBe(true);
        expect(scopes === undefined || scopes.every((scope) => typeof scope === 'string')).toBe(true);
      }),
    );
  });

  it('are read, were the token ten megabytes long', () => {
    const tokens = [
      '.'.repeat(10_000_000),
      jwt('['.repeat(10_000_000)),
      jwt({ scope: ' '.repeat(10_000_000) }),
    ];
    unlessHanging(() => {
      for (const token of tokens) expect(tokenClaims(token).exp).toBeUndefined();
    });
  });
});
