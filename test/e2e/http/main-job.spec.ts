import { setImmediate as turn } from 'node:timers/promises';
import { Test } from '@nestjs/testing';
import { AssetAuthModule, type AssetAuthOptions, AssetTokenService } from 'nestjs-asset-auth';
import { firstValueFrom } from 'rxjs';
import { startApplication } from '../../support/application.js';
import { afterThisTest } from '../../support/cleanup.js';
import { failureOf } from '../../support/failure-of.js';
import { startSandbox } from '../../support/sandbox.js';

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
    expect(await failureOf(tokens.getAccessToken(misspelled))).toMatchObject({ code: 'ASSET_SCOPE_INVALID' });
    expect(() => tokens.peekAccessToken(misspelled)).toThrow('"businessID"');
    expect(sandbox.tokenRequests).toHaveLength(1);
  });

  it('that times out on its token says so, and the engineer on call knows where to look', async () => {
    const { asset, sandbox, clock } = await startApplication();
    sandbox.fail('token', { hang: true });
    const failed = failureOf(asset.get('/v0/business', { timeout: 700 }));
    await sandbox.waitForRequest('token');
    await clock.advance(700);
    expect(await failed).toMatchObject({
      code: 'ECONNABORTED',
      message: 'timeout of 700ms exceeded while waiting for an access token',
    });
    await clock.advance(10_000);
  });

  it('T62 that was rejected with a token that the endpoint hands out again says that', async () => {
    const { asset, sandbox } = await startApplication({ sandboxOptions: { stickyTokens: true } });
    sandbox.rejectTokens(5);
    expect(await failureOf(asset.get('/v0/business'))).toMatchObject({
      code: 'ASSET_UNAUTHORIZED',
      message: expect.stringContaining('the endpoint handed out the same token again') as string,
    });
    expect(sandbox.tokenRequests).toHaveLength(2);
    expect(sandbox.apiRequests).toHaveLength(1);
  });

  it('is refused when the token request misspells what it asks for', async () => {
    const { tokens, sandbox } = await startApplication();
    expect(await failureOf(tokens.getAccessToken({ scope: 'ledger:read' } as never))).toMatchObject({
      code: 'ASSET_SCOPE_INVALID',
      message: expect.stringContaining('not "scope"') as string,
    });
    expect(sandbox.tokenRequests).toHaveLength(0);
  });
});

describe('an application whose options are long in coming', () => {
  /** Starts it, with options that come when the test says so. */
  const boot = () => {
    let settle: (options: AssetAuthOptions) => void = () => {};
    const options = new Promise<AssetAuthOptions>((resolve) => (settle = resolve));
    let isBooted = false;
    const app = Test.createTestingModule({
      imports: [AssetAuthModule.forRootAsync({ useFactory: () => options })],
    })
      .compile()
      .finally(() => (isBooted = true));
    return { settle, app, isBooted: () => isBooted };
  };

  it('T82 waits for them, and then goes by them', async () => {
    const sandbox = await startSandbox();
    const { settle, app, isBooted } = boot();
    for (let i = 0; i < 20; i += 1) await turn();
    expect(isBooted()).toBe(false);

    settle({ ...sandbox.moduleOptions(), undeclaredScopes: 'allow' });
    const module = await app;
    afterThisTest(() => module.close());
    await expect(module.get(AssetTokenService).getAccessToken()).resolves.toBeDefined();
    expect(sandbox.tokenRequests).toMatchObject([{ authorized: true }]);
  });

  it('T82 does not start if they are wrong, and shows no secret of theirs', async () => {
    const sandbox = await startSandbox();
    const { settle, app } = boot();
    settle({ ...sandbox.moduleOptions(), tokenTtlSeconds: -1 });
    const { message } = await failureOf(app);
    expect(message).toContain('tokenTtlSeconds');
    expect(sandbox.tokenRequests).toHaveLength(0);
  });
});
