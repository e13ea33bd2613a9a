import fc from 'fast-check';
import { expectNoSecrets } from 'nestjs-asset-auth/testing';
import type { AssetAuthOptions } from '../../../../lib/config/asset-auth.options.js';
import type { ResponseHeaders } from '../../../../lib/retry/rate-limit.js';
import {
  grantDifference,
  type IssuedToken,
  issuedToken,
  tokenClaims,
  tokenIn,
} from '../../../../lib/token/endpoint/token-response.js';
import type { ResponseContext, TokenResponse } from '../../../../lib/token/endpoint/refusal.js';
import type { TokenRequestFailure } from '../../../../lib/token/endpoint/token.errors.js';
import { unlessHanging } from '../../../support/unless-hanging.js';
import {
  configOf,
  failureIn,
  httpDate,
  jwt,
  NOW,
  NOW_SECONDS,
  requestFor,
  responseOf,
  SECRET,
} from './token-endpoint.fixture.js';

const HOUR = 3_600_000;
const context = {
  request: requestFor({ scopes: ['ledger:read'], businessId: 'biz_1' }),
  config: configOf(),
  secrets: [SECRET],
};

const readIn = (response: TokenResponse, within: ResponseContext): IssuedToken =>
  issuedToken(tokenIn(response, within), response, within);
const issued = (response: TokenResponse, options?: Partial<AssetAuthOptions>): IssuedToken =>
  readIn(response, options === undefined ? context : { ...context, config: configOf(options) });
const refusedAs = (response: TokenResponse, options?: Partial<AssetAuthOptions>): TokenRequestFailure =>
  failureIn(() => issued(response, options));

const refused = (
  status: number,
  {
    body = {},
    headers = {},
    request = context.request,
  }: { body?: unknown; headers?: ResponseHeaders; request?: typeof context.request } = {},
): TokenRequestFailure =>
  failureIn(() => readIn(responseOf(body, { status, headers }), { ...context, request }));

describe('A token answer', () => {
  it('is read as it comes', () => {
    const value = jwt({ exp: NOW_SECONDS + 60 });
    const response = responseOf(
      { access_token: value, token_type: 'Bearer', expires_in: 3600 },
      { headers: { date: httpDate(NOW) } },
    );
    expect(issued({ ...response, requestMs: 7 })).toEqual({
      value,
      issuedAt: { wall: NOW, monotonic: 0 },
      lifeMs: 60_000,
      requestMs: 7,
      difference: undefined,
    });
  });

  it.each([200, 201, 203, 299])('is one with the status %i', (status) => {
    expect(issued(responseOf({ access_token: 'x' }, { status })).value).toBe('x');
  });

  it.each(['bearer', 'BEARER', undefined])('may call its token_type %p', (token_type) => {
    expect(issued(responseOf({ access_token: 'x', token_type })).value).toBe('x');
  });

  it.each(['a', 'A-._~+/9', 'abc=', 'abc==', '=abc', '1|a!b:c@d,e%', 'eyJ.eyJ.x'])(
    'may hold the token %s',
    (access_token) => {
      expect(issued(responseOf({ access_token })).value).toBe(access_token);
    },
  );

  it('ignores its Date when a cache aged it', () => {
    const inAnHour = { access_token: 'x', expires_in: NOW_SECONDS + 3600 };
    const aged = { date: httpDate(NOW - HOUR), age: '9' };
    expect(issued(responseOf(inAnHour, { headers: aged })).lifeMs).toBe(HOUR);
  });
});

