import fc from 'fast-check';
import { expectNoSecrets } from 'nestjs-asset-auth/testing';
import type { AnswerHeaders } from '../../../../lib/retry/rate-limit.js';
import { failure, readTokenAnswer } from '../../../../lib/token/endpoint/token-response.js';
import type { TokenFailure } from '../../../../lib/token/endpoint/token.errors.js';
import {
  failureOf,
  httpDate,
  jwt,
  NOW,
  NOW_SECONDS,
  replyOf,
  requestFor,
  SECRET,
  tokenOf,
} from './token-endpoint.fixture.js';
import { unlessHanging } from '../../../support/unless-hanging.js';

const context = {
  request: requestFor({ scopes: ['ledger:read'], businessId: 'biz_1' }),
  environment: 'sandbox',
  tokenUrl: 'https://api.sandbox.getasset.com/v0/auth/token',
  secrets: [SECRET],
};

const refused = (
  status: number,
  {
    body = {},
    headers = {},
    request = context.request,
  }: { body?: unknown; headers?: AnswerHeaders; request?: typeof context.request } = {},
): TokenFailure => failureOf(readTokenAnswer(replyOf(body, { status, headers }), { ...context, request }));

describe('A token answer', () => {
  it('is read as it comes', () => {
    const value = jwt({ exp: NOW_SECONDS + 60 });
    const reply = replyOf(
      { access_token: value, token_type: 'Bearer', expires_in: 3600 },
      { headers: { date: httpDate(NOW) } },
    );
    expect(tokenOf(readTokenAnswer(reply, context))).toEqual({
      value,
      expiresIn: 3600,
      claims: { exp: NOW_SECONDS + 60 },
      serverDate: NOW,
    });
  });

  it.each([200, 201, 203, 299])('is one with the status %i', (status) => {
    expect(tokenOf(readTokenAnswer(replyOf({ access_token: 'x' }, { status }), context)).value).toBe('x');
  });

  it.each(['bearer', 'BEARER', undefined])('may call its token_type %p', (token_type) => {
    expect(tokenOf(readTokenAnswer(replyOf({ access_token: 'x', token_type }), context)).value).toBe('x');
  });

  it.each(['a', 'A-._~+/9', 'abc=', 'abc==', 'eyJ.eyJ.x'])('may hold the token %s', (access_token) => {
    expect(tokenOf(readTokenAnswer(replyOf({ access_token }), context)).value).toBe(access_token);
  });

  it('ignores its Date when a cache aged it', () => {
    const reply = replyOf({ access_token: 'x' }, { headers: { date: httpDate(NOW), age: '9' } });
    expect(tokenOf(readTokenAnswer(reply, context)).serverDate).toBeUndefined();
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
    '{"access_token":"=tok-en-value-1"}',
    '{"access_token":"\\ud800tok-en-value-1"}',
  ])('T55 is malformed, and its error repeats nothing of it: %s', (body) => {
    const { error, ...failed } = failureOf(readTokenAnswer(replyOf(body), context));
    expect(error).toMatchObject({ code: 'ASSET_TOKEN_MALFORMED', retryable: true, status: 200 });
    expect(failed).toEqual({
      blame: 'key',
      unavailable: false,
      endpointIsWell: false,
      orderedWaitMs: undefined,
    });
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
    const { error } = failureOf(readTokenAnswer(replyOf(body), context));
    expect(error.reason).toContain(`the endpoint answered 200, but ${words}. Check`);
  });

  it('T55 is malformed whatever stands in its token that no bearer token may hold', () => {
    const isAllowed = (text: string): boolean =>
      Array.from(text.replace(/=+$/, '')).every((character) => /[A-Za-z0-9._~+/-]/.test(character)) &&
      text.replace(/=+$/, '') !== '';
    const tokens = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .tuple(fc.string(), fc.integer({ min: 0, max: 0xffff }))
        .map(([text, code]) => `token${text}${String.fromCharCode(code)}`),
      fc.stringMatching(/^[A-Za-z0-9._~+/=-]+$/),
    );
    fc.assert(
      fc.property(tokens, (access_token) => {
        expect('token' in readTokenAnswer(replyOf({ access_token }), context)).toBe(isAllowed(access_token));
      }),
      { numRuns: 1000 },
    );
  });

  it('is refused, were its token ten megabytes long', () => {
    unlessHanging(() => {
      for (const unit of ['a', '=', 'a=', '.']) {
        const access_token = `${unit.repeat(10_000_000 / unit.length)}!`;
        expect(readTokenAnswer(replyOf({ access_token }), context)).toHaveProperty('failure');
      }
    });
  });
});

