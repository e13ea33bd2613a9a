import { Module } from '@nestjs/common';
import { metrics } from '@opentelemetry/api';
import { AssetAuthModule, type AssetTokenService, getAssetTokenServiceToken } from 'nestjs-asset-auth';
import { AssetAuthTelemetryModule } from 'nestjs-asset-auth/telemetry';
import { expectNoSecrets, ManualClock } from 'nestjs-asset-auth/testing';
import { randomBytes } from 'node:crypto';
import { lastValueFrom } from 'rxjs';
import { CHANNELS } from '../../../lib/events/asset-auth.events.js';
import { startApplication } from '../../support/application.js';
import { startSandbox } from '../../support/sandbox.js';
import { MemoryTokenStore } from '../../support/memory-token-store.js';
import { type Figure, startTelemetry } from '../../support/telemetry.js';
import { throughAttempts } from '../../support/through-attempts.js';
import { outcome, passToStale, refreshed } from '../../support/token-time.js';

const BUSINESS = 'biz_GA6EG2qFxA97NZHtxeLPUy';
const LEDGERS = { scopes: ['ledger:read'], businessId: BUSINESS };
const imports = [AssetAuthTelemetryModule];

const of = (figures: readonly Figure[], metric: string): Omit<Figure, 'metric'>[] =>
  figures.flatMap(({ metric: name, ...figure }) => (name === metric ? [figure] : []));

const CLIENT = { 'asset_auth.client.name': 'default' };

