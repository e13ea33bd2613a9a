import FormDataPackage from 'form-data';
import { expectNoSecrets } from 'nestjs-asset-auth/testing';
import { randomBytes } from 'node:crypto';
import { Agent } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { firstValueFrom } from 'rxjs';
import { startApplication } from '../../support/application.js';
import { afterThisTest } from '../../support/cleanup.js';
import { failureOf } from '../../support/failure-of.js';

const REJECTED = 'the new token was rejected as well';

describe('a 401 is compared, not believed', () => {
  it('T06 ten concurrent 401s become ten successes with one new token', async () => {
    const { asset, sandbox } = await startApplication();
    await firstValueFrom(asset.get('/v0/business'));
    sandbox.revokeTokens();
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => firstValueFrom(asset.get('/v0/business'))),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect(sandbox.tokenRequests).toHaveLength(2);
    expect(sandbox.apiRequests).toHaveLength(21);
  });

  it('T05 late 401s for a token that was replaced meanwhile ask for no further token', async () => {
    const { asset, tokens, sandbox } = await startApplication();
    await firstValueFrom(asset.get('/v0/business'));
    const old = sandbox.apiRequests[0]?.claims?.jti;
    sandbox.rejectTokens(({ claims }) => claims?.jti === old);
    const late = Array.from({ length: 5 }, (_each, i) => {
      const path = `/v0/business?late=${i}`;
      return {
        hold: sandbox.hold('api', (request) => request.path === path),
        answer: firstValueFrom(asset.get(path)),
      };
    });
    await sandbox.waitForRequest(({ path }) => path.includes('late'), { count: 5 });
    await tokens.getAccessToken({}, { forceRefresh: true });
    for (const { hold, answer } of late) {
      hold.release();
      expect((await answer).status).toBe(200);
    }
    expect(sandbox.tokenRequests).toHaveLength(2);
  });

  it.each<[string, object, object]>([
    ['is longer than allowed', { body: 'x'.repeat(5000) }, { maxContentLength: 2000 }],
    [
      'is longer than allowed, read from a stream',
      { body: 'x'.repeat(5000) },
      { maxContentLength: 2000, decompress: false },
    ],
    ['cannot be decompressed', { body: 'no gzip', headers: { 'content-encoding': 'gzip' } }, {}],
  ])('is cured although its body %s, which axios takes for no answer', async (_what, fault, config) => {
    const { asset, sandbox } = await startApplication();
    await firstValueFrom(asset.get('/v0/echo'));
    sandbox.fail('api', { status: 401, ...fault });
    expect((await firstValueFrom(asset.get('/v0/echo', config))).status).toBe(200);
    expect(sandbox.tokenRequests).toHaveLength(2);
    expect(sandbox.apiRequests).toHaveLength(3);
    // One that is not cured stays the error that axios makes of it.
    sandbox.fail('api', { status: 401, ...fault }, 2);
    const error = await failureOf(asset.get('/v0/echo', config));
    expect(error).toMatchObject({ isAxiosError: true, config: { url: '/v0/echo' } });
  });

  it('a newer token at hand is used for the replay, and none is asked for', async () => {
    const { asset, tokens, sandbox } = await startApplication();
    await firstValueFrom(asset.get('/v0/business'));
    const hold = sandbox.hold('api');
    sandbox.rejectTokens(1);
    const call = firstValueFrom(asset.get('/v0/business'));
    await sandbox.waitForRequest('api', { count: 2 });
    await tokens.getAccessToken({}, { forceRefresh: true });
    hold.release();
    expect((await call).status).toBe(200);
    expect(sandbox.tokenRequests).toHaveLength(2);
  });

  it('T62 a token that the API rejects at once is replaced once, and the 401 surfaces', async () => {
    const { asset, sandbox } = await startApplication();
    sandbox.rejectTokens(Infinity);
    const error = await failureOf(asset.withScope('ledger:read').get('/v0/business?secret=x'));
    expect(error).toMatchObject({
      code: 'ASSET_UNAUTHORIZED',
      isAxiosError: true,
      status: 401,
      retryable: false,
    });
    expect(error.message).toContain(REJECTED);
    expect(error.message).toContain('GET /v0/business, sent with a token for scopes ledger:read;');
    expect(sandbox.apiRequests).toHaveLength(2);
    expect(sandbox.tokenRequests).toHaveLength(2);
  });

  it('T62 in the cool-down a 401 spends nothing and surfaces; after it, one more token is asked for', async () => {
    const { asset, sandbox, clock } = await startApplication();
    sandbox.rejectTokens(Infinity);
    await failureOf(asset.get('/v0/business'));
    for (let i = 0; i < 5; i += 1) {
      const error = await failureOf(asset.get('/v0/business'));
      expect(error).toMatchObject({ code: 'ASSET_UNAUTHORIZED', retryable: true });
      expect(error.message).toContain('the token was replaced a moment ago already');
    }
    expect(sandbox.tokenRequests).toHaveLength(2);
    await clock.advance(30_000);
    await failureOf(asset.get('/v0/business'));
    expect(sandbox.tokenRequests).toHaveLength(3);
  });

  it('the same token handed out again is not tried again', async () => {
    const { asset, sandbox } = await startApplication({ sandboxOptions: { stickyTokens: true } });
    sandbox.rejectTokens(Infinity);
    expect(await failureOf(asset.get('/v0/business'))).toMatchObject({ code: 'ASSET_UNAUTHORIZED' });
    expect(sandbox.apiRequests).toHaveLength(1);
    expect(sandbox.tokenRequests).toHaveLength(2);
  });

  it('says why when no new token can be had', async () => {
    const { asset, sandbox } = await startApplication();
    await firstValueFrom(asset.get('/v0/business'));
    sandbox.revokeTokens();
    sandbox.fail('token', { status: 503 }, Infinity);
    const error = await failureOf(asset.get('/v0/business'));
    expect(error).toMatchObject({
      code: 'ASSET_UNAUTHORIZED',
      retryable: true,
      response: { status: 401 },
      cause: { code: 'ASSET_TOKEN_UNAVAILABLE' },
    });
    expect(Object.keys(error)).not.toContain('cause');
    expect(error.message).toContain('no other token could be had');
  });

  it.each<[string, object]>([
    ['true for everything', { validateStatus: () => true }],
    ['null', { validateStatus: null }],
    ['the default', {}],
  ])('is cured whatever validateStatus says: %s', async (_what, config) => {
    const { asset, sandbox } = await startApplication();
    sandbox.rejectTokens(1);
    expect(await firstValueFrom(asset.get('/v0/business', config))).toMatchObject({ status: 200 });
    expect(sandbox.tokenRequests).toHaveLength(2);
  });

  it('surfaces as an answer where the caller takes it for one', async () => {
    const { asset, sandbox } = await startApplication();
    sandbox.rejectTokens(Infinity);
    expect(await firstValueFrom(asset.get('/v0/business', { validateStatus: null }))).toMatchObject({
      status: 401,
    });
    expect(sandbox.apiRequests).toHaveLength(2);
  });

  it('is replayed below the interceptors of the application, which see one request and one answer', async () => {
    const { asset, sandbox } = await startApplication();
    const seen: string[] = [];
    asset.axiosRef.interceptors.request.use((config) => (seen.push('request'), config));
    asset.axiosRef.interceptors.response.use(
      (response) => (seen.push(`answer ${response.status}`), response),
    );
    sandbox.rejectTokens(1);
    await firstValueFrom(
      asset.get('/v0/business', { transformRequest: (data: unknown) => (seen.push('transform'), data) }),
    );
    expect(seen).toEqual(['request', 'transform', 'answer 200']);
  });

  it('without a token of ours is left as it is', async () => {
    const { asset, sandbox } = await startApplication();
    const error = await failureOf(asset.get('/v0/business', { asset: false }));
    expect(error).toMatchObject({ code: 'ERR_BAD_REQUEST', status: 401 });
    expect(sandbox.requests).toHaveLength(1);
  });

  it('T47 a caller who leaves during the replay leaves alone', async () => {
    const { asset, sandbox } = await startApplication();
    await firstValueFrom(asset.get('/v0/business'));
    sandbox.revokeTokens();
    const hold = sandbox.hold('token');
    const controller = new AbortController();
    const leaver = failureOf(asset.get('/v0/business?leaver', { signal: controller.signal }));
    const stayer = firstValueFrom(asset.get('/v0/business?stayer'));
    await sandbox.waitForRequest('token', { count: 2 });
    await sandbox.waitForRequest(({ path }) => path.endsWith('?leaver'), { until: 'answered' });
    controller.abort();
    expect(await leaver).toMatchObject({ code: 'ERR_CANCELED' });
    hold.release();
    expect((await stayer).status).toBe(200);
    expect(sandbox.apiRequests.filter(({ path }) => path.endsWith('?leaver'))).toHaveLength(1);
  });

  it('waits for the new token no longer than the timeout of the request', async () => {
    const { asset, sandbox, clock } = await startApplication();
    await firstValueFrom(asset.get('/v0/business'));
    sandbox.revokeTokens();
    sandbox.fail('token', { hang: true });
    const call = failureOf(asset.get('/v0/business', { timeout: 4000 }));
    await sandbox.waitForRequest('token', { count: 2 });
    await clock.advance(4000);
    expect(await call).toMatchObject({
      code: 'ECONNABORTED',
      message: 'timeout of 4000ms exceeded while waiting for an access token',
    });
  });
});

