import { AssetHttpService, AssetScopeContext, AssetTokenService } from 'nestjs-asset-auth';
import { firstValueFrom, type Observable } from 'rxjs';
import { startApplication } from '../../support/application.js';
import { failureOf } from '../../support/failure-of.js';

describe('what a request asks its token for', () => {
  it('is said by the request, else by the view, else by the context, else by the module', async () => {
    const { asset, sandbox } = await startApplication({
      options: { scopes: ['business:create'], businessId: undefined },
    });
    const [one, other] = sandbox.businesses.map(({ id }) => id);
    const view = asset.withScope('report:read').forBusiness(one!);
    await AssetScopeContext.run({ scopes: 'ledger:read', businessId: other! }, async () => {
      const own = { scopes: ['invoice:create'], businessId: one! };
      await firstValueFrom(asset.get('/v0/echo', { asset: own }));
      await firstValueFrom(view.get('/v0/echo', { asset: own }));
      await firstValueFrom(view.get('/v0/echo'));
      await firstValueFrom(view.get('/v0/echo', { asset: { scopes: 'bill:create' } }));
      await firstValueFrom(asset.get('/v0/echo'));
      await firstValueFrom(asset.withScope('report:read').get('/v0/echo'));
      await firstValueFrom(asset.get('/v0/echo', { asset: { businessId: null } }));
      await asset.axiosRef.get('/v0/echo');
    });
    await firstValueFrom(asset.get('/v0/echo'));
    const asked = sandbox.apiRequests.map(({ claims }) => [claims?.scopes.join(' '), claims?.businessId]);
    expect(asked).toEqual([
      ['invoice:create', one],
      ['invoice:create', one],
      ['report:read', one],
      ['bill:create', one],
      ['ledger:read', other],
      ['report:read', other],
      ['ledger:read', undefined],
      ['ledger:read', other],
      ['business:create', undefined],
    ]);
  });

  it('null is explicitly none, and undefined is not said', async () => {
    const { asset, sandbox } = await startApplication({ options: { scopes: 'ledger:read' } });
    const [business] = sandbox.businesses;
    const view = asset.withScope(null).forBusiness(business!.id).forBusiness(null);
    await firstValueFrom(view.get('/v0/echo'));
    await firstValueFrom(view.get('/v0/echo', { asset: { scopes: undefined, businessId: undefined } }));
    await firstValueFrom(asset.withScope('report:read').get('/v0/echo', { asset: { scopes: null } }));
    await firstValueFrom(asset.get('/v0/echo', { asset: {} }));
    expect(sandbox.tokenRequests.map(({ form }) => form.scope)).toEqual([undefined, 'ledger:read']);
    expect(sandbox.tokenRequests.every(({ form }) => form.business_id === undefined)).toBe(true);
  });

  it('is taken when the verb is called, not when its Observable is subscribed', async () => {
    const { asset, sandbox } = await startApplication();
    const call = AssetScopeContext.run({ scopes: 'ledger:read' }, () => asset.get('/v0/echo'));
    await AssetScopeContext.run({ scopes: 'report:read' }, () => firstValueFrom(call));
    await firstValueFrom(call);
    expect(sandbox.apiRequests.map(({ claims }) => claims?.scopes)).toEqual([
      ['ledger:read'],
      ['ledger:read'],
    ]);
  });

  it('can name a resource for one request', async () => {
    const { asset, sandbox } = await startApplication();
    const resource = `${sandbox.url}/mcp`;
    await firstValueFrom(asset.withScope('report:read').get('/v0/echo', { asset: { resource } }));
    expect(sandbox.apiRequests[0]?.claims).toMatchObject({ aud: [resource], scopes: ['report:read'] });
  });

  it('views are independent of each other and of the client that they were made of', async () => {
    const { asset, sandbox } = await startApplication();
    const reports = asset.withScope('report:read');
    const ledgers = reports.withScope('ledger:read', 'ledger:update');
    expect(reports).toBeInstanceOf(AssetHttpService);
    expect(ledgers.axiosRef.defaults).toBe(asset.axiosRef.defaults);
    for (const http of [ledgers, reports]) await firstValueFrom(http.get('/v0/echo'));
    expect(sandbox.apiRequests.map(({ claims }) => claims?.scopes.join(' '))).toEqual([
      'ledger:read ledger:update',
      'report:read',
    ]);
  });

  it('a view that cannot be is an error where it is written', async () => {
    const { asset } = await startApplication();
    expect(() => asset.withScope('')).toThrow(
      expect.objectContaining({ code: 'ASSET_SCOPE_INVALID' }) as Error,
    );
    expect(() => asset.withScope('a b')).toThrow(
      expect.objectContaining({ code: 'ASSET_SCOPE_INVALID' }) as Error,
    );
    expect(() => (asset.withScope as () => unknown).call(asset)).toThrow(
      expect.objectContaining({ code: 'ASSET_SCOPE_INVALID' }) as Error,
    );
    expect(() => asset.forBusiness('ldg_1')).toThrow(
      expect.objectContaining({ code: 'ASSET_BUSINESS_INVALID' }) as Error,
    );
  });

  it.each([
    [{ scope: 'ledger:read' }, '"scope"'],
    [{ scopes: 'ledger:read', business: 'biz_1' }, '"business"'],
    [[], 'neither a plain object nor false'],
    [['ledger:read'], 'neither a plain object nor false'],
    [true, 'neither a plain object nor false'],
    ['ledger:read', 'neither a plain object nor false'],
    [null, 'neither a plain object nor false'],
  ])('a misspelled option asset is refused, since it would ask for everything: %j', async (option, said) => {
    const { asset, sandbox } = await startApplication();
    for (const call of [
      asset.get('/v0/echo', { asset: option as never }),
      asset.axiosRef.get('/v0/echo', { asset: option as never }),
    ]) {
      const error = await failureOf(call);
      expect(error).toMatchObject({ code: 'ASSET_SCOPE_INVALID' });
      expect(error.message).toContain(said);
    }
    expect(sandbox.requests).toHaveLength(0);
  });

  it.each([
    [{ scopes: [] }, 'ASSET_SCOPE_INVALID'],
    [{ scopes: '' }, 'ASSET_SCOPE_INVALID'],
    [{ scopes: 'a b' }, 'ASSET_SCOPE_INVALID'],
    [{ businessId: '' }, 'ASSET_BUSINESS_INVALID'],
    [{ businessId: '__proto__' }, 'ASSET_BUSINESS_INVALID'],
  ])('what cannot be asked for is an error before anything is sent: %j', async (option, code) => {
    const { asset, sandbox } = await startApplication();
    expect(await failureOf(asset.get('/v0/echo', { asset: option }))).toMatchObject({ code });
    expect(sandbox.requests).toHaveLength(0);
  });

  it('an interceptor of the application may see it and add to it, and takes nothing away by that', async () => {
    const { asset, sandbox } = await startApplication();
    const { id } = sandbox.businesses[0]!;
    asset.axiosRef.interceptors.request.use((config) => {
      config.asset = { ...(config.asset as object), resource: 'https://mcp.example/mcp' };
      return config;
    });
    const view = asset.forBusiness(id);
    await firstValueFrom(
      AssetScopeContext.run({ scopes: 'ledger:read' }, () => view.get('/v0/echo', { validateStatus: null })),
    );
    expect(sandbox.tokenRequests[0]?.form).toMatchObject({
      scope: 'ledger:read',
      business_id: id,
      resource: 'https://mcp.example/mcp',
    });
    expect(await failureOf(view.get('/v0/echo', { asset: false }))).toMatchObject({
      code: 'ASSET_SCOPE_INVALID',
    });
  });

  it('counts as it was when the verb was called, and not as it is on subscription', async () => {
    const { asset, sandbox } = await startApplication();
    const options = { asset: { scopes: ['ledger:read'] } };
    const call = asset.get('/v0/echo', options);
    options.asset.scopes = ['report:read'];
    await firstValueFrom(call);
    expect(sandbox.apiRequests[0]?.claims?.scopes).toEqual(['ledger:read']);
  });

  it('of the defaults of axiosRef counts where the request names none', async () => {
    const { asset, sandbox } = await startApplication();
    Object.assign(asset.axiosRef.defaults, { asset: { scopes: ['ledger:read'] } });
    await firstValueFrom(asset.get('/v0/echo'));
    await asset.axiosRef.get('/v0/echo');
    await firstValueFrom(asset.get('/v0/echo', { asset: { scopes: ['report:read'] } }));
    const asked = sandbox.apiRequests.map(({ claims }) => claims?.scopes.join());
    expect(asked).toEqual(['ledger:read', 'ledger:read', 'report:read']);
  });

  it('of an earlier request that is sent again through a view is what the view says', async () => {
    const { asset, sandbox } = await startApplication();
    const [one, other] = sandbox.businesses.map(({ id }) => id);
    const { config } = await firstValueFrom(asset.forBusiness(one!).withScope('ledger:read').get('/v0/echo'));
    await firstValueFrom(asset.forBusiness(other!).request(config as object));
    expect(sandbox.apiRequests[1]?.claims).toMatchObject({ scopes: ['ledger:read'], businessId: other });
  });

  it('undeclaredScopes and allowedScopes are checked before anything is sent', async () => {
    const denying = await startApplication({ options: { undeclaredScopes: 'deny' } });
    expect(await failureOf(denying.asset.get('/v0/echo'))).toMatchObject({ code: 'ASSET_SCOPE_UNDECLARED' });
    expect(await failureOf(denying.asset.withScope(null).get('/v0/echo'))).toMatchObject({
      code: 'ASSET_SCOPE_UNDECLARED',
    });
    expect((await firstValueFrom(denying.asset.withScope('report:read').get('/v0/echo'))).status).toBe(200);
    const limited = await startApplication({ options: { allowedScopes: ['ledger:read', 'report:read'] } });
    const error = await failureOf(limited.asset.withScope('ledger:read', 'bill:create').get('/v0/echo'));
    expect(error).toMatchObject({ code: 'ASSET_SCOPE_NOT_ALLOWED' });
    expect(limited.sandbox.requests).toHaveLength(0);
    await firstValueFrom(limited.asset.get('/v0/echo'));
    expect(limited.sandbox.apiRequests[0]?.claims?.scopes).toEqual(['ledger:read', 'report:read']);
  });
});

