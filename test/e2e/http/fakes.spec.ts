import { Test } from '@nestjs/testing';
import { AssetAuthModule, AssetHttpService, AssetTokenService } from 'nestjs-asset-auth';
import { firstValueFrom } from 'rxjs';
import { afterThisTest } from '../../support/cleanup.js';
import { failureOf } from '../../support/failure-of.js';
import { startForeignServer } from '../../support/foreign-server.js';

/** What an application puts in place of the token service in its own tests. */
const fakeOf = (token: object | undefined) => ({
  peekAccessToken: () => token,
  getAccessToken: () => Promise.resolve({ value: 'fetched-token' }),
});

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

describe('a fake token service of two methods', () => {
  it.each([
    ['at hand', { value: 'kept-token' }, 'Bearer kept-token'],
    ['that it has to fetch', undefined, 'Bearer fetched-token'],
  ])('is enough for calls: they carry the token %s', async (_what, token, header) => {
    const { server, asset } = await startOn(fakeOf(token));
    await firstValueFrom(asset.forBusiness('biz_1').get('/v0/business/biz_1/ledger'));
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([header]);
  });

  it('still refuses the path of another business', async () => {
    const { server, asset } = await startOn(fakeOf(undefined));
    const error = await failureOf(asset.forBusiness('biz_1').get('/v0/business/biz_2/ledger'));
    expect(error).toMatchObject({ code: 'ASSET_BUSINESS_MISMATCH' });
    expect(server.requests).toHaveLength(0);
  });

  it('leaves a 401 uncured, and says so', async () => {
    const { asset } = await startOn(fakeOf({ value: 'kept-token' }), 401);
    const error = await failureOf(asset.get('/v0/business'));
    expect(error).toMatchObject({ code: 'ASSET_UNAUTHORIZED', response: { status: 401 } });
    expect(error.message).toContain('no other token could be had');
  });
});
