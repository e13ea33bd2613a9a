import { Module } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import {
  AssetAuthModule,
  type AssetTokenService,
  type AssetTokenStore,
  getAssetTokenServiceToken,
} from 'nestjs-asset-auth';
import { AssetHealthIndicator } from 'nestjs-asset-auth/health';
import {
  type ApplicationParts,
  type RunningApplication,
  startApplication,
} from '../../support/application.js';
import { HealthModule } from '../../support/health-page.js';
import { keepSecret, wasCaught } from '../../support/no-secrets.js';
import { startSandbox } from '../../support/sandbox.js';
import { throughAttempts } from '../../support/through-attempts.js';
import { outcome, passToExpiry, passToStale, refreshed, rejectionOf } from '../../support/token-time.js';
import { bootError, start as startNest } from '../nest/application.fixture.js';

const LEDGERS = { scopes: ['ledger:read'], businessId: 'biz_GA6EG2qFxA97NZHtxeLPUy' };
const EU = 'eu';

interface Page {
  readonly http: number;
  readonly status: string;
  readonly details: Readonly<Record<string, unknown>>;
}

type Application = RunningApplication & { readonly page: (path?: string) => Promise<Page> };

/** An application with a health page; what that answers is searched for secrets after the test. */
async function start({ imports = [], ...parts }: ApplicationParts = {}): Promise<Application> {
  const running = await startApplication({ imports: [HealthModule, ...imports], ...parts });
  const page = async (path = '/health'): Promise<Page> => {
    const response = await fetch(running.url + path);
    const text = await response.text();
    wasCaught(text);
    expect(text).not.toMatch(/ledger|biz_/);
    const { status, details } = JSON.parse(text) as Page;
    return { http: response.status, status, details };
  };
  return { ...running, page };
}

describe('The health page of @nestjs/terminus', () => {
  it('shows a client as up, with counts only, and asks Asset nothing', async () => {
    const { page, tokens, sandbox } = await start();
    const nothingYet = { status: 'up', usableTokens: 0 };
    expect(await page()).toEqual({ http: 200, status: 'ok', details: { asset: nothingYet } });
    const { expiresAt } = await tokens.getAccessToken(LEDGERS);
    const asset = { status: 'up', usableTokens: 1, usableUntil: expiresAt.toISOString() };
    expect(await page()).toEqual({ http: 200, status: 'ok', details: { asset } });
    expect(sandbox.requests).toHaveLength(1);
  });

  it('shows it as degraded while token requests pause and tokens serve, and as down when they ran out', async () => {
    const { page, tokens, sandbox, clock } = await start();
    const token = await tokens.getAccessToken(LEDGERS);
    tokens.peekAccessToken(LEDGERS);
    sandbox.fail('token', { status: 429, retryAfter: 1 }, Infinity);
    await passToStale({ tokens, clock }, token);
    tokens.peekAccessToken(LEDGERS);
    await refreshed({ tokens, clock });
    const error = 'ASSET_TOKEN_THROTTLED';
    const usableUntil = token.expiresAt.toISOString();
    const degraded = { status: 'degraded', error, usableTokens: 1, usableUntil };
    expect(await page()).toEqual({ http: 200, status: 'degraded', details: { asset: degraded } });

    await passToExpiry({ tokens, clock }, token);
    await throughAttempts(clock, outcome(tokens.getAccessToken(LEDGERS)));
    const down = { status: 'down', error, usableTokens: 0 };
    expect(await page()).toEqual({ http: 503, status: 'error', details: { asset: down } });

    sandbox.clearFaults();
    await clock.advance(60_000);
    await tokens.getAccessToken(LEDGERS);
    expect(await page()).toMatchObject({ http: 200, status: 'ok' });
  });

  it('shows it as down when its credentials are rejected, once no token serves', async () => {
    const { page, tokens, sandbox } = await start();
    await tokens.getAccessToken(LEDGERS);
    sandbox.rotateSecret();
    await rejectionOf(tokens.getAccessToken(LEDGERS, { forceRefresh: true }));
    const error = 'ASSET_CREDENTIALS_REJECTED';
    expect(await page()).toMatchObject({
      http: 200,
      details: { asset: { status: 'degraded', error, usableTokens: 1 } },
    });
    tokens.invalidateAll();
    expect(await page()).toMatchObject({
      http: 503,
      details: { asset: { status: 'down', error, usableTokens: 0 } },
    });
  });

  it('shows it as up whatever fails for one business', async () => {
    const { page, tokens, sandbox, clock } = await start();
    sandbox.fail('token', { status: 404 }, Infinity);
    for (let i = 0; i < 10; i += 1) {
      await throughAttempts(clock, outcome(tokens.getAccessToken({ businessId: `biz_${i}` })));
    }
    expect(await page()).toEqual({
      http: 200,
      status: 'ok',
      details: { asset: { status: 'up', usableTokens: 0 } },
    });
  });

  it('shows it as degraded while the store is out of use', async () => {
    const storeKey = Buffer.alloc(32, 1).toString('base64');
    keepSecret(storeKey);
    const { page, tokens } = await start({ options: { store: brokenStore, storeKeys: [storeKey] } });
    await tokens.getAccessToken(LEDGERS);
    expect(await page()).toMatchObject({
      http: 200,
      details: { asset: { status: 'degraded', storeInUse: false, usableTokens: 1 } },
    });
  });

  it('shows each client by its name', async () => {
    const eu = await startSandbox();
    const ofEu = AssetAuthModule.forRoot({ ...eu.moduleOptions(), name: EU, undeclaredScopes: 'allow' });
    const { page, app, sandbox } = await start({ imports: [ofEu] });
    await app.get<AssetTokenService>(getAssetTokenServiceToken(EU)).getAccessToken(LEDGERS);
    expect((await page('/health/all')).details).toMatchObject({
      asset: { status: 'up', usableTokens: 0 },
      'asset-eu': { status: 'up', client: EU, usableTokens: 1 },
    });
    expect(sandbox.requests).toEqual([]);
  });
});