describe('the business in the address is the business in the token', () => {
  it.each([
    ['as it is', (id: string) => `/v0/business/${id}/ledger`],
    ['absolute', (id: string, origin: string) => `${origin}/v0/business/${id}`],
    ['encoded slashes', (id: string) => `/v0%2Fbusiness%2F${id}%2Fledger`],
    ['encoded letters', (id: string) => `/v0/%62usiness/%62${id.slice(1)}/ledger`],
    ['upper case', (id: string) => `/V0/BUSINESS/${id}/ledger`],
    ['backslashes', (id: string) => `\\v0\\business\\${id}\\ledger`],
    ['encoded backslashes', (id: string) => `/v0%5Cbusiness%5C${id}`],
    ['doubled slashes', (id: string) => `/v0//business///${id}/ledger`],
    ['dots', (id: string) => `/v0/./business/x/../${id}/ledger`],
    ['encoded dots', (id: string) => `/v0/business/x/%2e%2E/${id}/ledger`],
    ['hidden dots', (id: string, _origin: string, own: string) => `/v0/business/${own}/..%2f${id}/ledger`],
    ['tabs', (id: string) => `/v0/busi\tness/${id}/ledger`],
    [
      'a parameter of the path',
      (id: string, _origin: string, own: string) => `/v0/business/${own};${id}/ledger`,
    ],
    [
      'dots with a parameter of the path',
      (id: string, _origin: string, own: string) => `/v0/business/${own}/..;/${id}/ledger`,
    ],
    ['a parameter before the business', (id: string) => `/v0/business;x/${id}/ledger`],
    ['an encoded parameter at the root', (id: string) => `/v0%3Bx/business/${id}/ledger`],
    ['twice encoded', (id: string) => `/v0/business/%2562${id.slice(1)}`],
    ['undecodable', (id: string) => `/v0/business/${id}/%E0%A4%A`],
    ['the prefix alone', () => '/v0/business/biz_'],
    [
      'T126 dots that are twice encoded',
      (id: string, _origin: string, own: string) => `/v0/business/${own}/ledger/..%252f..%252f${id}/ledger`,
    ],
    ['T126 below another path', (id: string) => `/asset/v0/business/${id}/ledger`],
  ])('another one is refused before a token is asked for: %s', async (_what, path) => {
    const { asset, sandbox } = await startApplication();
    const [one, other] = sandbox.businesses.map(({ id }) => id);
    const url = path(other!, sandbox.url, one!);
    expect(await failureOf(asset.forBusiness(one!).get(url))).toMatchObject({
      code: 'ASSET_BUSINESS_MISMATCH',
    });
    expect(sandbox.requests).toHaveLength(0);
    // And with the token at hand.
    await firstValueFrom(asset.forBusiness(one!).get('/v0/echo'));
    expect(await failureOf(asset.forBusiness(one!).get(url))).toMatchObject({
      code: 'ASSET_BUSINESS_MISMATCH',
    });
    expect(sandbox.apiRequests).toHaveLength(1);
  });

  it('its own one and paths of the whole tenant are let through, however they are written', async () => {
    const { asset, sandbox } = await startApplication();
    const { id } = sandbox.businesses[0]!;
    const view = asset.forBusiness(id);
    const paths = [
      `/v0/business/${id}/ledger`,
      `/V0//Business/${id}`,
      '/v0/business',
      '/v0/business/',
      '/v0/tenant/tag-fields',
      '/',
    ];
    for (const path of paths) await firstValueFrom(view.get(path, { validateStatus: null }));
    expect(sandbox.apiRequests).toHaveLength(paths.length);
    expect(sandbox.tokenRequests).toHaveLength(1);
  });

  it('a token for the whole tenant may call any', async () => {
    const { asset, sandbox } = await startApplication();
    for (const { id } of sandbox.businesses) await firstValueFrom(asset.get(`/v0/business/${id}/ledger`));
    expect(sandbox.apiRequests).toHaveLength(3);
  });

  it('is checked again on what a transformRequest made of the address', async () => {
    const { asset, sandbox } = await startApplication();
    const [one, other] = sandbox.businesses.map(({ id }) => id);
    const transformRequest = function (this: { url?: string }) {
      this.url = `/v0/business/${other}/ledger`;
      return '{}';
    };
    const call = asset.forBusiness(one!).post(`/v0/business/${one}/ledger`, {}, { transformRequest });
    expect(await failureOf(call)).toMatchObject({ code: 'ASSET_BUSINESS_MISMATCH' });
    expect(sandbox.apiRequests).toHaveLength(0);
  });

  it('compares the token that was waited for as well', async () => {
    const { asset, tokens, sandbox } = await startApplication();
    const [one, other] = sandbox.businesses.map(({ id }) => id);
    const token = await tokens.getAccessToken({ businessId: one! });
    Object.assign(tokens, { peekAccessToken: () => undefined, getAccessToken: () => Promise.resolve(token) });
    expect(await failureOf(asset.get(`/v0/business/${other!}/ledger`))).toMatchObject({
      code: 'ASSET_BUSINESS_MISMATCH',
    });
    await firstValueFrom(asset.get(`/v0/business/${one!}/ledger`));
    expect(sandbox.apiRequests).toHaveLength(1);
  });
});

