import { jest } from '@jest/globals';
import type { AxiosInstance, AxiosRequestConfig } from 'axios';
import { AssetScopeContext } from 'nestjs-asset-auth';
import { firstValueFrom } from 'rxjs';
import { startApplication } from '../../support/application.js';
import { failureOf } from '../../support/failure-of.js';

/** As code generators write it: all that it knows is an axios instance. */
class GeneratedClient {
  constructor(private readonly axiosRef: AxiosInstance) {}

  echo(options: AxiosRequestConfig = {}): Promise<unknown> {
    const base = this.axiosRef.defaults.baseURL === undefined ? 'https://api.example' : '';
    return this.axiosRef.request({ ...options, method: 'GET', url: `${base}/v0/echo` });
  }
}

type Use = (instance: AxiosInstance) => Promise<unknown>;

const USES: [string, Use][] = [
  ['get', (instance) => instance.get('/v0/echo')],
  ['get, with a config', (instance) => instance.get('/v0/echo', { params: { a: 1 } })],
  ['delete', (instance) => instance.delete('/v0/echo')],
  ['head', (instance) => instance.head('/v0/echo')],
  ['options', (instance) => instance.options('/v0/echo')],
  ['post', (instance) => instance.post('/v0/echo', { a: 1 })],
  ['post, of nothing', (instance) => instance.post('/v0/echo')],
  ['put', (instance) => instance.put('/v0/echo', { a: 1 }, {})],
  ['patch', (instance) => instance.patch('/v0/echo', { a: 1 })],
  ['query', (instance) => instance.query('/v0/echo', { a: 1 })],
  ['postForm', (instance) => instance.postForm('/v0/echo', { a: '1' })],
  ['putForm', (instance) => instance.putForm('/v0/echo', { a: '1' })],
  ['patchForm', (instance) => instance.patchForm('/v0/echo', { a: '1' })],
  ['request', (instance) => instance.request({ url: '/v0/echo' })],
  [
    'request, with an address',
    (instance) => (instance.request as (...args: unknown[]) => Promise<unknown>)('/v0/echo'),
  ],
  ['the call of it', (instance) => instance({ url: '/v0/echo' })],
  ['the call of it, with an address', (instance) => instance('/v0/echo', { method: 'post', data: {} })],
  [
    'a verb taken off it',
    (instance) => {
      // eslint-disable-next-line @typescript-eslint/unbound-method -- axios binds its verbs
      const { get } = instance;
      return get('/v0/echo');
    },
  ],
  ['a generated client', (instance) => new GeneratedClient(instance).echo()],
];

