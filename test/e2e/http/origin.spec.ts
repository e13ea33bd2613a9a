import type { HttpService } from '@nestjs/axios';
import axios, { type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import fc from 'fast-check';
import FormDataPackage from 'form-data';
import type { AssetHttpService } from 'nestjs-asset-auth';
import { Agent } from 'node:http';
import { firstValueFrom } from 'rxjs';
import { startApplication } from '../../support/application.js';
import { throughAttempts } from '../../support/through-attempts.js';
import { afterThisTest } from '../../support/cleanup.js';
import { failureOf } from '../../support/failure-of.js';
import { startForeignServer } from '../../support/foreign-server.js';

const NOT_ALLOWED = 'ASSET_REQUEST_NOT_ALLOWED';

/** An application, and a server that must not hear from it. */
async function start() {
  const evil = await startForeignServer();
  const application = await startApplication();
  const [business] = application.sandbox.businesses;
  return { ...application, evil, business: business! };
}

describe('a token goes to its origin or nowhere', () => {
  it('T56 a foreign address is refused before a token is asked for', async () => {
    const { asset, sandbox, evil } = await start();
    const { port } = new URL(sandbox.url);
    const addresses = [
      `${evil.origin}/v0/business`,
      `//${evil.host}/v0/business`,
      evil.origin.toUpperCase(),
      `${sandbox.url}@${evil.host}/v0/business`,
      `http://１２７.０.０.１:${new URL(evil.origin).port}/`,
      `http://localhost:${port}/v0/business`,
      `https://127.0.0.1:${port}/v0/business`,
      `http://127.0.0.1:${port}.evil.example/`,
      `ftp://127.0.0.1:${port}/`,
      'data://text/plain,hello',
      'file:///etc/passwd',
      'http://[::1',
      'http://',
    ];
    for (const url of addresses) {
      const error = await failureOf(asset.get(url));
      expect({ url, code: error.code }).toEqual({ url, code: NOT_ALLOWED });
    }
    expect(evil.connections).toBe(0);
    expect(sandbox.requests).toHaveLength(0);
  });

  it('T56 what only looks like a foreign address is a path of Asset', async () => {
    const { asset, sandbox, evil } = await start();
    const paths = [
      `\t${evil.origin}`,
      ` ${evil.origin}`,
      `${evil.origin.slice(0, 3)}\n${evil.origin.slice(3)}`,
      `http:\\\\${evil.host}\\v0`,
      `\\\\${evil.host}`,
      `@${evil.host}`,
      `:80@${evil.host}`,
      `.${evil.host}`,
      `blob:${evil.origin}`,
      `javascript:alert(1)`,
      `${sandbox.url}\\@${evil.host}/`,
    ];
    for (const url of paths) await firstValueFrom(asset.get(url, { validateStatus: null }));
    expect(sandbox.apiRequests).toHaveLength(paths.length);
    expect(evil.connections).toBe(0);
  });

  it.each(['https:HOST', 'https:/HOST/v0', 'http:HOST', ' HTTP:/HOST', 'ht\ttps:HOST'])(
    'T135 an address without slashes is refused as by axios, and is no path: %j',
    async (text) => {
      const { asset, sandbox, evil } = await start();
      const url = text.replace('HOST', evil.host);
      for (const config of [{}, { asset: false as const }]) {
        const error = await failureOf(asset.get(url, config));
        expect(error).toMatchObject({ name: 'AxiosError', code: 'ERR_INVALID_URL' });
        expect((error.config as { url?: unknown }).url).toBe(url);
      }
      expect(evil.connections).toBe(0);
      expect(sandbox.requests).toHaveLength(0);
    },
  );

  it.each([
    ['an absolute address', (evil: string) => `${evil}/v0/business`],
    ['a protocol-relative address', (evil: string) => evil.replace('http:', '')],
    ['Asset as the user name', (evil: string, asset: string) => evil.replace('http://', `${asset}@`)],
    ['mixed case', (evil: string) => `${evil.replace('http', 'hTTp')}/v0/business`],
    ['another port', (_evil: string, asset: string) => asset.replace(/:\d+$/, ':1')],
    ['another scheme', (_evil: string, asset: string) => asset.replace('http:', 'https:')],
    ['a password', (_evil: string, asset: string) => asset.replace('http://', 'http://user:password@')],
  ])('T56, T66 %s is a typed error, with a token and without', async (_what, address) => {
    const { asset, sandbox, evil } = await start();
    const url = address(evil.origin, sandbox.url);
    for (const config of [{}, { asset: false as const }, { allowAbsoluteUrls: false }]) {
      const error = await failureOf(asset.get(url, config));
      expect(error).toMatchObject({ name: 'AssetRequestError', code: NOT_ALLOWED, retryable: false });
      expect(error.message).not.toContain('password@');
    }
    expect(evil.connections).toBe(0);
    expect(sandbox.requests).toHaveLength(0);
  });

  it('takes absolute addresses of its own origin, however they are written', async () => {
    const { asset, sandbox } = await start();
    for (const url of [
      `${sandbox.url}/v0/business`,
      `${sandbox.url.toUpperCase()}/v0/business`,
      `${sandbox.url}//v0/echo`,
    ]) {
      await firstValueFrom(asset.get(url, { validateStatus: null }));
    }
    await firstValueFrom(asset.get(new URL('/v0/business', sandbox.url) as unknown as string));
    expect(sandbox.apiRequests.map(({ path }) => path)).toEqual([
      '/v0/business',
      '/v0/business',
      '//v0/echo',
      '/v0/business',
    ]);
  });

  it.each<[string, (http: AssetHttpService, evil: string) => Promise<unknown>]>([
    ['baseURL of the request', (http, evil) => firstValueFrom(http.get('/x', { baseURL: evil }))],
    [
      'baseURL of the defaults, changed at run time',
      (http, evil) => {
        http.axiosRef.defaults.baseURL = evil;
        return firstValueFrom(http.get('/x'));
      },
    ],
    [
      'an interceptor of the application that moves baseURL',
      (http, evil) => {
        http.axiosRef.interceptors.request.use((config) => Object.assign(config, { baseURL: evil }));
        return firstValueFrom(http.get('/x'));
      },
    ],
    [
      'an interceptor of the application that moves the url',
      (http, evil) => {
        http.axiosRef.interceptors.request.use((config) => Object.assign(config, { url: evil }));
        return firstValueFrom(http.get('/x'));
      },
    ],
    [
      'an interceptor that runs after ours',
      (http, evil) => {
        http.axiosRef.interceptors.request.use((config) => Object.assign(config, { url: evil }));
        return firstValueFrom(http.get('/x', { transitional: { legacyInterceptorReqResOrdering: false } }));
      },
    ],
    [
      'an interceptor that runs after ours and chooses the adapter',
      (http, evil) => {
        http.axiosRef.interceptors.request.use((config) => ({ ...config, adapter: 'http', url: evil }));
        return firstValueFrom(http.get('/x', { transitional: { clarifyTimeoutError: true } }));
      },
    ],
    [
      'an interceptor that makes a new config of plain objects',
      (http, evil) => {
        http.axiosRef.interceptors.request.use(
          (config) =>
            ({ ...config, headers: { 'x-a': 'b' }, url: evil }) as unknown as InternalAxiosRequestConfig,
        );
        return firstValueFrom(http.get('/x'));
      },
    ],
    [
      'a transformRequest that moves the url',
      (http, evil) =>
        firstValueFrom(
          http.post(
            '/x',
            {},
            {
              transformRequest: function (this: InternalAxiosRequestConfig) {
                this.url = evil;
                return '{}';
              },
            },
          ),
        ),
    ],
    [
      'a transformRequest that moves baseURL',
      (http, evil) =>
        firstValueFrom(
          http.post(
            '/x',
            {},
            {
              transformRequest: function (this: InternalAxiosRequestConfig) {
                this.baseURL = evil;
                return '{}';
              },
            },
          ),
        ),
    ],
  ])('T56 the final address counts: %s', async (_what, call) => {
    const { asset, evil, sandbox } = await start();
    // Also once a token is at hand.
    await firstValueFrom(asset.get('/v0/business'));
    expect(await failureOf(call(asset, evil.origin))).toMatchObject({ code: NOT_ALLOWED });
    expect(evil.connections).toBe(0);
    expect(sandbox.apiRequests).toHaveLength(1);
  });

  it('sends what it checked, even if an address reads differently each time', async () => {
    const { asset, evil, sandbox } = await start();
    let reads = 0;
    const url = {
      toString: () => {
        reads += 1;
        return reads > 1 ? evil.origin : `${sandbox.url}/v0/business`;
      },
    } as unknown as string;
    await firstValueFrom(asset.get(url));
    expect(sandbox.apiRequests).toHaveLength(1);
    expect(await failureOf(asset.get(url))).toMatchObject({ code: NOT_ALLOWED });
    expect(evil.connections).toBe(0);
  });

  it('T58 what the application set on the global axios reaches no request of ours, and ours nothing global', async () => {
    const evil = await startForeignServer();
    const before = structuredClone({ ...axios.defaults.headers.common });
    const { headers } = axios.defaults;
    const pollution = {
      baseURL: evil.origin,
      httpAgent: new Agent(),
      proxy: { host: '127.0.0.1', port: Number(new URL(evil.origin).port), protocol: 'http' },
      params: { apiKey: 'of-somebody-else' },
      auth: { username: 'u', password: 'p' },
      adapter: () => Promise.reject(new Error('the global adapter')),
      timeout: 1,
      validateStatus: () => true,
      transformRequest: [() => 'transformed by the global'],
      transformResponse: [() => 'transformed by the global'],
      maxContentLength: 1,
      transitional: { legacyInterceptorReqResOrdering: false },
    };
    const original = { ...axios.defaults };
    Object.assign(axios.defaults, pollution);
    headers.common.Authorization = 'Bearer global';
    headers.get['X-Api-Key'] = 'of-somebody-else';
    afterThisTest(() => {
      for (const name of Object.keys(pollution)) Reflect.deleteProperty(axios.defaults, name);
      Object.assign(axios.defaults, original);
      Reflect.deleteProperty(headers.common, 'Authorization');
      Reflect.deleteProperty(headers.get, 'X-Api-Key');
    });
    const { asset, sandbox } = await startApplication({
      options: { http: { headers: { 'X-App': 'ours' } } },
    });
    const { data } = await firstValueFrom(asset.get<{ data: unknown[] }>('/v0/business'));
    expect(data.data).toHaveLength(3);
    const [request] = sandbox.apiRequests;
    expect(request).toMatchObject({ path: '/v0/business', authorized: true });
    expect(asset.axiosRef.defaults).toMatchObject({
      timeout: 30_000,
      maxRedirects: 0,
      maxContentLength: -1,
      transitional: { legacyInterceptorReqResOrdering: true },
    });
    expect(await failureOf(asset.get('/nowhere'))).toMatchObject({ response: { status: 404 } });
    expect((await firstValueFrom(asset.post('/v0/echo', { a: 1 }))).data).toEqual({ a: 1 });
    expect(request?.headers).toMatchObject({ 'x-app': 'ours', accept: 'application/json, text/plain, */*' });
    expect(request?.headers).not.toHaveProperty('x-api-key');
    expect(evil.connections).toBe(0);
    expect(asset.axiosRef).not.toBe(axios);
    expect({ ...headers.common }).toEqual({ ...before, Authorization: 'Bearer global' });
  });

  it.each<[string, (config: InternalAxiosRequestConfig) => void]>([
    ['transport', (config) => Object.assign(config, { transport: { request: () => undefined } })],
    ['socketPath', (config) => Object.assign(config, { socketPath: '/tmp/evil' })],
    ['Host', (config) => config.headers.set('Host', 'evil.example')],
  ])('looks again after a wait: who kept the config cannot put in a %s meanwhile', async (_what, change) => {
    const { asset, sandbox } = await startApplication();
    const kept: InternalAxiosRequestConfig[] = [];
    const hold = sandbox.hold('token');
    const transformRequest = function (this: InternalAxiosRequestConfig, data: unknown): unknown {
      kept.push(this);
      return data;
    };
    const call = failureOf(asset.get('/v0/business', { transformRequest }));
    await sandbox.waitForRequest('token');
    kept.forEach(change);
    hold.release();
    expect(await call).toMatchObject({ code: NOT_ALLOWED });
    expect(sandbox.apiRequests).toHaveLength(0);
  });

  it.each([' Authorization ', ' Host ', 'host\t'])(
    'knows the header %j, whose name axios trims',
    async (name) => {
      const { asset, sandbox } = await startApplication();
      const transformRequest = function (this: InternalAxiosRequestConfig, data: unknown): unknown {
        this.headers = { [name]: 'theirs' } as never;
        return data;
      };
      expect(await failureOf(asset.get('/v0/business', { transformRequest }))).toMatchObject({
        code: NOT_ALLOWED,
      });
      expect(sandbox.apiRequests).toHaveLength(0);
    },
  );

  it("T58 guards adapters also where somebody changed axios' own flags, and keeps its own", async () => {
    const { asset } = await startApplication();
    const flags = axios.defaults.transitional ?? {};
    const before = { ...flags };
    Object.assign(flags, { legacyInterceptorReqResOrdering: false, silentJSONParsing: false });
    afterThisTest(() => Object.assign(flags, before));
    const seen: InternalAxiosRequestConfig[] = [];
    const adapter = (config: InternalAxiosRequestConfig): Promise<AxiosResponse> => {
      seen.push(config);
      return Promise.resolve({ status: 200, statusText: '', headers: {}, data: '{broken', config });
    };
    asset.axiosRef.interceptors.request.use((config) => Object.assign(config, { adapter }));
    const { data } = await firstValueFrom(asset.get<string>('/v0/business', { responseType: 'json' }));
    expect(data).toBe('{broken');
    expect(seen.map(({ headers }) => headers.has('Authorization'))).toEqual([true]);
  });

  it('has the flags of axios where the option http says null of them', async () => {
    const { asset } = await startApplication({ options: { http: { transitional: null } as never } });
    expect((await firstValueFrom(asset.get('/v0/business'))).status).toBe(200);
  });

  it('T61 has every default that axios has of itself', async () => {
    const { asset } = await startApplication({ options: { http: { timeout: 0 } } });
    const { defaults } = asset.axiosRef;
    const ofAxios = Object.entries(axios.defaults).filter(([name]) => !['headers', 'adapter'].includes(name));
    for (const name of Object.keys(axios.defaults)) expect(defaults).toHaveProperty(name);
    expect({ ...defaults }).toMatchObject(Object.fromEntries(ofAxios));
    for (const bucket of Object.keys(axios.defaults.headers)) expect(defaults.headers).toHaveProperty(bucket);
  });

  it('heeds a default from when it is looked at or replaced', async () => {
    const { asset, sandbox } = await startApplication();
    const { headers } = asset.axiosRef.defaults;
    await firstValueFrom(asset.post('/v0/echo', {}));
    headers.post['X-Written'] = '1';
    headers.put = { 'X-Replaced': '2' };
    await firstValueFrom(asset.post('/v0/echo', {}));
    await firstValueFrom(asset.put('/v0/echo', {}));
    await firstValueFrom(asset.get('/v0/echo'));
    const sent = sandbox.apiRequests.map((request) => [
      request.headers['x-written'],
      request.headers['x-replaced'],
    ]);
    expect(sent).toEqual([[], ['1'], [undefined, '2'], []].map(([a, b]) => [a, b]));
  });

  it('keeps the headers, parameters and limits of the option http', async () => {
    const { asset, sandbox } = await startApplication({
      options: {
        http: { headers: { common: { 'X-Common': '1' }, post: { 'X-Post': '2' } }, maxRedirects: 3 } as never,
      },
    });
    await firstValueFrom(asset.post('/v0/echo', {}));
    await firstValueFrom(asset.get('/v0/echo'));
    expect(sandbox.apiRequests[0]?.headers).toMatchObject({ 'x-common': '1', 'x-post': '2' });
    expect(sandbox.apiRequests[1]?.headers).not.toHaveProperty('x-post');
    expect(asset.axiosRef.defaults.maxRedirects).toBe(3);
  });

  it('whatever address is given, the request reaches Asset or is refused, and no other server hears of it', async () => {
    const { asset, evil, sandbox } = await start();
    const piece = fc.oneof(
      fc.constantFrom(
        sandbox.url,
        evil.origin,
        evil.host,
        new URL(sandbox.url).host,
        'http:',
        'https:',
        'HTTP:',
        '//',
        '/',
        '\\',
        '@',
        ':',
        '.',
        '..',
        '%2e',
        '%2f',
        '%00',
        '?',
        '#',
        '\t',
        '\n',
        ' ',
        'user:pass',
        'v0/business',
        'ⓔvil.example',
        'blob:',
        'javascript:',
        '\u202e',
        '\ud800',
      ),
      fc.string({ maxLength: 4, unit: 'grapheme' }),
    );
    const address = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''));
    await fc.assert(
      fc.asyncProperty(address, fc.option(address, { nil: undefined }), async (url, baseURL) => {
        const before = sandbox.apiRequests.length;
        const error = await failureOf(
          asset.get(url, {
            ...(baseURL !== undefined && { baseURL }),
            maxRedirects: 0,
            validateStatus: null,
          }),
        ).catch(() => undefined);
        const arrived = sandbox.apiRequests.length - before;
        expect(arrived).toBe(error === undefined ? 1 : 0);
        if (error !== undefined) expect([NOT_ALLOWED, 'ERR_INVALID_URL']).toContain(error.code);
      }),
      { numRuns: 250 },
    );
    expect(evil.connections).toBe(0);
  });
});

