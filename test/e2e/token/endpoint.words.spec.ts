import { isAssetAuthError } from 'nestjs-asset-auth';
import { expectNoSecrets } from 'nestjs-asset-auth/testing';
import { startApplication } from '../../support/application.js';
import { afterThisTest } from '../../support/cleanup.js';
import { throughAttempts } from '../../support/through-attempts.js';
import { failureOf as rejectionOf } from '../../support/failure-of.js';
import { clientOf, failureOf, SECRET, startServer } from './endpoint.fixture.js';

const ASKED = { scopes: ['ledger:read'], businessId: 'biz_A' };

/** What a server says of a request that it answers in these words. */
async function failureFrom(status: number, body: string, headers: Readonly<Record<string, string>> = {}) {
  const { url } = await startServer((_request, response) => {
    response.writeHead(status, headers).end(body);
  });
  return failureOf(clientOf({ baseUrl: url }).fetch(ASKED));
}

const CHALLENGE = '<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>…</body></html>';

describe('T91 a word of a gateway', () => {
  it.each([
    [403, CHALLENGE],
    [401, '<html><h1>401 Authorization Required</h1><hr>nginx</html>'],
    [404, 'default backend - 404'],
    [404, '404 page not found\n'],
    [400, 'Bad Request'],
    [422, '<?xml version="1.0"?><Error><Code>invalid</Code></Error>'],
    [409, 'conflict'],
    [418, '{"cut off": "in the midd'],
    [405, '{"error":"method_not_allowed"}'],
    [407, ''],
    [415, '{"detail":"Unsupported Media Type"}'],
    [421, ''],
    [425, '{}'],
  ])('is none of the endpoint: %i %j', async (status, body) => {
    const { error, fault } = await failureFrom(status, body);
    expect(error).toMatchObject({ code: 'ASSET_TOKEN_UNAVAILABLE', retryable: true, status });
    expect(fault).toBe('unavailable');
    expect(error.reason).toMatch(/gateway.*proxy.*tokenPath/);
    expect(error.reason).not.toMatch(/scope|business|credential|clientId|clientSecret|Dashboard/i);
  });

  it.each([
    [401, '', 'ASSET_CREDENTIALS_REJECTED'],
    [401, ' \r\n', 'ASSET_CREDENTIALS_REJECTED'],
    [403, '{}', 'ASSET_SCOPE_REJECTED'],
    [403, '"no"', 'ASSET_SCOPE_REJECTED'],
    [404, '', 'ASSET_BUSINESS_UNKNOWN'],
    [404, '{"detail":"Not Found"}', 'ASSET_BUSINESS_UNKNOWN'],
    [422, '[]', 'ASSET_TOKEN_REQUEST_REJECTED'],
    [401, '\uFEFF{"error":"invalid_client"}', 'ASSET_CREDENTIALS_REJECTED'],
  ])('is not an empty body, nor JSON: %i %j', async (status, body, code) => {
    expect((await failureFrom(status, body)).error).toMatchObject({ code, retryable: false, status });
  });

  it('leaves nobody refused for long: the next answer of the endpoint counts', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    sandbox.fail('token', { status: 401, body: CHALLENGE });
    const { value } = await throughAttempts(clock, tokens.getAccessToken());
    expect(value).toBe(sandbox.issuedTokens[0]);
  });
});

