import { Test } from '@nestjs/testing';
import { AssetAuthModule, AssetHttpService, AssetTokenService } from 'nestjs-asset-auth';
import { firstValueFrom } from 'rxjs';
import { afterThisTest } from '../../support/cleanup.js';
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
