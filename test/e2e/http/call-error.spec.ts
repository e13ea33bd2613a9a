import axios, { type AxiosError, type AxiosRequestConfig } from 'axios';
import {
  AssetAuthError,
  AssetBusinessError,
  AssetClosedError,
  type AssetHttpService,
  AssetRequestError,
  AssetScopeError,
  AssetTokenError,
  isAssetAuthError,
} from 'nestjs-asset-auth';
import { expectNoSecrets } from 'nestjs-asset-auth/testing';
import { inspect, types } from 'node:util';
import { firstValueFrom, from, type Observable } from 'rxjs';
import { type RunningApplication, startApplication } from '../../support/application.js';
import { throughAttempts } from '../../support/through-attempts.js';
import { failureOf } from '../../support/failure-of.js';

type Call = (
  asset: AssetHttpService,
  config: AxiosRequestConfig,
  parts: RunningApplication,
) => Observable<unknown>;

/** What the call adds to find itself in the error. */
const MARK = { params: { mark: 'of-this-call' } };

const FAILURES: [string, abstract new (...args: never[]) => unknown, string, Call][] = [
  [
    'an undeclared scope',
    AssetScopeError,
    'ASSET_SCOPE_UNDECLARED',
    (asset, config) => asset.withScope(null).get('/v0/business', config),
  ],
  [
    'an asset option that cannot be read',
    AssetScopeError,
    'ASSET_SCOPE_INVALID',
    (asset, config) => asset.get('/v0/business', { ...config, asset: { scope: 'x' } } as never),
  ],
  [
    'another business',
    AssetBusinessError,
    'ASSET_BUSINESS_MISMATCH',
    (asset, config) => asset.forBusiness('biz_A').get('/v0/business/biz_B', config),
  ],
  [
    'another origin',
    AssetRequestError,
    'ASSET_REQUEST_NOT_ALLOWED',
    (asset, config) => asset.get('https://evil.example/', config),
  ],
  [
    'credentials of its own',
    AssetRequestError,
    'ASSET_REQUEST_NOT_ALLOWED',
    (asset, config) => asset.get('/v0/business', { ...config, headers: { Authorization: 'x' } }),
  ],
  [
    'another adapter',
    AssetRequestError,
    'ASSET_REQUEST_NOT_ALLOWED',
    (asset, config) => asset.get('/v0/business', { ...config, adapter: 'fetch' }),
  ],
  [
    'no interceptor of ours',
    AssetRequestError,
    'ASSET_REQUEST_NOT_ALLOWED',
    (_view, config, { asset }) => {
      asset.axiosRef.interceptors.request.clear();
      return from(asset.axiosRef.get('/v0/business', config));
    },
  ],
  [
    'a token endpoint that is down',
    AssetTokenError,
    'ASSET_TOKEN_UNAVAILABLE',
    (asset, config, { sandbox }) => {
      sandbox.fail('token', { status: 503 }, Infinity);
      return asset.get('/v0/business', config);
    },
  ],
  [
    'credentials that are rejected',
    AssetTokenError,
    'ASSET_CREDENTIALS_REJECTED',
    (asset, config, { sandbox }) => {
      sandbox.fail('token', { status: 401 }, Infinity);
      return asset.post('/v0/business', { a: 1 }, config);
    },
  ],
  [
    'a client that is closed',
    AssetClosedError,
    'ASSET_CLOSED',
    (asset, config, { tokens }) => {
      tokens.onApplicationShutdown();
      return asset.get('/v0/business', config);
    },
  ],
];