describe('An answer with the status 200 that is no token answer', () => {
  it.each([
    '',
    '<html>Sign in</html>',
    '{"access_token":"tok-en-value-1",',
    '[]',
    '["tok-en-value-1"]',
    'null',
    'true',
    '5',
    '"tok-en-value-1"',
    '{}',
    '{"access_token":""}',
    '{"access_token":null}',
    '{"access_token":5}',
    '{"access_token":["tok-en-value-1"]}',
    '{"access_token":{"value":"tok-en-value-1"}}',
    '{"__proto__":{"access_token":"tok-en-value-1"}}',
    '{"access_token":"tok-en-value-1","token_type":"mac"}',
    '{"access_token":"tok-en-value-1","token_type":5}',
    '{"access_token":"tok-en-value-1","token_type":["Bearer"]}',
    '{"access_token":"tok-en-value-1 x"}',
    '{"access_token":"tok-en-value-1\\r\\nx-evil: 1"}',
    '{"access_token":"tok-en-value-1\\u0000"}',
    '{"access_token":"tok-en-value-1\\n"}',
    '{"access_token":"tok-en-vàlue"}',
    '{"access_token":"\\ud800tok-en-value-1"}',
  ])('T55 is malformed, and its error repeats nothing of it: %s', (body) => {
    const { error, ...failed } = refusedAs(responseOf(body));
    expect(error).toMatchObject({ code: 'ASSET_TOKEN_MALFORMED', retryable: true, status: 200 });
    expect(failed).toEqual({ fault: 'unclear', orderedWaitMs: undefined });
    expectNoSecrets(error, ['tok-en-value-1', 'tok-en-vàlue', SECRET]);
    expect(error.cause).toBeUndefined();
  });

  it.each([
    ['[]', 'not with a JSON object'],
    ['<html>', 'not with a JSON object'],
    ['{}', 'without an access_token'],
    ['{"access_token":""}', 'without an access_token'],
    ['{"access_token":"a b"}', 'with an access_token that holds characters no bearer token may hold'],
    ['{"access_token":"x","token_type":"mac"}', 'with a token_type other than Bearer'],
  ])('is described without repeating it: %s', (body, words) => {
    const { error } = refusedAs(responseOf(body));
    expect(error.reason).toContain(`the endpoint answered 200, but ${words}. Check`);
  });

  it('T55 is malformed whatever stands in its token that no bearer token may hold', () => {
    const isAllowed = (text: string): boolean => /^[\x21-\x7E]+$/.test(text);
    const tokens = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .tuple(fc.string(), fc.integer({ min: 0, max: 0xffff }))
        .map(([text, code]) => `token${text}${String.fromCharCode(code)}`),
      fc.stringMatching(/^[\x21-\x7E]+$/),
    );
    fc.assert(
      fc.property(tokens, (access_token) => {
        const read = (): IssuedToken => issued(responseOf({ access_token }));
        if (isAllowed(access_token)) expect(read().value).toBe(access_token);
        else expect(failureIn(read).error.code).toBe('ASSET_TOKEN_MALFORMED');
      }),
      { numRuns: 1000 },
    );
  });

  it('is refused, were its token ten megabytes long', () => {
    unlessHanging(() => {
      for (const unit of ['a', '=', 'a=', '.', 'ü']) {
        const access_token = `${unit.repeat(10_000_000 / unit.length)}!`;
        expect(refusedAs(responseOf({ access_token })).error.code).toBe('ASSET_TOKEN_MALFORMED');
      }
    });
  });
});