describe('T92 an error with the status 200', () => {
  it.each([
    [{ error: 'invalid_client' }, 'ASSET_CREDENTIALS_REJECTED'],
    [{ error: 'invalid_client', access_token: '' }, 'ASSET_CREDENTIALS_REJECTED'],
    [{ error: 'invalid_client', access_token: null }, 'ASSET_CREDENTIALS_REJECTED'],
    [{ error: 'invalid_scope', error_description: 'no' }, 'ASSET_SCOPE_REJECTED'],
    [{ error: { code: 'invalid_scope' } }, 'ASSET_SCOPE_REJECTED'],
    [{ errors: [{ code: 'invalid_client' }] }, 'ASSET_CREDENTIALS_REJECTED'],
    [{ data: { error: 'invalid_client' } }, 'ASSET_CREDENTIALS_REJECTED'],
    [{ success: false, code: 'invalid_scope' }, 'ASSET_SCOPE_REJECTED'],
    [{ error: 'invalid_request' }, 'ASSET_TOKEN_REQUEST_REJECTED'],
    [{ error: 'access_denied', access_token: 'issued-token' }, 'ASSET_TOKEN_REQUEST_REJECTED'],
    [{ error: 'temporarily_unavailable' }, 'ASSET_TOKEN_UNAVAILABLE'],
  ])('is the same refusal: %j', async (body, code) => {
    const { error } = await failureFrom(200, JSON.stringify(body));
    expect(error).toMatchObject({ code, status: 200 });
    const same = await failureFrom(400, JSON.stringify(body));
    expect(same).toMatchObject({ error: { code, retryable: error.retryable } });
    const meant = (reason: string): string => reason.replace(/answered \d+/, '').replace(/127.0.0.1:\d+/, '');
    expect(meant(error.reason)).toBe(meant(same.error.reason));
  });

  it.each([null, '', false, 0, {}, []])('is a token if it names one and the error is %j', async (error) => {
    const { url } = await startServer((_request, response) => {
      response.end(JSON.stringify({ access_token: 'issued-token', error, errors: error }));
    });
    expect((await clientOf({ baseUrl: url }).fetch()).value).toBe('issued-token');
  });

  it('is the endpoint that refuses the credentials, and everybody is told so at once', async () => {
    const { tokens, sandbox } = await startApplication();
    sandbox.fail('token', { body: { error: 'invalid_client' } }, Infinity);
    const failed = await rejectionOf(tokens.getAccessToken({ scopes: ['ledger:read'] }));
    expect(isAssetAuthError(failed, 'ASSET_CREDENTIALS_REJECTED')).toBe(true);
    const other = await rejectionOf(tokens.getAccessToken({ scopes: ['report:read'] }));
    expect(isAssetAuthError(other, 'ASSET_CREDENTIALS_REJECTED')).toBe(true);
    expect(sandbox.tokenRequests).toHaveLength(1);
  });
});

/** One without claims, and one that is no JWT. */
const TOKENS = ['e30.e30.e30', 'opaque-token'];

describe('A polluted prototype', () => {
  it.each(
    [
      ['error', 'invalid_client'],
      ['errors', ['no']],
      ['token_type', 'mac'],
      ['expires_in', 1],
      ['scope', 'bill:create'],
      ['business_id', 'biz_B'],
      ['exp', 1],
    ].flatMap(([name, value]) => TOKENS.map((token) => ({ name: String(name), value, token }))),
  )('says nothing of a token: $name, $token', async ({ name, value, token }) => {
    const { url } = await startServer((_request, response) =>
      response.end(JSON.stringify({ access_token: token })),
    );
    const client = clientOf({ baseUrl: url, grantedScopes: 'error' });
    Object.defineProperty(Object.prototype, name, { value, configurable: true });
    afterThisTest(() => Reflect.deleteProperty(Object.prototype, name));
    expect(await client.fetch(ASKED)).toMatchObject({ value: token, lifeMs: 3_600_000 });
  });
});

