import { jest } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { AssetAuthModule, AssetHttpService, AssetTokenService } from 'nestjs-asset-auth';
import { firstValueFrom } from 'rxjs';
import { startApplication } from '../../support/application.js';
import { afterThisTest } from '../../support/cleanup.js';
import { eventually } from '../../support/eventually.js';
import { failureOf } from '../../support/failure-of.js';
import { startForeignServer } from '../../support/foreign-server.js';

/** What an application puts in place of the token service in its own tests. */
const FAKE = { getAccessToken: () => Promise.resolve({ value: 'fake-token' }) };

async function startOn(fake: object, status = 200) {
  const server = await startForeignServer((_request, response) => response.writeHead(status).end('{}'));
  const options = { baseUrl: server.origin, clientId: 'c', clientSecret: 'secret-of-c' };
  const module = await Test.createTestingModule({ imports: [AssetAuthModule.forRoot(options)] })
    .overrideProvider(AssetTokenService)
    .useValue(fake)
    .compile();
  await module.init();
  afterThisTest(() => module.close());
  return { server, asset: module.get(AssetHttpService) };
}

describe('a fake token service of one method', () => {
  it('is enough for calls: they carry its token', async () => {
    const { server, asset } = await startOn(FAKE);
    await firstValueFrom(asset.forBusiness('biz_1').get('/v0/business/biz_1/ledger'));
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer fake-token']);
  });

  it('still refuses the path of another business', async () => {
    const { server, asset } = await startOn(FAKE);
    const error = await failureOf(asset.forBusiness('biz_1').get('/v0/business/biz_2/ledger'));
    expect(error).toMatchObject({ code: 'ASSET_BUSINESS_MISMATCH' });
    expect(server.requests).toHaveLength(0);
  });

  it('leaves a 401 uncured, and says so', async () => {
    const { asset } = await startOn(FAKE, 401);
    const error = await failureOf(asset.get('/v0/business'));
    expect(error).toMatchObject({ code: 'ASSET_UNAUTHORIZED', response: { status: 401 } });
    expect(error.message).toContain('no other token could be had');
  });
});

describe.each([
  ['one token service', (tokens: AssetTokenService) => tokens],
  ['all token services', () => AssetTokenService.prototype],
])('getAccessToken of %s', (_whose, holderOf) => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('is called by each call, also where a fresh token is at hand', async () => {
    const { asset, tokens } = await startApplication();
    await firstValueFrom(asset.get('/v0/business'));
    const getAccessToken = jest.spyOn(holderOf(tokens), 'getAccessToken');
    await firstValueFrom(asset.get('/v0/business'));
    expect(getAccessToken).toHaveBeenCalledTimes(1);
  });

  it('may be replaced: its token is sent, whatever the options say of scopes', async () => {
    const { asset, tokens, sandbox } = await startApplication({ options: { undeclaredScopes: 'deny' } });
    const allowed = await tokens.getAccessToken({ scopes: ['business:read'] });
    jest.spyOn(holderOf(tokens), 'getAccessToken').mockResolvedValue(allowed);
    await firstValueFrom(asset.get('/v0/business'));
    expect(sandbox.apiRequests).toHaveLength(1);
  });

  it('may be replaced beside one that looks for a token at hand, which decides nothing', async () => {
    const { asset, tokens, sandbox } = await startApplication();
    const peek = jest.spyOn(holderOf(tokens), 'peekAccessToken').mockReturnValue({ value: 'fake' } as never);
    await firstValueFrom(asset.get('/v0/business'));
    expect(sandbox.apiRequests.map(({ authorized }) => authorized)).toEqual([true]);
    expect(peek).not.toHaveBeenCalled();
  });

  it.each([undefined, null, 'a-token', {}, { value: '' }])(
    'that answers %j sends no request without a token',
    async (nothing) => {
      const { asset, tokens, sandbox } = await startApplication();
      jest.spyOn(holderOf(tokens), 'getAccessToken').mockResolvedValue(nothing as never);
      const error = await failureOf(asset.get('/v0/business'));
      expect(error).toMatchObject({ code: 'ASSET_REQUEST_NOT_ALLOWED' });
      expect(error.message).toContain(
        'There is no access token for the request, and without one it is not sent.',
      );
      await firstValueFrom(asset.get('/v0/business', { asset: false, validateStatus: null }));
      expect(sandbox.apiRequests).toHaveLength(1);
    },
  );

  it('that answers nothing after a 429 sends the request no second time', async () => {
    const { asset, tokens, sandbox, clock } = await startApplication();
    const token = await tokens.getAccessToken();
    const nothing = jest.spyOn(holderOf(tokens), 'getAccessToken').mockResolvedValue(undefined as never);
    nothing.mockResolvedValueOnce(token);
    sandbox.fail('api', { status: 429, headers: { 'retry-after': '1' } });
    const call = failureOf(asset.get('/v0/business'));
    await eventually(() => clock.timers.some(({ dueInMs }) => dueInMs === 1000));
    await clock.advance(1000);
    expect(await call).toMatchObject({ code: 'ASSET_REQUEST_NOT_ALLOWED' });
    expect(sandbox.apiRequests).toHaveLength(1);
  });

  it('may be replaced by one that waits although a token is at hand: the time-out of the call ends it', async () => {
    const { asset, tokens, clock } = await startApplication();
    await firstValueFrom(asset.get('/v0/business'));
    const wait = jest.spyOn(holderOf(tokens), 'getAccessToken').mockImplementation(
      (_request, options) =>
        new Promise((_resolve, reject) => {
          options!.signal!.addEventListener('abort', () => {
            reject(options!.signal!.reason as Error);
          });
        }),
    );
    const call = failureOf(asset.get('/v0/business', { timeout: 1000 }));
    await eventually(() => wait.mock.calls.length === 1);
    await clock.advance(1000);
    expect((await call).message).toBe('timeout of 1000ms exceeded while waiting for an access token');
  });
});