describe('what is sent again is sent again byte for byte', () => {
  const bytes = randomBytes(70_000);

  it.each<[string, () => unknown]>([
    ['no body', () => undefined],
    ['an object', () => ({ name: 'Ünï', nested: [1, { a: null }] })],
    ['a string', () => 'plain \u{1F600} text'],
    ['a Buffer', () => bytes],
    ['a Uint8Array', () => new Uint8Array(bytes)],
    ['an ArrayBuffer', () => new Uint8Array(bytes).buffer],
    ['a Float64Array', () => new Float64Array([1.5, -2])],
    ['URLSearchParams', () => new URLSearchParams({ a: 'b c', d: '&=' })],
    ['a Blob', () => new Blob([bytes], { type: 'image/png' })],
    [
      'a form of the platform',
      () => {
        const form = new FormData();
        form.append('field', 'wert ü');
        form.append('file', new Blob([bytes], { type: 'image/png' }), 'scan.png');
        return form;
      },
    ],
  ])('%s', async (_what, body) => {
    const { asset, sandbox } = await startApplication();
    sandbox.rejectTokens(1);
    const { status } = await firstValueFrom(asset.post('/v0/echo', body(), { responseType: 'arraybuffer' }));
    expect(status).toBe(200);
    const [first, second] = sandbox.apiRequests;
    expect(sandbox.apiRequests).toHaveLength(2);
    expect(second?.body.equals(first!.body)).toBe(true);
    if (body() !== undefined) expect(first?.body.length).toBeGreaterThan(0);
    expect({ ...second?.headers, authorization: '' }).toEqual({ ...first?.headers, authorization: '' });
  });

  it('a form keeps the boundary that the caller chose', async () => {
    const { asset, sandbox } = await startApplication();
    const form = new FormData();
    form.append('a', 'b');
    const headers = { 'Content-Type': 'multipart/form-data; boundary=chosen-by-the-caller' };
    await firstValueFrom(asset.post('/v0/echo', form, { headers }));
    expect(sandbox.apiRequests[0]?.body.toString()).toContain('--chosen-by-the-caller');
  });

  it('a form has one boundary also where axios would not take the one of the caller', async () => {
    const { asset, sandbox } = await startApplication();
    sandbox.rejectTokens(1);
    const form = new FormData();
    form.append('a', 'b');
    await firstValueFrom(
      asset.post('/v0/echo', form, { headers: { 'Content-Type': 'multipart/form-data; boundary=short' } }),
    );
    const [first, second] = sandbox.apiRequests;
    expect(second?.body.equals(first!.body)).toBe(true);
  });

  it.each<[string, () => unknown, number]>([
    ['a stream', () => Readable.from([Buffer.from('streamed')]), 8],
    [
      'a form of the package form-data',
      () => {
        const form = new FormDataPackage();
        form.append('a', 'b');
        return form;
      },
      100,
    ],
  ])('T59 %s is never sent again: the 401 surfaces with the reason', async (_what, body, atLeast) => {
    const { asset, tokens, sandbox } = await startApplication();
    await firstValueFrom(asset.get('/v0/business'));
    sandbox.revokeTokens();
    const error = await failureOf(asset.post('/v0/echo', body()));
    expect(error).toMatchObject({ code: 'ASSET_UNAUTHORIZED', retryable: true, response: { status: 401 } });
    expect(error.message).toContain('the body of the request cannot be sent again');
    const posts = sandbox.apiRequests.filter(({ method }) => method === 'POST');
    expect(posts).toHaveLength(1);
    expect(posts[0]?.body.length).toBeGreaterThanOrEqual(atLeast);
    // But the call after it finds a good token.
    await sandbox.waitForRequest('token', { count: 2 });
    await tokens.getAccessToken({}, { forceRefresh: true });
    expect(await firstValueFrom(asset.post('/v0/echo', body()))).toMatchObject({ status: 200 });
  });

  it('T59 an object sent with postForm becomes such a form', async () => {
    const { asset, sandbox } = await startApplication();
    sandbox.rejectTokens(1);
    expect(await failureOf(asset.postForm('/v0/echo', { a: 1 }))).toMatchObject({
      code: 'ASSET_UNAUTHORIZED',
    });
    expect(sandbox.apiRequests).toHaveLength(1);
  });
});

