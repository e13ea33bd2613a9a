import axios, { type AxiosAdapter, type InternalAxiosRequestConfig } from 'axios';
import MockAdapter from 'axios-mock-adapter';
import { Agent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { firstValueFrom } from 'rxjs';
import { startApplication } from '../../support/application.js';
import { eventually } from '../../support/eventually.js';
import { failureOf } from '../../support/failure-of.js';
import { startForeignServer } from '../../support/foreign-server.js';

const NOT_ALLOWED = 'ASSET_REQUEST_NOT_ALLOWED';

const answering =
  (status: number, seen: InternalAxiosRequestConfig[] = []): AxiosAdapter =>
  (config) => {
    seen.push(config);
    return Promise.resolve({ status, statusText: '', headers: {}, data: '', config });
  };

describe('an adapter that the application brings', () => {
  it.each<[string, (http: { axiosRef: { defaults: object } }, adapter: AxiosAdapter) => object]>([
    ['with the request', (_http, adapter) => ({ adapter })],
    ['in the defaults', ({ axiosRef }, adapter) => (Object.assign(axiosRef.defaults, { adapter }), {})],
  ])('%s gets the token and the address as it was written', async (_what, bring) => {
    const { asset, sandbox } = await startApplication();
    const seen: InternalAxiosRequestConfig[] = [];
    const config = bring(asset, answering(200, seen));
    const answer = await firstValueFrom(asset.get('v0/business?a=1', config));
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({ url: 'v0/business?a=1', baseURL: sandbox.url });
    expect(seen[0]?.headers.get('Authorization')).toBe(`Bearer ${sandbox.issuedTokens[0]}`);
    expect(answer.config.headers.has('Authorization')).toBe(false);
    expect(Object.prototype.hasOwnProperty.call(seen[0], 'url')).toBe(true);
    expect(Object.getPrototypeOf(seen[0])).toBe(Object.prototype);
  });

  it('is held to the same rules: nothing reaches it for a foreign address, business or header', async () => {
    const { asset, sandbox } = await startApplication();
    const seen: InternalAxiosRequestConfig[] = [];
    const adapter = answering(200, seen);
    await failureOf(asset.get('http://evil.example/', { adapter }));
    await failureOf(asset.get('/v0/business', { adapter, headers: { Authorization: 'x' } }));
    const [one, other] = sandbox.businesses;
    await failureOf(asset.forBusiness(one!.id).get(`/v0/business/${other!.id}`, { adapter }));
    await failureOf(asset.get('blob:http://evil.example/', { adapter, baseURL: '' }));
    await failureOf(asset.get(`blob:${sandbox.url}/x`, { adapter, baseURL: '' }));
    expect(seen).toHaveLength(0);
  });

  it('gets its 401 cured like any other', async () => {
    const { asset, sandbox } = await startApplication();
    let calls = 0;
    const adapter: AxiosAdapter = (config) => answering((calls += 1) === 1 ? 401 : 200)(config);
    expect((await firstValueFrom(asset.get('/v0/business', { adapter }))).status).toBe(200);
    expect(sandbox.tokenRequests).toHaveLength(2);
  });

  it('that keeps its config and sends it later gets a token of then', async () => {
    const { asset, sandbox, tokens } = await startApplication();
    let kept: InternalAxiosRequestConfig | undefined;
    const adapter: AxiosAdapter = (config) => {
      kept = config;
      return Promise.resolve({ status: 200, statusText: 'OK', headers: {}, config, data: {} });
    };
    await firstValueFrom(asset.get('/v0/business', { adapter }));
    tokens.invalidate(await tokens.getAccessToken());
    const { headers, ...rest } = kept!;
    headers.delete('Authorization');
    const own = { asset: (rest as { asset?: unknown }).asset, url: '/v0/business', headers };
    await asset.axiosRef.request(own as never);
    expect(sandbox.apiRequests).toMatchObject([{ authorized: true }]);
    expect(sandbox.tokenRequests).toHaveLength(2);
  });

  it('is asked again when its config is sent again', async () => {
    const { asset, sandbox } = await startApplication();
    const seen: InternalAxiosRequestConfig[] = [];
    const { config } = await firstValueFrom(asset.get('/v0/business', { adapter: answering(200, seen) }));
    await asset.axiosRef.request(config as object);
    await firstValueFrom(asset.request(config as object));
    expect(seen).toHaveLength(3);
    expect(seen.every(({ headers }) => headers.has('Authorization'))).toBe(true);
    expect(sandbox.apiRequests).toHaveLength(0);
  });

  it('may write the names of headers as it likes', async () => {
    const { asset } = await startApplication();
    const adapter: AxiosAdapter = (config) =>
      Promise.reject(
        new axios.AxiosError('no', 'ERR_BAD_REQUEST', config, undefined, {
          status: 429,
          statusText: '',
          headers: { 'Retry-After': '7' },
          data: '',
          config,
        }),
      );
    expect(await failureOf(asset.get('/v0/business', { adapter }))).toMatchObject({ retryAfterMs: 7000 });
  });

  it('by name is refused, but for http, which is ours', async () => {
    const { asset, sandbox } = await startApplication();
    for (const adapter of ['fetch', 'xhr', ['fetch'], ['xhr', 'http', 'fetch'], 'nonsense'] as never[]) {
      expect(await failureOf(asset.get('/v0/business', { adapter }))).toMatchObject({ code: NOT_ALLOWED });
    }
    // Given as a function it is the same: it follows redirects to anywhere, and takes no agents.
    const adapter = axios.getAdapter('fetch');
    expect(await failureOf(asset.get('/v0/business', { adapter }))).toMatchObject({ code: NOT_ALLOWED });
    expect(sandbox.requests).toHaveLength(0);
    expect((await firstValueFrom(asset.get('/v0/business', { adapter: 'http' }))).status).toBe(200);
    asset.axiosRef.defaults.adapter = undefined as never;
    expect((await firstValueFrom(asset.get('/v0/business'))).status).toBe(200);
    expect(sandbox.apiRequests.every(({ authorized }) => authorized)).toBe(true);
  });

  it('by name is refused before a token is asked for, also where a flag has interceptors run later', async () => {
    const { asset, sandbox } = await startApplication();
    const config = { adapter: 'fetch', transitional: { legacyInterceptorReqResOrdering: false } } as const;
    expect(await failureOf(asset.get('/v0/business', config))).toMatchObject({ code: NOT_ALLOWED });
    expect(sandbox.requests).toHaveLength(0);
  });

  it('that an interceptor sets per request, as caches do, is ours to hold as well', async () => {
    const { asset, sandbox } = await startApplication();
    const seen: InternalAxiosRequestConfig[] = [];
    asset.axiosRef.interceptors.request.use((config) =>
      Object.assign(config, { adapter: answering(200, seen) }),
    );
    await firstValueFrom(asset.get('/v0/business'));
    expect(seen[0]?.headers.has('Authorization')).toBe(true);
    await failureOf(asset.get('http://evil.example/'));
    expect(seen).toHaveLength(1);
    expect(sandbox.apiRequests).toHaveLength(0);
  });
});

describe('axios-mock-adapter', () => {
  it('matches on the address as it was written', async () => {
    const { asset, sandbox } = await startApplication();
    const mock = new MockAdapter(asset.axiosRef as never);
    mock.onGet('/v0/business', { params: { page_size: 1 } }).reply(200, { data: ['mocked'] });
    mock.onPost('/v0/business', { name: 'x' }).reply(201, { data: 'created' });
    expect((await firstValueFrom(asset.get('/v0/business', { params: { page_size: 1 } }))).data).toEqual({
      data: ['mocked'],
    });
    expect((await firstValueFrom(asset.post('/v0/business', { name: 'x' }))).status).toBe(201);
    expect(await failureOf(asset.get('/v0/other'))).toMatchObject({ response: { status: 404 } });
    expect(sandbox.apiRequests).toHaveLength(0);
    mock.restore();
    expect((await firstValueFrom(asset.get('/v0/business'))).data).not.toEqual({ data: ['mocked'] });
  });

  it('shows the code under test what Asset’s refusals look like', async () => {
    const { asset } = await startApplication();
    const mock = new MockAdapter(asset.axiosRef as never);
    mock
      .onGet('/v0/business')
      .reply(403, undefined, { 'WWW-Authenticate': 'Bearer error="insufficient_scope"' });
    const error = await failureOf(asset.withScope('ledger:read').get('/v0/business'));
    expect(error).toMatchObject({ code: 'ASSET_INSUFFICIENT_SCOPE' });
    expect(error.message).toContain('insufficient_scope');
  });

  it.each<[string, (mock: MockAdapter) => unknown, ConstructorParameters<typeof MockAdapter>[1]]>([
    ['onNoMatch: passthrough', () => undefined, { onNoMatch: 'passthrough' }],
    ['passThrough()', (mock) => mock.onAny().passThrough(), {}],
  ])('lets a request through to Asset with its token: %s', async (_what, set, options) => {
    const { asset, sandbox } = await startApplication();
    set(new MockAdapter(asset.axiosRef as never, options));
    sandbox.rejectTokens(1);
    const call = asset.withScope('ledger:read').post<object>('/v0/echo', { a: 1 });
    const { data, config } = await firstValueFrom(call);
    expect(data).toEqual({ a: 1 });
    expect(config.headers.has('Authorization')).toBe(false);
    expect(sandbox.apiRequests).toHaveLength(2);
    expect(sandbox.apiRequests[1]).toMatchObject({
      path: '/v0/echo',
      authorized: true,
      claims: { scopes: ['ledger:read'] },
    });
    expect(await failureOf(asset.get('/nowhere', { timeout: 5000 }))).toMatchObject({
      response: { status: 404 },
    });
    sandbox.fail('api', { redirect: 'http://evil.example/' });
    expect(await failureOf(asset.get('/v0/echo'))).toMatchObject({ code: NOT_ALLOWED });
  });

  it('lets a request through that is sent again as often as any other', async () => {
    const { asset, sandbox, clock } = await startApplication();
    new MockAdapter(asset.axiosRef as never, { onNoMatch: 'passthrough' });
    sandbox.rejectTokens(() => true);
    expect(await failureOf(asset.get('/v0/echo'))).toMatchObject({ code: 'ASSET_UNAUTHORIZED' });
    expect(sandbox.apiRequests).toHaveLength(2);
    sandbox.clearFaults();
    sandbox.clearRequests();
    sandbox.fail('api', { status: 429, retryAfter: 1 }, { times: Infinity });
    const call = failureOf(asset.get('/v0/echo', { timeout: 0 }));
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      await sandbox.waitForRequest('api', { count: attempt, until: 'answered' });
      await eventually(() => clock.timers.some(({ ref }) => ref));
      await clock.advance(1000);
    }
    expect(await call).toMatchObject({ code: 'ASSET_RATE_LIMITED' });
    expect(sandbox.apiRequests).toHaveLength(3);
  });

  it('an adapter that hands a request on to another client gives it no token of this one', async () => {
    const options = { http: { httpAgent: new Agent(), httpsAgent: new HttpsAgent() } };
    const { asset } = await startApplication({ options });
    const other = await startApplication({ options });
    const theirs = other.asset.axiosRef.defaults.adapter as AxiosAdapter;
    const adapter: AxiosAdapter = (config) => theirs({ ...config, baseURL: other.sandbox.url });
    expect((await firstValueFrom(asset.get('/v0/echo', { adapter }))).status).toBe(200);
    expect(other.sandbox.apiRequests).toMatchObject([{ authorized: true }]);
  });

  it('an adapter that hands a request on to ours cannot move it away', async () => {
    const { asset, sandbox } = await startApplication();
    const evil = await startForeignServer();
    const ours = asset.axiosRef.defaults.adapter as AxiosAdapter;
    const [one, other] = sandbox.businesses;
    const moved: Partial<InternalAxiosRequestConfig>[] = [
      { url: evil.origin },
      { baseURL: evil.origin },
      { url: `/v0/business/${other!.id}` },
      { socketPath: '/tmp/elsewhere.sock' },
      { lookup: () => undefined } as never,
      { auth: { username: 'u', password: 'p' } },
      { headers: new axios.AxiosHeaders({ Host: 'evil.example' }) },
    ];
    for (const change of moved) {
      const adapter: AxiosAdapter = (config) => ours({ ...config, ...change });
      const error = await failureOf(asset.forBusiness(one!.id).get('/v0/business', { adapter }));
      expect(error.code).toMatch(/^ASSET_(REQUEST_NOT_ALLOWED|BUSINESS_MISMATCH)$/);
    }
    expect(evil.connections).toBe(0);
    expect(sandbox.apiRequests).toHaveLength(0);
  });
});