describe('T93 the reason of a refusal', () => {
  it.each([
    [
      { detail: [{ loc: ['body', 'business_id'], msg: 'field required' }] },
      'body.business_id: field required',
    ],
    [{ error: { code: 'invalid_request', message: 'no such grant' } }, 'invalid_request: no such grant'],
    [{ errors: [{ title: 'Bad', detail: 'worse' }, { message: 'worst' }] }, 'Bad: worse: worst'],
    [{ errors: { business_id: ['is required'] } }, 'business_id: is required'],
    [
      { errors: { scope: 'is unknown', business_id: 'is required' } },
      'scope: is unknown: business_id: is required',
    ],
    [{ errors: [{ id: 'a1', meta: 'b2', message: 'no' }] }, 'no'],
    [{ problem: { explanation: 'too old' } }, 'too old'],
    [{ business_id: ['This field is required.'] }, 'business_id: This field is required.'],
    [{ type: 'about:blank', title: 'Unprocessable', status: 400, detail: 'no' }, 'Unprocessable: no'],
    [
      { message: ['a must be b', 'c must be d'], error: 'Bad Request' },
      'Bad Request: a must be b: c must be d',
    ],
    [
      { fault: { faultstring: 'Invalid ApiKey', detail: { errorcode: 'oauth.v2.X' } } },
      'oauth.v2.X: Invalid ApiKey',
    ],
    [{ error: { errors: [{ detail: { message: 'deep' } }] } }, 'deep'],
    [{ errorMessage: 'camels' }, 'camels'],
    ['just text', 'just text'],
    [['one', 'two'], 'one: two'],
  ])('is found in %j', async (body, reason) => {
    const { error } = await failureFrom(400, JSON.stringify(body));
    expect(error).toMatchObject({ code: 'ASSET_TOKEN_REQUEST_REJECTED' });
    expect(error.reason).toContain(`answered 400 (${reason}). Check`);
  });

  it.each([
    [{ error: { code: 'invalid_scope' } }, 'ASSET_SCOPE_REJECTED'],
    [{ errors: [{ code: 'invalid_client' }] }, 'ASSET_CREDENTIALS_REJECTED'],
    [{ errors: [{ extensions: { code: 'invalid_scope' } }] }, 'ASSET_SCOPE_REJECTED'],
    [{ type: 'https://asset.example/problems/invalid_scope', title: 'No' }, 'ASSET_SCOPE_REJECTED'],
    [{ type: 'urn:ietf:params:oauth:error:invalid_client' }, 'ASSET_CREDENTIALS_REJECTED'],
    [{ error: { type: 'invalid_client', message: 'No' } }, 'ASSET_CREDENTIALS_REJECTED'],
    [{ error: { name: 'invalid_scope' } }, 'ASSET_SCOPE_REJECTED'],
    [{ Error: { Code: 'invalid_scope' } }, 'ASSET_SCOPE_REJECTED'],
    [{ error: ['invalid_scope'] }, 'ASSET_SCOPE_REJECTED'],
    [{ statusCode: 400, message: 'invalid_client' }, 'ASSET_CREDENTIALS_REJECTED'],
    [{ detail: 'invalid_scope: ledger:read is not granted' }, 'ASSET_SCOPE_REJECTED'],
    [{ detail: { error: { error: 'invalid_client' } } }, 'ASSET_CREDENTIALS_REJECTED'],
    ['invalid_scope', 'ASSET_SCOPE_REJECTED'],
    [{ message: 'see https://asset.example/#invalid_scope' }, 'ASSET_TOKEN_REQUEST_REJECTED'],
    [{ error: 'invalid_scopes' }, 'ASSET_TOKEN_REQUEST_REJECTED'],
    [{ request: { error: 'invalid_client' } }, 'ASSET_TOKEN_REQUEST_REJECTED'],
  ])('is understood in %j', async (body, code) => {
    expect((await failureFrom(422, JSON.stringify(body))).error.code).toBe(code);
  });

  it('is understood and quoted in plain text too', async () => {
    expect((await failureFrom(400, 'invalid_client')).error).toMatchObject({
      code: 'ASSET_CREDENTIALS_REJECTED',
      reason: expect.stringContaining('answered 400 (invalid_client).') as string,
    });
    expect((await failureFrom(503, 'upstream connect error')).error.reason).toContain(
      'answered 503 (upstream connect error).',
    );
  });

  it('is short, however much there is of it', async () => {
    const long = 'x'.repeat(5000);
    let nested: unknown = { error: long };
    for (let depth = 0; depth < 2000; depth += 1) nested = { error: nested, errors: [nested].slice(depth) };
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`f${index}`, [long]]));
    for (const body of [{ errors: many }, { error: long, detail: long, title: `y${long}` }, nested, [many]]) {
      const { error } = await failureFrom(400, JSON.stringify(body));
      expect(error.reason.length).toBeLessThan(600);
    }
  });

  it('T54 never repeats the secret, wherever it stands', async () => {
    for (const body of [
      { error: { message: `no: ${SECRET}` } },
      { errors: [{ detail: SECRET }] },
      { errors: { [SECRET]: ['no'] } },
      { detail: [{ loc: ['body', SECRET], msg: encodeURIComponent(SECRET), input: SECRET }] },
    ]) {
      await failureFrom(400, JSON.stringify(body));
      await failureFrom(200, JSON.stringify(body));
    }
    await failureFrom(400, `no ${SECRET}`);
  });
});