describe('A refusal', () => {
  const named = (error: string) => ({ error });

  it.each([
    [401, {}, 'ASSET_CREDENTIALS_REJECTED', false, 'endpoint'],
    [401, named('invalid_scope'), 'ASSET_CREDENTIALS_REJECTED', false, 'endpoint'],
    [400, named('invalid_client'), 'ASSET_CREDENTIALS_REJECTED', false, 'endpoint'],
    [422, named('invalid_client'), 'ASSET_CREDENTIALS_REJECTED', false, 'endpoint'],
    [403, {}, 'ASSET_SCOPE_REJECTED', false, 'request'],
    [403, named('invalid_client'), 'ASSET_SCOPE_REJECTED', false, 'request'],
    [400, named('invalid_scope'), 'ASSET_SCOPE_REJECTED', false, 'request'],
    [422, named('invalid_scope'), 'ASSET_SCOPE_REJECTED', false, 'request'],
    [404, {}, 'ASSET_BUSINESS_UNKNOWN', false, 'request'],
    [404, named('invalid_client'), 'ASSET_BUSINESS_UNKNOWN', false, 'request'],
    [400, {}, 'ASSET_TOKEN_REQUEST_REJECTED', false, 'request'],
    [400, named('INVALID_CLIENT'), 'ASSET_TOKEN_REQUEST_REJECTED', false, 'request'],
    [422, {}, 'ASSET_TOKEN_REQUEST_REJECTED', false, 'request'],
    [422, named('invalid_request'), 'ASSET_TOKEN_REQUEST_REJECTED', false, 'request'],
    [405, {}, 'ASSET_TOKEN_UNAVAILABLE', true, 'unavailable'],
    [405, named('invalid_client'), 'ASSET_TOKEN_UNAVAILABLE', true, 'unavailable'],
    [400, named('slow_down'), 'ASSET_TOKEN_UNAVAILABLE', true, 'unavailable'],
    [200, named('invalid_client'), 'ASSET_CREDENTIALS_REJECTED', false, 'endpoint'],
    [200, named('no_such'), 'ASSET_TOKEN_REQUEST_REJECTED', false, 'request'],
    [409, named('invalid_client'), 'ASSET_TOKEN_REQUEST_REJECTED', false, 'request'],
    [413, named('invalid_scope'), 'ASSET_TOKEN_REQUEST_REJECTED', false, 'request'],
    [418, {}, 'ASSET_TOKEN_REQUEST_REJECTED', false, 'request'],
    [499, {}, 'ASSET_TOKEN_REQUEST_REJECTED', false, 'request'],
    [429, {}, 'ASSET_TOKEN_THROTTLED', true, 'endpoint'],
    [429, named('invalid_client'), 'ASSET_TOKEN_THROTTLED', true, 'endpoint'],
    [408, {}, 'ASSET_TOKEN_UNAVAILABLE', true, 'unavailable'],
    [500, {}, 'ASSET_TOKEN_UNAVAILABLE', true, 'unavailable'],
    [500, named('invalid_client'), 'ASSET_TOKEN_UNAVAILABLE', true, 'unavailable'],
    [502, {}, 'ASSET_TOKEN_UNAVAILABLE', true, 'unavailable'],
    [503, {}, 'ASSET_TOKEN_UNAVAILABLE', true, 'unavailable'],
    [599, {}, 'ASSET_TOKEN_UNAVAILABLE', true, 'unavailable'],
    [300, { access_token: 'x' }, 'ASSET_TOKEN_MALFORMED', true, 'unclear'],
    [302, {}, 'ASSET_TOKEN_MALFORMED', true, 'unclear'],
    [304, {}, 'ASSET_TOKEN_MALFORMED', true, 'unclear'],
    [399, { access_token: 'x' }, 'ASSET_TOKEN_MALFORMED', true, 'unclear'],
    [199, { access_token: 'x' }, 'ASSET_TOKEN_MALFORMED', true, 'unclear'],
  ])('T42 T43 with the status %i and the body %j is %s', (status, body, code, retryable, fault) => {
    const { error, ...failed } = refused(status, { body });
    expect(error).toMatchObject({ code, retryable, status });
    expect(failed).toEqual({ fault, orderedWaitMs: undefined });
  });

  it('with the status 404 and no business is a matter of the configuration', () => {
    const { error, fault } = refused(404, { request: requestFor() });
    expect(error).toMatchObject({ code: 'ASSET_CONFIG_INVALID', retryable: false });
    expect(error.message).toContain(context.config.tokenUrl);
    expect(fault).toBe('request');
  });

  it('is a matter of time when a gateway says so with 504', () => {
    expect(refused(504).error).toMatchObject({ code: 'ASSET_TOKEN_UNAVAILABLE', timedOut: true });
    expect(refused(503).error.timedOut).toBe(false);
  });

  it('has an error and a fault for every status and body', () => {
    fc.assert(
      fc.property(fc.integer({ min: 300, max: 599 }), fc.jsonValue(), fc.string(), (status, body, error) => {
        for (const said of [body, { error }, error]) {
          const failed = refused(status, { body: said });
          expect(failed.error.status).toBe(status);
          expect(['endpoint', 'unavailable', 'request', 'unclear']).toContain(failed.fault);
        }
      }),
    );
  });

  it('says what was asked for, what came back and what to do', () => {
    const body = { error: 'invalid_scope', error_description: 'not granted' };
    expect(refused(403, { body }).error.message).toBe(
      "No access token for scopes ledger:read, business biz_1 (sandbox): the endpoint answered 403 (invalid_scope: not granted). Grant the scopes to the OAuth client in Asset's Dashboard, or ask for fewer.",
    );
    expect(refused(500, { body: '<html>' }).error.message).toContain(
      'the endpoint answered 500. Ask again later',
    );
  });

  it('T54 never repeats the secret that came back with it', () => {
    for (const status of [302, 400, 401, 403, 404, 422, 429, 500, 503]) {
      for (const echo of [SECRET, encodeURIComponent(SECRET), Buffer.from(SECRET).toString('base64')]) {
        const body = { error: echo, error_description: echo, detail: echo, message: `no: ${echo}` };
        expectNoSecrets(refused(status, { body }), SECRET);
      }
    }
  });
});