describe('the way out is set up once', () => {
  it.each<[string, object]>([
    ['httpAgent', { httpAgent: new Agent() }],
    ['httpsAgent', { httpsAgent: new Agent() }],
    ['proxy', { proxy: { host: '127.0.0.1', port: 1 } }],
    ['proxy', { proxy: false }],
    ['transport', { transport: {} }],
    ['socketPath', { socketPath: '/tmp/evil.sock' }],
    ['lookup', { lookup: () => undefined }],
    ['family', { family: 6 }],
    ['auth', { auth: { username: 'u', password: 'p' } }],
    ['Authorization', { headers: { Authorization: 'Bearer mine' } }],
    ['Authorization', { headers: { aUTHORIZATION: 'Bearer mine' } }],
    ['Authorization', { headers: { authorization: false } }],
    ['Host', { headers: { Host: 'evil.example' } }],
  ])('T65 a request that brings its own %s is refused before a token is asked for', async (name, config) => {
    const { asset, sandbox } = await startApplication();
    const error = await failureOf(asset.get('/v0/business', config));
    expect(error).toMatchObject({ code: NOT_ALLOWED });
    expect(error.message).toContain(name);
    expect(sandbox.requests).toHaveLength(0);
  });

  it.each<[string, (http: HttpService['axiosRef']) => unknown]>([
    ['httpAgent', ({ defaults }) => (defaults.httpAgent = new Agent())],
    ['proxy', ({ defaults }) => (defaults.proxy = { host: '127.0.0.1', port: 1 })],
    ['Authorization', ({ defaults }) => (defaults.headers.common.Authorization = 'Bearer mine')],
    [
      'Authorization',
      ({ interceptors }) =>
        interceptors.request.use((config) => (config.headers.set('authorization', 'x'), config)),
    ],
    [
      'Authorization',
      ({ interceptors }) =>
        interceptors.request.use((config) => Object.assign(config, { headers: { AUTHORIZATION: 'x' } })),
    ],
    [
      'httpAgent',
      ({ interceptors }) =>
        interceptors.request.use((config) => Object.assign(config, { httpAgent: new Agent() })),
    ],
  ])('T65 %s cannot be slipped in at run time', async (name, slip) => {
    const { asset, sandbox } = await startApplication();
    slip(asset.axiosRef);
    const error = await failureOf(asset.get('/v0/business'));
    expect(error).toMatchObject({ code: NOT_ALLOWED });
    expect(error.message).toContain(name);
    expect(sandbox.requests).toHaveLength(0);
  });

  it('T65 a transformRequest that writes Authorization is refused below our own interceptor', async () => {
    const { asset, sandbox } = await startApplication();
    const error = await failureOf(
      asset.post(
        '/v0/business',
        {},
        {
          transformRequest: (data: unknown, headers: Record<string, unknown>) => {
            headers.Authorization = 'Bearer mine';
            return JSON.stringify(data);
          },
        },
      ),
    );
    expect(error).toMatchObject({ code: NOT_ALLOWED });
    expect(sandbox.apiRequests).toHaveLength(0);
  });

  it('a header Authorization without a value is none', async () => {
    const { asset, sandbox } = await startApplication();
    await firstValueFrom(
      asset.get('/v0/business', { headers: { Authorization: null, Host: new URL(sandbox.url).host } }),
    );
    expect(sandbox.apiRequests[0]).toMatchObject({ authorized: true });
  });

  it('agents and proxy of the option http serve API requests and token requests', async () => {
    const httpAgent = new Agent({ keepAlive: true, maxSockets: 1 });
    afterThisTest(() => {
      httpAgent.destroy();
    });
    const { asset, sandbox } = await startApplication({ options: { http: { httpAgent } } });
    await firstValueFrom(asset.get('/v0/business'));
    expect(sandbox.requests.map(({ kind }) => kind)).toEqual(['token', 'api']);
    expect(sandbox.connections).toBe(1);
    expect(Object.values(httpAgent.freeSockets).flat()).toHaveLength(1);
  });
});