describe('T94 a refusal that passes', () => {
  it.each([400, 401, 403, 404, 409, 422])('says so by its code, with the status %i', async (status) => {
    for (const error of ['temporarily_unavailable', 'server_error', 'slow_down']) {
      expect(await failureFrom(status, JSON.stringify({ error }))).toMatchObject({
        error: { code: 'ASSET_TOKEN_UNAVAILABLE', retryable: true, status },
        fault: 'unavailable',
      });
    }
  });

  it.each([302, 400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 503, 504])(
    'says so by Retry-After, with the status %i',
    async (status) => {
      // A secret that was rejected waits for its next probe, whatever else is ordered.
      const failed = await failureFrom(status, '{}', { 'retry-after': '7' });
      expect(failed.error).toMatchObject({ retryable: true, retryAfterMs: 7000, status });
      if (status !== 401) expect(failed).toMatchObject({ fault: 'endpoint', orderedWaitMs: 7000 });
      expect((await failureFrom(status, '{}', { 'retry-after': '700' })).error.retryAfterMs).toBe(60_000);
      expect((await failureFrom(status, '{}', { 'retry-after': '0' })).error).not.toHaveProperty(
        'retryAfterMs',
      );
    },
  );

  it('is obeyed, and then asked again', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    sandbox.fail('token', { status: 400, body: { error: 'slow_down' }, retryAfter: 20 });
    expect(await rejectionOf(tokens.getAccessToken())).toMatchObject({
      retryable: true,
      retryAfterMs: 20_000,
    });
    await clock.advance(19_999);
    expect(await rejectionOf(tokens.getAccessToken())).toMatchObject({ retryAfterMs: 1 });
    expect(sandbox.tokenRequests).toHaveLength(1);
    await clock.advance(1);
    expect((await tokens.getAccessToken()).value).toBe(sandbox.issuedTokens[0]);
  });
});

describe('T95 a good token', () => {
  it.each([
    '1|abcDEF',
    'a!b',
    'a:b:c',
    '100%',
    'user@crm',
    'a,b',
    'a=b=c',
    '=',
    '"quoted"',
    '{}',
    '~!#$&*()',
  ])('is %s', async (access_token) => {
    const { url } = await startServer((_request, response) => response.end(JSON.stringify({ access_token })));
    expect((await clientOf({ baseUrl: url }).fetch()).value).toBe(access_token);
  });

  it.each([null, '', ' ', 'bearer', 'Bearer '])('may have the type %j', async (token_type) => {
    const { asset, sandbox } = await startApplication();
    sandbox.fail('token', { fields: { token_type } });
    await new Promise((resolve, reject) => {
      asset.get('/v0/echo').subscribe({ next: resolve, error: reject });
    });
    expect(sandbox.apiRequests.map(({ status }) => status)).toEqual([200]);
  });

  it.each(['a b', 'a\tb', 'a\nb', 'ü', 'a\u00a0', 'a\u007f', '\u0000'])('is not %j', async (access_token) => {
    const { url } = await startServer((_request, response) => response.end(JSON.stringify({ access_token })));
    const { error } = await failureOf(clientOf({ baseUrl: url }).fetch());
    expect(error.code).toBe('ASSET_TOKEN_MALFORMED');
  });
});