describe('The wait that a refusal orders', () => {
  const inSeconds = (seconds: number): string => String(NOW_SECONDS + seconds);

  it('T40 is read on a 429, from Retry-After or else from x-ratelimit-reset', () => {
    expect(refused(429, { headers: { 'retry-after': '7' } }).orderedWaitMs).toBe(7000);
    expect(refused(429, { headers: { 'retry-after': '7' } }).error.retryAfterMs).toBe(7000);
    expect(refused(429, { headers: { 'x-ratelimit-reset': inSeconds(7) } }).orderedWaitMs).toBe(7000);
    expect(refused(429, { headers: { 'retry-after': httpDate(NOW + 7000) } }).orderedWaitMs).toBe(7000);
  });

  it('T40 makes a 503 the fault of the endpoint', () => {
    const failed = refused(503, { headers: { 'retry-after': '7' } });
    expect(failed).toMatchObject({ fault: 'endpoint', orderedWaitMs: 7000 });
    expect(failed.error.retryAfterMs).toBe(7000);
  });

  it('is not taken from rate-limit headers on a 503, since every answer carries those', () => {
    const failed = refused(503, {
      headers: { 'x-ratelimit-reset': inSeconds(40), 'x-ratelimit-remaining': '250' },
    });
    expect(failed).toMatchObject({ fault: 'unavailable', orderedWaitMs: undefined });
  });

  it.each([400, 401, 403, 404, 408, 422, 500, 502, 302])(
    'T94 is read from Retry-After alone on a %i, and makes it the fault of the endpoint, which passes',
    (status) => {
      const headers = { 'x-ratelimit-reset': inSeconds(7) };
      expect(refused(status, { headers }).orderedWaitMs).toBeUndefined();
      expect(refused(status, { headers: { ...headers, 'retry-after': '5' } })).toMatchObject({
        error: { retryable: true, retryAfterMs: 5000 },
        fault: 'endpoint',
        orderedWaitMs: 5000,
      });
    },
  );

  it('T40 is a minute at most, were it ten days', () => {
    for (const status of [429, 503]) {
      expect(refused(status, { headers: { 'retry-after': '864000' } }).orderedWaitMs).toBe(60_000);
      expect(refused(status, { headers: { 'retry-after': '60' } }).orderedWaitMs).toBe(60_000);
      expect(refused(status, { headers: { 'retry-after': '59' } }).orderedWaitMs).toBe(59_000);
    }
  });

  it.each(['0', '-1', 'soon', '', httpDate(NOW - 1000)])('T40 is none when Retry-After is %p', (value) => {
    for (const status of [429, 503]) {
      const failed = refused(status, { headers: { 'retry-after': value } });
      expect(failed.orderedWaitMs).toBeUndefined();
      expect(failed.error).not.toHaveProperty('retryAfterMs');
    }
  });
});

describe('What a refusal says of itself', () => {
  const said = (body: unknown): string =>
    /answered 400(?: \((.*)\))?\. Check scopes/.exec(refused(400, { body }).error.reason)?.[1] ?? '';

  it('is all of its known fields, each once', () => {
    const body = { error: 'no_such', error_description: 'too much', detail: 'too much', message: 'no' };
    expect(said(body)).toBe('no_such: too much: no');
  });

  it.each([undefined, null, 5, '<p>text', [], {}, { error: { code: 5 } }, { token: ['x'] }])(
    'is nothing when its body is %j',
    (body) => {
      const { reason } = refused(400, { body: body ?? 'null' }).error;
      expect(reason).toContain('answered 400. ');
    },
  );

  it('is not what its prototype says', () => {
    const { error } = refused(400, { body: '{"__proto__":{"error":"invalid_client"}}' });
    expect(error.code).toBe('ASSET_TOKEN_REQUEST_REJECTED');
    expect(said('{"__proto__":{"error":"invalid_client"}}')).toBe('');
  });

  it('T54 never repeats a secret, in any field', () => {
    for (const field of ['error', 'error_description', 'detail', 'message']) {
      const body = { [field]: `no: ${SECRET}` };
      expect(said(body)).toBe('no: [redacted]');
      expectNoSecrets(refused(400, { body }), SECRET);
    }
  });
});

describe('An issued token', () => {
  const inSeconds = (seconds: number): number => NOW_SECONDS + seconds;
  const dated = { headers: { date: httpDate(NOW) } };

  it('T28 has its life counted from when its request was sent, however long the answer took', () => {
    const slow = { receivedAt: NOW + 20_000, requestMs: 20_000 };
    const headers = { date: httpDate(NOW + 20_000) };
    for (const expires_in of [3600, inSeconds(3600)]) {
      const response = { ...responseOf({ access_token: 'one', expires_in }, { headers }), ...slow };
      expect(issued(response)).toMatchObject({ lifeMs: HOUR, issuedAt: response.sentAt, requestMs: 20_000 });
    }
  });

  it('T22 lives until the moment that it names itself, when its answer names none', () => {
    expect(issued(responseOf({ access_token: jwt({ exp: inSeconds(7200) }) }, dated)).lifeMs).toBe(2 * HOUR);
  });

  it('T22 lives as long as was asked when nothing says how long', () => {
    expect(issued(responseOf({ access_token: 'opaque' }), { tokenTtlSeconds: 900 }).lifeMs).toBe(900_000);
  });

  it.each([{ expires_in: 0 }, { expires_in: -5 }, { expires_in: 1_600_000_000 }])(
    'T23 is a malformed answer when it has already expired: %j',
    (fields) => {
      const { error, fault } = refusedAs(responseOf({ access_token: 'dead-token', ...fields }, dated));
      expect(error).toMatchObject({ code: 'ASSET_TOKEN_MALFORMED', retryable: true });
      expect(fault).toBe('unclear');
      expectNoSecrets(error, 'dead-token');
    },
  );
});