describe('A refusal', () => {
  const KEY = { blame: 'key', unavailable: false, endpointIsWell: true };
  const ENDPOINT = { blame: 'endpoint', unavailable: false, endpointIsWell: false };
  const UNAVAILABLE = { blame: 'key', unavailable: true, endpointIsWell: false };
  const MALFORMED = { blame: 'key', unavailable: false, endpointIsWell: false };
  const named = (error: string) => ({ error });

  it.each([
    [401, {}, 'ASSET_CREDENTIALS_REJECTED', false, ENDPOINT],
    [401, named('invalid_scope'), 'ASSET_CREDENTIALS_REJECTED', false, ENDPOINT],
    [400, named('invalid_client'), 'ASSET_CREDENTIALS_REJECTED', false, ENDPOINT],
    [422, named('invalid_client'), 'ASSET_CREDENTIALS_REJECTED', false, ENDPOINT],
    [403, {}, 'ASSET_SCOPE_REJECTED', false, KEY],
    [403, named('invalid_client'), 'ASSET_SCOPE_REJECTED', false, KEY],
    [400, named('invalid_scope'), 'ASSET_SCOPE_REJECTED', false, KEY],
    [422, named('invalid_scope'), 'ASSET_SCOPE_REJECTED', false, KEY],
    [404, {}, 'ASSET_BUSINESS_UNKNOWN', false, KEY],
    [404, named('invalid_client'), 'ASSET_BUSINESS_UNKNOWN', false, KEY],
    [400, {}, 'ASSET_TOKEN_REQUEST_REJECTED', false, KEY],
    [400, named('INVALID_CLIENT'), 'ASSET_TOKEN_REQUEST_REJECTED', false, KEY],
    [422, {}, 'ASSET_TOKEN_REQUEST_REJECTED', false, KEY],
    [422, named('invalid_request'), 'ASSET_TOKEN_REQUEST_REJECTED', false, KEY],
    [405, {}, 'ASSET_TOKEN_REQUEST_REJECTED', false, KEY],
    [409, named('invalid_client'), 'ASSET_TOKEN_REQUEST_REJECTED', false, KEY],
    [413, named('invalid_scope'), 'ASSET_TOKEN_REQUEST_REJECTED', false, KEY],
    [418, {}, 'ASSET_TOKEN_REQUEST_REJECTED', false, KEY],
    [499, {}, 'ASSET_TOKEN_REQUEST_REJECTED', false, KEY],
    [429, {}, 'ASSET_TOKEN_THROTTLED', true, ENDPOINT],
    [429, named('invalid_client'), 'ASSET_TOKEN_THROTTLED', true, ENDPOINT],
    [408, {}, 'ASSET_TOKEN_UNAVAILABLE', true, UNAVAILABLE],
    [500, {}, 'ASSET_TOKEN_UNAVAILABLE', true, UNAVAILABLE],
    [500, named('invalid_client'), 'ASSET_TOKEN_UNAVAILABLE', true, UNAVAILABLE],
    [502, {}, 'ASSET_TOKEN_UNAVAILABLE', true, UNAVAILABLE],
    [503, {}, 'ASSET_TOKEN_UNAVAILABLE', true, UNAVAILABLE],
    [599, {}, 'ASSET_TOKEN_UNAVAILABLE', true, UNAVAILABLE],
    [300, { access_token: 'x' }, 'ASSET_TOKEN_MALFORMED', true, MALFORMED],
    [302, {}, 'ASSET_TOKEN_MALFORMED', true, MALFORMED],
    [304, {}, 'ASSET_TOKEN_MALFORMED', true, MALFORMED],
    [399, { access_token: 'x' }, 'ASSET_TOKEN_MALFORMED', true, MALFORMED],
    [199, { access_token: 'x' }, 'ASSET_TOKEN_MALFORMED', true, MALFORMED],
  ])('T42 T43 with the status %i and the body %j is %s', (status, body, code, retryable, whose) => {
    const { error, orderedWaitMs, ...failed } = refused(status, { body });
    expect(error).toMatchObject({ code, retryable, status });
    expect(failed).toEqual(whose);
    expect(orderedWaitMs).toBeUndefined();
  });

  it('with the status 404 and no business is a matter of the configuration', () => {
    const { error, ...failed } = refused(404, { request: requestFor() });
    expect(error).toMatchObject({ code: 'ASSET_CONFIG_INVALID', retryable: false });
    expect(error.message).toContain(context.tokenUrl);
    expect(failed).toMatchObject(KEY);
  });

  it('is a matter of time when a gateway says so with 504', () => {
    expect(refused(504).error).toMatchObject({ code: 'ASSET_TOKEN_UNAVAILABLE', timedOut: true });
    expect(refused(503).error.timedOut).toBe(false);
  });

  it('is an error for every status and body, with one class of blame', () => {
    fc.assert(
      fc.property(fc.integer({ min: 300, max: 599 }), fc.jsonValue(), fc.string(), (status, body, error) => {
        for (const said of [body, { error }, error]) {
          const failed = refused(status, { body: said });
          expect(failed.error.status).toBe(status);
          expect(failed.unavailable && failed.endpointIsWell).toBe(false);
          expect(failed.blame === 'endpoint' && failed.endpointIsWell).toBe(false);
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
      'the endpoint answered 500. It is asked',
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
    expect(failed).toMatchObject({ blame: 'endpoint', unavailable: true, orderedWaitMs: 7000 });
    expect(failed.error.retryAfterMs).toBe(7000);
  });

  it('is not taken from rate-limit headers on a 503, since every answer carries those', () => {
    const failed = refused(503, {
      headers: { 'x-ratelimit-reset': inSeconds(40), 'x-ratelimit-remaining': '250' },
    });
    expect(failed).toMatchObject({ blame: 'key', orderedWaitMs: undefined });
  });

  it.each([400, 401, 403, 404, 408, 422, 500, 502, 302])('is not read on a %i', (status) => {
    const headers = { 'retry-after': '7', 'x-ratelimit-reset': inSeconds(7) };
    expect(refused(status, { headers }).orderedWaitMs).toBeUndefined();
  });

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

describe('A failure', () => {
  it("is the key's, of a reachable endpoint in unknown health, unless said otherwise", () => {
    const { error, ...failed } = failure(context, 'ASSET_TOKEN_UNAVAILABLE', { what: 'no.' });
    expect(failed).toEqual({
      blame: 'key',
      unavailable: false,
      endpointIsWell: false,
      orderedWaitMs: undefined,
    });
    expect(error).toMatchObject({ retryable: false, code: 'ASSET_TOKEN_UNAVAILABLE' });
    expect(error).not.toHaveProperty('status');
    expect(error).not.toHaveProperty('retryAfterMs');
  });
});