describe('T46 no token, no request', () => {
  it('fails closed when the interceptors of axiosRef are cleared: verbs keep their token, axiosRef sends nothing', async () => {
    const { asset, sandbox } = await startApplication();
    asset.axiosRef.interceptors.request.clear();
    expect(await failureOf(asset.axiosRef.get('/v0/business'))).toMatchObject({ code: NOT_ALLOWED });
    expect(sandbox.requests).toHaveLength(0);
    await firstValueFrom(asset.get('/v0/business'));
    expect(sandbox.apiRequests).toMatchObject([{ authorized: true }]);
    expect(await failureOf(asset.get('https://evil.example/v0'))).toMatchObject({ code: NOT_ALLOWED });
  });

  it('fails closed in an instance that is derived from axiosRef', async () => {
    const { asset, sandbox } = await startApplication();
    expect(await failureOf(asset.axiosRef.create().get('/v0/business'))).toMatchObject({ code: NOT_ALLOWED });
    expect(sandbox.requests).toHaveLength(0);
  });

  it('fails closed when an interceptor takes the token off the config', async () => {
    const { asset, sandbox } = await startApplication();
    asset.axiosRef.interceptors.request.use((config) => Object.assign(config, { asset: false }));
    const transitional = { legacyInterceptorReqResOrdering: false };
    expect(await failureOf(asset.get('/v0/business', { transitional }))).toMatchObject({ code: NOT_ALLOWED });
    expect(sandbox.apiRequests).toHaveLength(0);
  });

  it.each([[{ status: 503 }], [{ status: 401 }], [{ body: 'nonsense' }], [{ reset: true as const }]])(
    'sends nothing when the token endpoint fails with %j',
    async (fault) => {
      const { asset, sandbox, clock } = await startApplication();
      sandbox.fail('token', fault, Infinity);
      const error = await throughAttempts(clock, failureOf(asset.get('/v0/business')));
      expect(error.code).toMatch(/^ASSET_(TOKEN|CREDENTIALS)/);
      expect(sandbox.apiRequests).toHaveLength(0);
    },
  );

  it.each(['http', undefined] as const)(
    'sends with the token, whatever interceptor chooses the adapter %p in whatever order',
    async (adapter) => {
      const { asset, sandbox } = await startApplication();
      asset.axiosRef.interceptors.request.use((config) => ({ ...config, adapter }));
      for (const legacyInterceptorReqResOrdering of [true, false]) {
        const transitional = { legacyInterceptorReqResOrdering };
        await firstValueFrom(asset.post('/v0/echo', { a: 1 }, { transitional }));
      }
      expect(sandbox.apiRequests.map(({ authorized }) => authorized)).toEqual([true, true]);
    },
  );

  it('an adapter that an interceptor chooses after ours gets the token, and once', async () => {
    const { asset, sandbox } = await startApplication();
    const seen: InternalAxiosRequestConfig[] = [];
    const adapter = (config: InternalAxiosRequestConfig): Promise<AxiosResponse> => {
      seen.push(config);
      return Promise.resolve({ status: 200, statusText: '', headers: {}, data: '', config });
    };
    const transitional = { legacyInterceptorReqResOrdering: false };
    await firstValueFrom(asset.get('/v0/business', { adapter, transitional }));
    asset.axiosRef.interceptors.request.use((config) => Object.assign(config, { adapter }));
    await firstValueFrom(asset.get('/v0/business', { transitional }));
    await firstValueFrom(asset.get('/v0/business', { adapter, transitional }));
    expect(seen.map(({ headers }) => headers.get('Authorization'))).toEqual(
      Array(3).fill(`Bearer ${sandbox.issuedTokens[0]}`),
    );
    expect(sandbox.apiRequests).toHaveLength(0);
  });

  it.each([['asset', false] as const, ['scopes', null] as const, ['businessId', null] as const])(
    'is not turned by what somebody put on every object: %s',
    async (name, value) => {
      const { asset, sandbox, business } = await start();
      const everything = Object.prototype as Record<string, unknown>;
      everything[name] = value;
      try {
        await firstValueFrom(asset.withScope('report:read').forBusiness(business.id).get('/v0/echo'));
      } finally {
        Reflect.deleteProperty(everything, name);
      }
      expect(sandbox.apiRequests[0]?.claims).toMatchObject({
        scopes: ['report:read'],
        businessId: business.id,
      });
    },
  );

  it('takes no Host and no Authorization from a form', async () => {
    const { asset, sandbox } = await startApplication();
    const form = new FormDataPackage();
    form.append('name', 'x');
    const own = form.getHeaders();
    form.getHeaders = () => ({ ...own, host: 'evil.example', authorization: 'Bearer other' });
    await firstValueFrom(asset.post('/v0/echo', form));
    const [request] = sandbox.apiRequests;
    expect(request).toMatchObject({ authorized: true, headers: { host: new URL(sandbox.url).host } });
    expect(request?.headers['content-type']).toBe(own['content-type']);
  });

  it('asset: false sends without token, and asks for none', async () => {
    const { asset, sandbox } = await startApplication();
    await firstValueFrom(asset.get('/v0/business', { asset: false, validateStatus: null }));
    expect(sandbox.tokenRequests).toHaveLength(0);
    expect(sandbox.apiRequests[0]?.headers).not.toHaveProperty('authorization');
  });
});