describe('A token that grants something else than was asked for', () => {
  const narrower = jwt({ scope: 'report:read', business_id: 'biz_1' });
  const exact = jwt({ scope: 'ledger:read', business_id: 'biz_1' });

  it('T18 is refused where the option says so', () => {
    const { error, fault } = refusedAs(responseOf({ access_token: narrower, expires_in: 3600 }), {
      grantedScopes: 'error',
    });
    expect(error).toMatchObject({ code: 'ASSET_GRANT_MISMATCH', retryable: false });
    expect(error.message).toContain('without ledger:read');
    expect(fault).toBe('request');
    expectNoSecrets(error, narrower);
  });

  it('T18 is issued otherwise, with the difference in words', () => {
    const { value, difference } = issued(responseOf({ access_token: narrower, expires_in: 3600 }));
    expect(value).toBe(narrower);
    expect(difference).toBe('it was granted without ledger:read and with report:read besides');
  });

  it('is told of without the secret, though the endpoint echoes that as a scope or a business', () => {
    const echoes = [SECRET, encodeURIComponent(SECRET), Buffer.from(SECRET).toString('base64')];
    const token = jwt({ scope: ['ledger:read', ...echoes], business_id: 'biz_1' });
    const { difference } = issued(responseOf({ access_token: token, expires_in: 3600 }));
    expect(difference).toMatch(/^it was granted with .*\[redacted\].* besides$/);
    expectNoSecrets(difference, SECRET);
    for (const echo of echoes) {
      const other = jwt({ scope: 'ledger:read', business_id: echo });
      const { error } = refusedAs(responseOf({ access_token: other, expires_in: 3600 }));
      expect(error.message).toContain('business [redacted]');
      expectNoSecrets(error, SECRET);
    }
  });

  it('T18 is no other when it grants exactly what was asked for', () => {
    const response = responseOf({ access_token: exact, expires_in: 3600 });
    expect(issued(response, { grantedScopes: 'error' }).difference).toBeUndefined();
  });
});

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

describe('What a token grants', () => {
  const asked = requestFor({ scopes: ['a:b', 'c:d'], businessId: 'biz_1' });

  it.each([
    {},
    { scopes: ['a:b', 'c:d'] },
    { scopes: ['c:d', 'a:b'] },
    { businessId: 'biz_1' },
    { scopes: ['c:d', 'a:b', 'a:b'], businessId: 'biz_1' },
  ])('T18 is what was asked for when it claims %j', (claims) => {
    expect(grantDifference(asked, claims)).toBeUndefined();
  });

  it.each([
    [{ scopes: ['a:b'] }, 'it was granted without c:d'],
    [{ scopes: [] }, 'it was granted without a:b c:d'],
    [{ scopes: ['a:b', 'c:d', 'e:f'] }, 'it was granted with e:f besides'],
    [{ scopes: ['A:b', 'c:d'] }, 'it was granted without a:b and with A:b besides'],
    [{ businessId: 'biz_2' }, 'it was granted for business biz_2'],
    [{ businessId: 'BIZ_1' }, 'it was granted for business BIZ_1'],
    [
      { scopes: ['a:b'], businessId: 'biz_2' },
      'it was granted without c:d; it was granted for business biz_2',
    ],
  ])('T18 differs from what was asked for when it claims %j', (claims, difference) => {
    expect(grantDifference(asked, claims)).toBe(difference);
  });

  it('T18 cannot differ from the full grant, which nobody has listed', () => {
    expect(grantDifference(requestFor(), { scopes: ['a:b'], businessId: 'biz_1' })).toBeUndefined();
  });

  it('is described without control characters and in few words', () => {
    const scopes = ['a:b', 'c:d', `e\n${'f'.repeat(1000)}`];
    const difference = grantDifference(asked, { scopes, businessId: `biz\n${'2'.repeat(1000)}` })!;
    expect(difference).not.toContain('\n');
    expect(difference.length).toBeLessThan(600);
  });
});