describe('a streamed answer', () => {
  async function onOneSocket() {
    const httpAgent = new Agent({ keepAlive: true, maxSockets: 1 });
    afterThisTest(() => {
      httpAgent.destroy();
    });
    return startApplication({ options: { http: { httpAgent } } });
  }
  const large = 'x'.repeat(4_000_000);

  it.each<[string, object]>([
    ['as it is', {}],
    ['with a limit', { maxContentLength: 10_000_000 }],
    ['with progress', { onDownloadProgress: () => undefined }],
    ['whatever its status', { validateStatus: null }],
  ])(
    'that is not wanted any more frees the only socket for the token and the replay: %s',
    async (_what, config) => {
      const { asset, sandbox } = await onOneSocket();
      sandbox.fail('api', { status: 401, body: large });
      const { data, status } = await firstValueFrom(
        asset.get<Readable>('/v0/business', { responseType: 'stream', ...config }),
      );
      expect(status).toBe(200);
      expect(JSON.parse(await text(data))).toHaveProperty('data');
      expect(sandbox.tokenRequests).toHaveLength(2);
    },
  );

  it('of a 401 that surfaces although it was given up ends when it is read', async () => {
    const { asset, sandbox } = await onOneSocket();
    sandbox.fail('api', { status: 401, body: large }, 3);
    const rejectedTwice = await failureOf(asset.get('/v0/business', { responseType: 'stream' }));
    expect(await text((rejectedTwice.response as { data: Readable }).data)).toBe(large);
    const inCoolDown = await failureOf(asset.get('/v0/business', { responseType: 'stream' }));
    expect(inCoolDown).toMatchObject({ code: 'ASSET_UNAUTHORIZED' });
    expect(await text((inCoolDown.response as { data: Readable }).data)).toBe('');
    expect((await firstValueFrom(asset.get('/v0/business'))).status).toBe(200);
  });

  it('of a 401 whose request cannot be sent again is left for the caller to read', async () => {
    const { asset, sandbox } = await startApplication();
    sandbox.fail('api', { status: 401, body: 'the reason' });
    const error = await failureOf(asset.post('/v0/echo', Readable.from(['x']), { responseType: 'stream' }));
    expect(await text((error.response as { data: Readable }).data)).toBe('the reason');
  });

  it('of a 401 in decompression frees the socket too', async () => {
    const { asset, sandbox } = await onOneSocket();
    sandbox.fail('api', {
      status: 401,
      body: gzipSync(randomBytes(2_000_000)),
      headers: { 'content-encoding': 'gzip' },
    });
    const { data } = await firstValueFrom(asset.get<Readable>('/v0/business', { responseType: 'stream' }));
    expect(JSON.parse(await text(data))).toHaveProperty('data');
  });
});

