import { firstValueFrom } from 'rxjs';
import { startApplication } from '../support/application.js';

describe('a call to Asset', () => {
  it('carries a token that is fetched once', async () => {
    const { asset, sandbox } = await startApplication();
    const [business] = sandbox.businesses;
    for (let i = 0; i < 3; i += 1) {
      const { data } = await firstValueFrom(
        asset
          .forBusiness(business!.id)
          .withScope('ledger:read')
          .get<unknown>(`/v0/business/${business!.id}/ledger`),
      );
      expect(data).toHaveProperty('data');
    }
    expect(sandbox.tokenRequests).toHaveLength(1);
    expect(sandbox.apiRequests.map(({ claims }) => claims)).toEqual(
      Array(3).fill(expect.objectContaining({ scopes: ['ledger:read'], businessId: business!.id })),
    );
  });

  it('T15 has a token of its own for each set of scopes, however they overlap', async () => {
    const { tokens, sandbox } = await startApplication();
    const sets = [
      ['ledger:read'],
      ['ledger:read', 'ledger:create'],
      ['ledger:create', 'report:read'],
      ['report:read'],
    ];
    const values = await Promise.all(
      sets.map(async (scopes) => (await tokens.getAccessToken({ scopes })).value),
    );
    expect(new Set(values).size).toBe(4);
    expect(sandbox.tokenRequests.map(({ claims }) => claims?.scopes)).toEqual(
      sets.map((set) => [...set].sort()),
    );
    expect(tokens.peekAccessToken({ scopes: ['ledger:create', 'ledger:read'] })?.value).toBe(values[1]);
  });

  it('is refused when the token request misspells its business, which would widen it to the tenant', async () => {
    const { tokens, sandbox } = await startApplication();
    const misspelled = { scopes: ['ledger:read'], businessID: sandbox.businesses[0]!.id } as never;
    await tokens.getAccessToken({ scopes: ['ledger:read'] });
    await expect(tokens.getAccessToken(misspelled)).rejects.toMatchObject({ code: 'ASSET_SCOPE_INVALID' });
    expect(() => tokens.peekAccessToken(misspelled)).toThrow('"businessID"');
    expect(sandbox.tokenRequests).toHaveLength(1);
  });

  it('that times out on its token says so, and whoever is on call knows where to look', async () => {
    const { asset, sandbox, clock } = await startApplication();
    sandbox.fail('token', { hang: true });
    const call = firstValueFrom(asset.get('/v0/business', { timeout: 700 }));
    const failed = expect(call).rejects.toMatchObject({
      code: 'ECONNABORTED',
      message: 'timeout of 700ms exceeded while waiting for an access token',
    });
    await sandbox.waitForRequest('token');
    await clock.advance(700);
    await failed;
    await clock.advance(10_000);
  });

  it('T62 that was rejected with a token that the endpoint hands out again says that', async () => {
    const { asset, sandbox } = await startApplication({ sandboxOptions: { stickyTokens: true } });
    sandbox.rejectTokens(5);
    await expect(firstValueFrom(asset.get('/v0/business'))).rejects.toMatchObject({
      code: 'ASSET_UNAUTHORIZED',
      message: expect.stringContaining('the endpoint handed out the same token again') as string,
    });
    expect(sandbox.tokenRequests).toHaveLength(2);
    expect(sandbox.apiRequests).toHaveLength(1);
  });

  it('is refused when the token request misspells what it asks for', async () => {
    const { tokens, sandbox } = await startApplication();
    await expect(tokens.getAccessToken({ scope: 'ledger:read' } as never)).rejects.toMatchObject({
      code: 'ASSET_SCOPE_INVALID',
      message: expect.stringContaining('not "scope"') as string,
    });
    expect(sandbox.tokenRequests).toHaveLength(0);
  });
});