describe('The indicator for @nestjs/terminus', () => {
  it('tells of a client that does not exist, and which do', async () => {
    const { app } = await start();
    const indicator = app.get(AssetHealthIndicator);
    expect(() => indicator.check('asset', { client: 'us' })).toThrow(
      'there is no client "us". The clients of this application are: without a name',
    );
    const sandbox = await startSandbox();
    const named = ['eu', 'us'].map((name) => AssetAuthModule.forRoot({ ...sandbox.moduleOptions(), name }));
    const { app: other } = await startNest({ imports: [...named, HealthModule] });
    expect(() => other.get(AssetHealthIndicator).check('asset')).toThrow(
      'there is no client without a name. The clients of this application are: "eu", "us"',
    );
  });

  it('fails the start where no module imports TerminusModule, in words that name the module', async () => {
    @Module({ providers: [AssetHealthIndicator] })
    class ForgetfulModule {}
    const client = AssetAuthModule.forRoot((await startSandbox()).moduleOptions());
    const error = await bootError({ imports: [client, ForgetfulModule] });
    expect(error).toMatchObject({ code: 'ASSET_CONFIG_INVALID' });
    expect(error.message).toMatch(
      /ForgetfulModule provides AssetHealthIndicator, and no module imports TerminusModule .* Add TerminusModule to the imports of ForgetfulModule/,
    );
  });

  it('works in a module that is loaded lazily, where Nest runs no hooks', async () => {
    const { app } = await startApplication();
    const lazy = await app.get(LazyModuleLoader).load(() => LazyHealthModule);
    expect(lazy.get(AssetHealthIndicator).check('asset')).toMatchObject({ asset: { status: 'up' } });
  });
});

@Module({ imports: [TerminusModule], providers: [AssetHealthIndicator] })
class LazyHealthModule {}

const brokenStore: AssetTokenStore = {
  get: () => Promise.reject(new Error('connect ECONNREFUSED')),
  set: () => Promise.reject(new Error('connect ECONNREFUSED')),
  add: () => Promise.reject(new Error('connect ECONNREFUSED')),
  delete: () => Promise.reject(new Error('connect ECONNREFUSED')),
};