describe('The metrics of a client', () => {
  it('tell how token requests fared, why they were made, and how long callers waited', async () => {
    const { figures } = startTelemetry();
    const { tokens, sandbox, clock } = await startApplication({ imports });
    const token = await tokens.getAccessToken(LEDGERS);
    await passToStale({ tokens, clock }, token);
    tokens.peekAccessToken(LEDGERS);
    await refreshed({ tokens, clock });
    sandbox.fail('token', { status: 500 }, 3);
    await throughAttempts(clock, outcome(tokens.getAccessToken({ scopes: ['report:read'] })));

    const told = await figures();
    const request = (reason: string, status: number, type?: string) => ({
      ...CLIENT,
      'asset_auth.token.request.reason': reason,
      'http.response.status_code': status,
      ...(type !== undefined && { 'error.type': type }),
    });
    expect(of(told, 'asset_auth.token.request.duration')).toEqual([
      { attributes: request('caller', 200), value: 1, sum: 0 },
      { attributes: request('refresh', 200), value: 1, sum: 0 },
      { attributes: request('caller', 500, 'ASSET_TOKEN_UNAVAILABLE'), value: 3, sum: 0 },
    ]);
    const waits = of(told, 'asset_auth.token.wait.duration');
    expect(waits).toMatchObject([
      { attributes: CLIENT, value: 1 },
      { attributes: { ...CLIENT, 'error.type': 'ASSET_TOKEN_UNAVAILABLE' }, value: 1 },
    ]);
    // Two pauses between three attempts.
    expect(waits[1]?.sum).toBeGreaterThanOrEqual(0.2);
    expect(waits[1]?.sum).toBeLessThan(2);
  });

  it('count what is served from memory, and tell what is held and whether requests go out', async () => {
    const { figures } = startTelemetry();
    const { tokens, sandbox, clock, asset } = await startApplication({ imports, options: LEDGERS });
    const token = await tokens.getAccessToken();
    await tokens.getAccessToken();
    await lastValueFrom(asset.get(`/v0/business/${BUSINESS}/ledger`));
    const state = (name: string) => ({ ...CLIENT, 'asset_auth.token.state': name });
    const before = await figures();
    expect(of(before, 'asset_auth.tokens.used')).toMatchObject([
      { attributes: state('fresh'), value: 2 },
      { attributes: state('stale'), value: 0 },
    ]);
    expect(of(before, 'asset_auth.token.count')).toMatchObject([
      { attributes: state('fresh'), value: 1 },
      { attributes: state('stale'), value: 0 },
    ]);
    expect(of(before, 'asset_auth.endpoint.state')).toMatchObject([{ attributes: CLIENT, value: 1 }]);

    sandbox.fail('token', { status: 429, retryAfter: 30 }, Infinity);
    await passToStale({ tokens, clock }, token);
    tokens.peekAccessToken();
    await refreshed({ tokens, clock });
    tokens.peekAccessToken();
    const after = await figures();
    expect(of(after, 'asset_auth.tokens.used').map(({ value }) => value)).toEqual([2, 2]);
    expect(of(after, 'asset_auth.token.count').map(({ value }) => value)).toEqual([0, 1]);
    expect(of(after, 'asset_auth.endpoint.state').map(({ value }) => value)).toEqual([0]);
  });

  it('count replays, and time the operations of a store', async () => {
    const { figures } = startTelemetry();
    const store = new MemoryTokenStore(new ManualClock());
    const storeKeys = [randomBytes(32).toString('base64')];
    const { sandbox, asset } = await startApplication({ imports, options: { ...LEDGERS, store, storeKeys } });
    await lastValueFrom(asset.get(`/v0/business/${BUSINESS}/ledger`));
    sandbox.rejectTokens();
    await lastValueFrom(asset.get(`/v0/business/${BUSINESS}/ledger`));
    const told = await figures();
    expect(of(told, 'asset_auth.request.replays')).toMatchObject([
      { attributes: { ...CLIENT, 'asset_auth.request.replay.reason': 'unauthorized' }, value: 1 },
    ]);
    const operations = of(told, 'asset_auth.store.operation.duration').map(
      ({ attributes }) => attributes['asset_auth.store.operation'],
    );
    expect(new Set(operations)).toEqual(new Set(['get', 'add', 'set']));
  });

  it('tell clients apart, and those of another application in the same process', async () => {
    const { figures } = startTelemetry();
    const [sandbox, eu] = [await startSandbox(), await startSandbox()];
    const { app, tokens } = await startApplication({
      sandbox,
      imports: [
        ...imports,
        AssetAuthModule.forRoot({ ...eu.moduleOptions(), name: 'eu', undeclaredScopes: 'allow' }),
      ],
    });
    const other = await startApplication({ imports });
    await tokens.getAccessToken(LEDGERS);
    await app.get<AssetTokenService>(getAssetTokenServiceToken('eu')).getAccessToken(LEDGERS);
    const requests = async () =>
      of(await figures(), 'asset_auth.token.request.duration').map(({ attributes, value }) => [
        attributes['asset_auth.client.name'],
        value,
      ]);
    // Both applications record here: each token once, and not once for each listener.
    expect(await requests()).toEqual([
      ['default', 1],
      ['eu', 1],
    ]);
    await other.tokens.getAccessToken(LEDGERS);
    expect(await requests()).toEqual([
      ['default', 2],
      ['eu', 1],
    ]);
  });

  it('work with an SDK that starts after the application, and end with the application', async () => {
    const { tokens, app } = await startApplication({ imports });
    await tokens.getAccessToken(LEDGERS);
    const { figures } = startTelemetry();
    await tokens.getAccessToken({ scopes: ['report:read'] });
    const told = await figures();
    expect(of(told, 'asset_auth.token.request.duration')).toMatchObject([{ value: 1 }]);
    expect(of(told, 'asset_auth.token.count').map(({ value }) => value)).toEqual([2, 0]);
    await app.close();
    // It is read no more: a closed client would tell that it holds none.
    expect(tokens.health().usableTokens).toBe(0);
    expect(of(await figures(), 'asset_auth.token.count').map(({ value }) => value)).toEqual([2, 0]);
    expect(CHANNELS['token.response'].hasSubscribers).toBe(false);
  });

  it('count each request once, however often the module is imported, and refuse to be given different options', async () => {
    @Module({ imports })
    class One {}
    @Module({ imports: [AssetAuthTelemetryModule.forRoot({ businessOnSpans: false })] })
    class Other {}
    const { figures } = startTelemetry();
    const { tokens } = await startApplication({ imports: [One, Other] });
    await tokens.getAccessToken(LEDGERS);
    expect(of(await figures(), 'asset_auth.token.request.duration')).toMatchObject([{ value: 1 }]);
    const different = [One, AssetAuthTelemetryModule.forRoot({ businessOnSpans: true })];
    await expect(startApplication({ imports: different })).rejects.toThrow(
      'Import it once, in the root module',
    );
  });

  it.each([
    [undefined, 'is what forRoot takes, in an object, and not undefined'],
    [{ businessOnSpan: true }, 'is the only option, and "businessOnSpan" is none'],
    [{ businessOnSpans: 'true' }, 'must be true or false, not'],
  ])('are refused at boot with the options %j', async (options, problem) => {
    const module = AssetAuthTelemetryModule.forRoot(options as never);
    await expect(startApplication({ imports: [module] })).rejects.toThrow(problem);
  });

  it('count callers that are refused while requests pause', async () => {
    const { figures } = startTelemetry();
    const { tokens, sandbox } = await startApplication({ imports });
    sandbox.fail('token', { status: 429, retryAfter: 30 }, Infinity);
    for (let i = 0; i < 10; i += 1) await outcome(tokens.getAccessToken(LEDGERS));
    expect(of(await figures(), 'asset_auth.token.wait.duration')).toMatchObject([
      { attributes: { 'error.type': 'ASSET_TOKEN_THROTTLED' }, value: 10 },
    ]);
  });

  it('end with a start that fails', async () => {
    const options = { startup: 'required', scopes: 'ledger:read', clientSecret: 'not-the-secret' } as const;
    await expect(startApplication({ imports, options })).rejects.toMatchObject({
      code: 'ASSET_CREDENTIALS_REJECTED',
    });
    expect(CHANNELS['token.response'].hasSubscribers).toBe(false);
  });

  it('cost neither a call nor the process where the SDK throws', async () => {
    const { tokens } = await startApplication({ imports });
    const broken = (): never => {
      throw new Error('the SDK is broken');
    };
    metrics.setGlobalMeterProvider({ getMeter: broken });
    try {
      await expect(tokens.getAccessToken(LEDGERS)).resolves.toBeDefined();
    } finally {
      metrics.disable();
    }
  });

  it('name neither a scope nor a business, and no secret', async () => {
    const { figures } = startTelemetry();
    const { tokens, sandbox, clock, asset } = await startApplication({ imports, options: LEDGERS });
    await lastValueFrom(asset.get(`/v0/business/${BUSINESS}/ledger`));
    sandbox.fail('token', { status: 400, body: { error: sandbox.clientSecret } }, 3);
    await throughAttempts(clock, outcome(tokens.getAccessToken({ businessId: 'biz_2' })));
    const told = JSON.stringify(await figures());
    expect(told).toContain('ASSET_TOKEN');
    expect(told).not.toMatch(/ledger|biz_/);
    expectNoSecrets(told, [sandbox.clientSecret, ...sandbox.issuedTokens], { clientId: sandbox.clientId });
  });
});