describe('T133 what a call rejects with before anything is sent', () => {
  it.each(FAILURES)(
    'is an error of axios and of ours, with its own config: %s',
    async (_what, type, code, call) => {
      const parts = await startApplication({ options: { undeclaredScopes: 'deny', scopes: undefined } });
      const { asset, sandbox } = parts;
      const seen: unknown[] = [];
      asset.axiosRef.interceptors.response.use(undefined, (error: AxiosError) => {
        seen.push(error.config?.params);
        return Promise.reject(error);
      });
      const view = code === 'ASSET_SCOPE_UNDECLARED' ? asset : asset.withScope('ledger:read');
      const error = await throughAttempts(parts.clock, failureOf(call(view, { ...MARK }, parts)));
      expect(axios.isAxiosError(error)).toBe(true);
      expect(isAssetAuthError(error, code as never)).toBe(true);
      expect(error).toBeInstanceOf(type);
      expect(error).toBeInstanceOf(AssetAuthError);
      expect(error).toBeInstanceOf(Error);
      expect(types.isNativeError(error)).toBe(true);
      expect(error).toMatchObject({ code, retryable: expect.any(Boolean) as boolean, config: MARK });
      expect((error.config as AxiosRequestConfig).headers).toBeDefined();
      expect(seen).toEqual([MARK.params]);
      expect(sandbox.apiRequests).toHaveLength(0);
      // As it prints, it is the error that it was.
      expect(Object.keys(error)).not.toContain('config');
      expect(JSON.parse(JSON.stringify(error))).toMatchObject({
        code,
        message: error.message,
        name: error.name,
      });
      expect(inspect(error)).not.toContain('transformRequest');
      expect(error.stack).toContain(`${error.name}: `.replace(/: $/, ''));
      expectNoSecrets(error, [sandbox.clientSecret]);
    },
  );

  it('has no config of somebody else: callers that waited for one token have an error each', async () => {
    const { asset, sandbox, tokens } = await startApplication();
    const hold = sandbox.hold('token');
    sandbox.fail('token', { status: 400, body: { error: 'invalid_scope' } }, Infinity);
    const calls = [1, 2, 3].map((n) => failureOf(asset.get(`/v0/business?n=${n}`)));
    const bare = failureOf(tokens.getAccessToken());
    await sandbox.waitForRequest('token');
    hold.release();
    const errors = await Promise.all(calls);
    expect(sandbox.tokenRequests).toHaveLength(1);
    expect(new Set(errors).size).toBe(3);
    expect(errors.map(({ config }) => (config as AxiosRequestConfig).url)).toEqual([
      '/v0/business?n=1',
      '/v0/business?n=2',
      '/v0/business?n=3',
    ]);
    const { config, isAxiosError } = await bare;
    expect([config, isAxiosError]).toEqual([undefined, undefined]);
    for (const error of errors) {
      expect(error.message).toBe((await bare).message);
      expect(error.name).toBe('AssetTokenError');
    }
  });

  it.each<[string, (asset: AssetHttpService) => Promise<unknown>]>([
    ['axiosRef', (asset) => asset.axiosRef.get('https://evil.example/', MARK)],
    ['axiosRef, called', (asset) => asset.axiosRef({ url: 'https://evil.example/', ...MARK })],
    ['a view', (asset) => firstValueFrom(asset.withScope('a:r').head('https://evil.example/', MARK))],
  ])('has its config, whatever made the call: %s', async (_what, call) => {
    const { asset } = await startApplication();
    expect(await failureOf(call(asset))).toMatchObject({
      isAxiosError: true,
      config: MARK,
      code: 'ASSET_REQUEST_NOT_ALLOWED',
    });
  });

  it('has its config where the caller cancelled it', async () => {
    const { asset, sandbox } = await startApplication();
    const source = axios.CancelToken.source();
    sandbox.fail('token', { hang: true });
    const calls = [1, 2].map(() => failureOf(asset.get('/v0/x', { ...MARK, cancelToken: source.token })));
    await sandbox.waitForRequest('token');
    source.cancel('enough');
    for (const error of await Promise.all(calls)) {
      expect(axios.isCancel(error)).toBe(true);
      expect(error).toMatchObject({ isAxiosError: true, config: MARK, message: 'enough' });
    }
    expect(source.token.reason).not.toHaveProperty('config');
  });

  it('is an error of axios where an adapter of the application rejects with another', async () => {
    const { asset } = await startApplication();
    const mine = new TypeError('mine');
    const error = await failureOf(asset.get('/v0/x', { ...MARK, adapter: () => Promise.reject(mine) }));
    expect(error).toMatchObject({ isAxiosError: true, config: MARK, message: 'mine', name: 'TypeError' });
    expect(error.cause).toBe(mine);
  });

  it('is an error of axios where Node refuses the request', async () => {
    const { asset } = await startApplication();
    const error = await failureOf(asset.get('/v0/x', { ...MARK, headers: { 'bad name': 'x' } }));
    expect(error).toMatchObject({ isAxiosError: true, config: MARK, code: 'ERR_INVALID_HTTP_TOKEN' });
  });
});