describe('T96 the scope of an answer', () => {
  const granted = async (scope: unknown, tokenFormat: 'jwt' | 'opaque' = 'opaque') => {
    const { tokens, sandbox } = await startApplication({
      options: { grantedScopes: 'error' },
      sandboxOptions: { tokenFormat, jwtClaims: 'full' },
    });
    sandbox.fail('token', { fields: { scope } });
    return tokens.getAccessToken({ scopes: ['ledger:read', 'report:read'] }).catch((error: unknown) => error);
  };

  it.each([
    'ledger:read',
    ['report:read'],
    'ledger:read report:read bill:create',
    ' LEDGER:READ  report:read',
  ])('decides for an opaque token: %j', async (scope) => {
    expect(await granted(scope)).toMatchObject({ code: 'ASSET_GRANT_MISMATCH' });
  });

  it.each([
    'report:read ledger:read',
    ['ledger:read', 'report:read'],
    null,
    undefined,
    '',
    '  ',
    [],
    [''],
    5,
    true,
    {},
    ['ledger:read', 5],
  ])('decides nothing where it is what was asked for, or says nothing: %j', async (scope) => {
    expect(await granted(scope)).toHaveProperty('value');
  });

  it("comes after the token's own claims", async () => {
    expect(await granted('ledger:read', 'jwt')).toHaveProperty('value');
  });

  it('is told in the log where it is a matter of warning', async () => {
    const { tokens, sandbox } = await startApplication({ sandboxOptions: { tokenFormat: 'opaque' } });
    sandbox.fail('token', { fields: { scope: 'ledger:read' } });
    await tokens.getAccessToken({ scopes: ['ledger:read', 'report:read'] });
    expect(sandbox.tokenRequests).toHaveLength(1);
  });
});