describe("T102 a view's axiosRef", () => {
  it.each(USES)('narrows as its verbs do: %s', async (_what, use) => {
    const { asset, sandbox } = await startApplication();
    const { id } = sandbox.businesses[0]!;
    const view = asset.forBusiness(id).withScope('ledger:read');
    await use(view.axiosRef);
    expect(sandbox.apiRequests).toHaveLength(1);
    expect(sandbox.apiRequests[0]).toMatchObject({
      authorized: true,
      path: expect.stringMatching('^/v0/echo') as string,
    });
    expect(sandbox.apiRequests[0]!.claims).toMatchObject({ scopes: ['ledger:read'], businessId: id });
    // And that of the client itself does not.
    await use(asset.axiosRef);
    expect(sandbox.apiRequests[1]!.claims?.scopes).not.toEqual(['ledger:read']);
  });

  it('goes by what the request itself says first, and inherits what the view does not say', async () => {
    const { asset, sandbox } = await startApplication();
    const { id } = sandbox.businesses[0]!;
    const { axiosRef } = asset.withScope('ledger:read');
    await axiosRef.get('/v0/echo', { asset: { scopes: ['report:read'] } });
    await AssetScopeContext.run({ scopes: 'ledger:create', businessId: id }, () => axiosRef.get('/v0/echo'));
    await axiosRef.get('/v0/echo', { asset: false, validateStatus: null });
    expect(sandbox.apiRequests.map(({ claims }) => claims?.scopes)).toEqual([
      ['report:read'],
      ['ledger:read'],
      undefined,
    ]);
    expect(sandbox.apiRequests[1]!.claims).toMatchObject({ businessId: id });
  });

  it('is refused another business like the view', async () => {
    const { asset, sandbox } = await startApplication();
    const [one, other] = sandbox.businesses.map(({ id }) => id);
    const { axiosRef } = asset.forBusiness(one!);
    expect(await failureOf(axiosRef.get(`/v0/business/${other!}/ledger`))).toMatchObject({
      code: 'ASSET_BUSINESS_MISMATCH',
    });
    expect(sandbox.apiRequests).toHaveLength(0);
  });

  it('has the interceptors and defaults of the client, and is one and the same', async () => {
    const { asset, sandbox } = await startApplication();
    const view = asset.withScope('ledger:read');
    expect(view.axiosRef).toBe(view.axiosRef);
    expect(asset.axiosRef).toBe(asset.axiosRef);
    expect(view.axiosRef.defaults).toBe(asset.axiosRef.defaults);
    expect(view.axiosRef.interceptors).toBe(asset.axiosRef.interceptors);
    expect(typeof view.axiosRef).toBe('function');
    expect(view.axiosRef.getUri({ url: '/v0/x', params: { a: 1 } })).toBe(`${sandbox.url}/v0/x?a=1`);
    view.axiosRef.interceptors.request.use((config) => {
      config.headers.set('x-seen', JSON.stringify((config as { asset?: unknown }).asset));
      return config;
    });
    await view.axiosRef.get('/v0/echo');
    expect(sandbox.apiRequests[0]!.headers['x-seen']).toContain('"scopes":["ledger:read"]');
  });

  it.each(['client', 'view'] as const)(
    'keeps what is hung on it, as openapi-client-axios does, apart from what is hung on that of the %s',
    async (which) => {
      const { asset, sandbox } = await startApplication({ options: { scopes: ['report:read'] } });
      const other = which === 'client' ? asset : asset.withScope('ledger:create');
      const clients = [other, asset.withScope('ledger:read')].map(({ axiosRef }) => {
        const client = axiosRef as AxiosInstance & { echo?: () => Promise<unknown> };
        if (!('echo' in client)) client.echo = () => axiosRef.request({ url: '/v0/echo' });
        return client;
      });
      for (const client of clients) await client.echo?.();
      expect(sandbox.apiRequests.map(({ claims }) => claims?.scopes)).toEqual([
        [which === 'client' ? 'report:read' : 'ledger:create'],
        ['ledger:read'],
      ]);
      expect('echo' in asset.withScope('ledger:update').axiosRef).toBe(false);
    },
  );

  it('keeps to itself what is defined on it or deleted from it', async () => {
    const { asset } = await startApplication();
    const { axiosRef } = asset.withScope('ledger:read');
    Object.defineProperty(axiosRef, 'echo', { value: 1, configurable: true });
    expect(Reflect.get(axiosRef, 'echo')).toBe(1);
    expect('echo' in asset.axiosRef).toBe(false);
    Reflect.deleteProperty(axiosRef, 'echo');
    expect('echo' in axiosRef).toBe(false);
    Reflect.deleteProperty(axiosRef, 'get');
    expect(typeof asset.axiosRef.get).toBe('function');
  });

  it('has defaults of its own once a client replaces them, as that of hey-api does', async () => {
    const { asset, sandbox } = await startApplication({ options: { scopes: ['report:read'] } });
    const { axiosRef } = asset.withScope('ledger:read');
    axiosRef.defaults = { ...axiosRef.defaults, asset: { scopes: ['ledger:create'] } };
    await firstValueFrom(asset.get('/v0/echo'));
    await asset.withScope('ledger:update').axiosRef.get('/v0/echo');
    expect(sandbox.apiRequests.map(({ claims }) => claims?.scopes)).toEqual([
      ['report:read'],
      ['ledger:update'],
    ]);
  });

  it('narrows a call that is sent again by its config', async () => {
    const { asset, sandbox } = await startApplication();
    const { config } = await firstValueFrom(asset.get('/v0/echo'));
    await asset.withScope('ledger:read').axiosRef.request(config);
    expect(sandbox.apiRequests[1]!.claims?.scopes).toEqual(['ledger:read']);
  });

  it("follows what is put in place of the client's verbs, and taken back", async () => {
    const { asset, sandbox } = await startApplication();
    const before = asset.withScope('ledger:read').axiosRef;
    await before.get('/v0/echo');
    const get = jest.spyOn(asset.axiosRef, 'get').mockResolvedValue({ data: 'mocked' });
    const meanwhile = asset.withScope('ledger:read').axiosRef;
    for (const ref of [before, meanwhile]) expect(await ref.get('/v0/echo')).toEqual({ data: 'mocked' });
    get.mockRestore();
    for (const ref of [before, meanwhile]) await ref.get('/v0/echo');
    expect(sandbox.apiRequests.map(({ claims }) => claims?.scopes)).toEqual(Array(3).fill(['ledger:read']));
  });

  it('does not change the config that it is given', async () => {
    const { asset } = await startApplication();
    const config = Object.freeze({ params: { a: 1 } });
    await asset.withScope('ledger:read').axiosRef.get('/v0/echo', config);
    expect(config).toEqual({ params: { a: 1 } });
  });

  it('creates instances that refuse every call, as that of the client does, in words that say what to do', async () => {
    const { asset, sandbox } = await startApplication();
    for (const { axiosRef } of [asset, asset.withScope('ledger:read'), asset.forBusiness('biz_1')]) {
      for (const created of [
        axiosRef.create(),
        axiosRef.create({ adapter: 'http', baseURL: 'http://127.0.0.1:1' }),
      ]) {
        const error = await failureOf(created.get('/v0/business'));
        expect(error).toMatchObject({ code: 'ASSET_REQUEST_NOT_ALLOWED', isAxiosError: true });
        expect(error.message).toContain('axiosRef.create()');
        expect(error.message).toContain('Use axiosRef itself');
      }
    }
    expect(sandbox.requests).toHaveLength(0);
  });
});