describe('a 403', () => {
  it('T63 never refreshes: it is a typed error that names the scopes in force', async () => {
    const { asset, sandbox } = await startApplication();
    const [business] = sandbox.businesses;
    const error = await failureOf(
      asset.forBusiness(business!.id).withScope('report:read').get(`/v0/business/${business!.id}/ledger`),
    );
    expect(error).toMatchObject({
      name: 'AssetApiError',
      code: 'ASSET_INSUFFICIENT_SCOPE',
      isAxiosError: true,
      status: 403,
      retryable: false,
      response: { status: 403 },
    });
    expect(error.message).toContain(`scopes report:read, business ${business!.id}`);
    expect(error.message).toContain('insufficient_scope');
    expect(sandbox.tokenRequests).toHaveLength(1);
    expect(sandbox.apiRequests).toHaveLength(1);
  });

  it('is an answer where the caller takes it for one', async () => {
    const { asset, sandbox } = await startApplication();
    sandbox.fail('api', { status: 403 });
    expect(await firstValueFrom(asset.get('/v0/business', { validateStatus: null }))).toMatchObject({
      status: 403,
    });
  });

  it('quotes what the server says, but no token that it says', async () => {
    const { asset, tokens, sandbox } = await startApplication();
    const { value } = await tokens.getAccessToken();
    sandbox.fail('api', {
      status: 403,
      headers: { 'www-authenticate': `Bearer error="no", token="${value}"` },
    });
    const { message } = await failureOf(asset.get('/v0/business'));
    expect(message).toContain('(Bearer error="no", token="[redacted]")');
    expectNoSecrets(message, value);
  });

  it('after a replay is typed as well', async () => {
    const { asset, sandbox } = await startApplication();
    sandbox.fail('api', { status: 401 });
    sandbox.fail('api', { status: 403 });
    expect(await failureOf(asset.get('/v0/business'))).toMatchObject({ code: 'ASSET_INSUFFICIENT_SCOPE' });
  });
});