describe('every verb of HttpService', () => {
  const BODY = { a: 1 };
  it.each<
    [string, (http: AssetHttpService) => Observable<{ status: number; data: unknown }>, string, boolean]
  >([
    ['request', (http) => http.request({ method: 'OPTIONS', url: '/v0/echo' }), 'OPTIONS', false],
    ['get', (http) => http.get('/v0/echo'), 'GET', false],
    ['delete', (http) => http.delete('/v0/echo'), 'DELETE', false],
    ['head', (http) => http.head('/v0/echo'), 'HEAD', false],
    ['post', (http) => http.post('/v0/echo', BODY), 'POST', true],
    ['put', (http) => http.put('/v0/echo', BODY), 'PUT', true],
    ['patch', (http) => http.patch('/v0/echo', BODY), 'PATCH', true],
    ['postForm', (http) => http.postForm('/v0/echo', BODY), 'POST', true],
    ['putForm', (http) => http.putForm('/v0/echo', BODY), 'PUT', true],
    ['patchForm', (http) => http.patchForm('/v0/echo', BODY), 'PATCH', true],
    ['query', (http) => http.query('/v0/echo', BODY), 'QUERY', true],
  ])('%s carries the token of its call, with a config and without', async (name, call, method, hasBody) => {
    const { asset, sandbox } = await startApplication();
    const observable = AssetScopeContext.run({ scopes: 'ledger:read' }, () => call(asset));
    const { status } = await firstValueFrom(observable);
    expect(status).toBe(200);
    const [request] = sandbox.apiRequests;
    expect(request).toMatchObject({ method, path: '/v0/echo', claims: { scopes: ['ledger:read'] } });
    expect(request!.body.length > 0).toBe(hasBody);
    expect(request?.headers['content-type']?.startsWith('multipart/form-data') ?? false).toBe(
      name.endsWith('Form'),
    );
  });

  it('leaves the config of the caller as it was', async () => {
    const { asset } = await startApplication();
    const config = Object.freeze({ headers: Object.freeze({ 'x-a': '1' }), params: Object.freeze({ b: 2 }) });
    const answer = await firstValueFrom(asset.get('/v0/echo', config));
    expect(config).toEqual({ headers: { 'x-a': '1' }, params: { b: 2 } });
    expect(answer.config).toMatchObject({ params: { b: 2 }, url: '/v0/echo' });
  });

  it('may be called before the application is initialised, and not after it was closed', async () => {
    const { asset, tokens, app, sandbox } = await startApplication();
    expect(tokens).toBeInstanceOf(AssetTokenService);
    await app.close();
    expect(await failureOf(asset.get('/v0/echo'))).toMatchObject({ code: 'ASSET_CLOSED' });
    expect(sandbox.requests).toHaveLength(0);
  });
});