describe('T130 what an answer repeats', () => {
  const html = (text: string): string =>
    text.replace(/[&<>"'`=/+]/g, (character) => `&#x${character.charCodeAt(0).toString(16)};`);
  const named = (text: string): string =>
    text
      .replaceAll('&', '&amp;')
      .replaceAll('"', '&quot;')
      .replaceAll('ü', '&uuml;')
      .replaceAll('+', '&plus;')
      .replaceAll('=', '&equals;');
  const bytes = (text: string): string[] =>
    [...Buffer.from(text)].map((byte) => byte.toString(16).padStart(2, '0'));
  const NOTATIONS: Readonly<Record<string, (text: string) => string>> = {
    'as it is': (text) => text,
    'in HTML': html,
    'in HTML by name': named,
    'in HTML twice': (text) => named(named(text)),
    'in JSON in HTML': (text) => named(JSON.stringify(text).slice(1, -1)),
    'in hex': (text) => bytes(text).join(''),
    'in upper-case hex': (text) => bytes(text).join('').toUpperCase(),
    'in hex with spaces': (text) => bytes(text).join(' '),
    'in hex with colons': (text) => bytes(text).join(':'),
    'byte by byte': (text) => [...Buffer.from(text)].join(','),
    'in base64 of latin1': (text) => Buffer.from(text, 'latin1').toString('base64'),
    'in base64 of a URL': (text) => Buffer.from(encodeURIComponent(text)).toString('base64'),
    'in base64 of a form': (text) =>
      Buffer.from(new URLSearchParams({ s: text }).toString()).toString('base64url'),
  };

  it.each(Object.entries(NOTATIONS))('is not the secret %s', async (_name, write) => {
    const written = write(SECRET);
    for (const body of [JSON.stringify({ error: 'no', detail: `x ${written} y` }), `x ${written} y`]) {
      const { error } = await failureFrom(400, body);
      expect(error.message).not.toContain(written);
      expect(error.message).toContain('[redacted]');
      expect(error.message).not.toContain('hunter2');
    }
  });

  it.each(Object.entries(NOTATIONS))('is no access token %s', async (_name, write) => {
    for (const tokenFormat of ['jwt', 'opaque'] as const) {
      const { tokens, sandbox, clock } = await startApplication({ sandboxOptions: { tokenFormat } });
      const { value } = await tokens.getAccessToken();
      await clock.advance(3_600_000);
      const detail = `The token ${write(value)} is still good.`;
      sandbox.fail('token', { status: 400, body: { error: 'invalid_request', detail } });
      const error = await rejectionOf(tokens.getAccessToken());
      expectNoSecrets(error, [value]);
      expect(String(error)).not.toContain(write(value).slice(0, 40));
      expect(String(error)).toMatch(/invalid_request: (The token )?\[redacted\]/);
    }
  });

  it('is none of the tokens that were issued before, however plain they are', async () => {
    const { url } = await startServer((_request, response) => {
      const issued = received.length;
      if (issued <= 3)
        response.end(JSON.stringify({ access_token: `plain token ${issued}`.replaceAll(' ', '&') }));
      else response.writeHead(400).end(JSON.stringify({ detail: texts[issued - 4] }));
    });
    const texts = [
      'not plain&token&1, plain&token&2 or plain&token&3',
      named('plain&token&2'),
      bytes('plain&token&3').join(''),
      Buffer.from('plain&token&1').toString('base64'),
    ];
    const received: string[] = [];
    const client = clientOf({ baseUrl: url });
    for (let count = 0; count < 3; count += 1) {
      received.push('');
      await client.fetch();
    }
    for (const text of texts) {
      received.push(text);
      const { error } = await failureOf(client.fetch(), ['plain&token&1', 'plain&token&2', 'plain&token&3']);
      expect(error.message).not.toContain(text);
      expect(error.message).toContain('[redacted]');
    }
  });

  it('is no token that stands in the answer itself', async () => {
    const body = {
      error: 'x',
      detail: 'tok-en-1 was issued',
      refresh_token: 'tok-en-1',
      data: { id_token: 'id-tok-en-2' },
    };
    const { error } = await failureFrom(400, JSON.stringify({ ...body, message: 'or id-tok-en-2' }));
    expectNoSecrets(error, ['tok-en-1', 'id-tok-en-2']);
  });

  it('is a business, a request id and a host all the same', async () => {
    const detail =
      'biz_GA6EG2qFxA97NZHtxeLPUy 123e4567-e89b-12d3-a456-426614174000 https://Asset.example/docs/Errors1';
    expect((await failureFrom(400, JSON.stringify({ detail }))).error.message).toContain(detail);
  });

  it.each([
    [16 * 1024, true],
    [16 * 1024 + 1, false],
    [200_000, false],
  ])('is a token of %i characters: %p', async (length, isGood) => {
    const access_token = 'a'.repeat(length);
    const { url } = await startServer((_request, response) => response.end(JSON.stringify({ access_token })));
    const fetching = clientOf({ baseUrl: url }).fetch();
    if (isGood) expect((await fetching).value).toBe(access_token);
    else expect((await failureOf(fetching, [access_token])).error.code).toBe('ASSET_TOKEN_MALFORMED');
  });
});

describe('T132 a token of another business', () => {
  it.each(['warn', 'error'] as const)(
    'is refused with grantedScopes: %s, and nothing of it is kept',
    async (grantedScopes) => {
      const { tokens, sandbox, clock } = await startApplication({
        options: { grantedScopes },
      });
      for (const id of ['biz_A', 'biz_B']) sandbox.addBusiness({ id });
      const foreign = (await tokens.getAccessToken({ businessId: 'biz_B' })).value;
      for (const scopes of [null, ['ledger:read'], ['ledger:read', 'report:read']]) {
        sandbox.fail('token', { fields: { access_token: foreign } });
        const asked = { businessId: 'biz_A', scopes };
        const error = await rejectionOf(tokens.getAccessToken(asked));
        expect(error).toMatchObject({ code: 'ASSET_GRANT_MISMATCH', retryable: false });
        expect(String(error)).toContain('it was granted for business biz_B');
        expect(String(error)).not.toContain("grantedScopes: 'warn'");
        expect(tokens.peekAccessToken(asked)).toBeUndefined();
        await clock.advance(60_000);
        expect((await tokens.getAccessToken(asked)).value).not.toBe(foreign);
      }
    },
  );

  it('leaves the token alone that was held before', async () => {
    const { tokens, sandbox } = await startApplication({});
    for (const id of ['biz_A', 'biz_B']) sandbox.addBusiness({ id });
    const foreign = (await tokens.getAccessToken({ businessId: 'biz_B' })).value;
    const held = await tokens.getAccessToken({ businessId: 'biz_A' });
    sandbox.fail('token', { fields: { access_token: foreign } });
    await rejectionOf(tokens.getAccessToken({ businessId: 'biz_A' }, { forceRefresh: true }));
    expect(tokens.peekAccessToken({ businessId: 'biz_A' })?.value).toBe(held.value);
  });
});
