import { Test } from '@nestjs/testing';
import { ASSET_CLOCK, AssetAuthModule, type AssetAuthOptions, AssetTokenService } from 'nestjs-asset-auth';
import { type AssetSandbox, ManualClock } from 'nestjs-asset-auth/testing';
import { type RunningApplication, startApplication } from '../../support/application.js';
import { afterThisTest } from '../../support/cleanup.js';
import { eventually } from '../../support/eventually.js';
import { recordingLogger } from '../../support/recording-logger.js';
import { startSandbox } from '../../support/sandbox.js';
import { pass, passToStale, rejectionOf } from '../../support/token-time.js';

const SCOPES = { scopes: ['ledger:read'] };

async function compile(sandbox: AssetSandbox, clock: ManualClock, options: Partial<AssetAuthOptions>) {
  const module = await Test.createTestingModule({
    imports: [AssetAuthModule.forRoot({ ...sandbox.moduleOptions(), undeclaredScopes: 'allow', ...options })],
  })
    .overrideProvider(ASSET_CLOCK)
    .useValue(clock)
    .compile();
  const app = module.createNestApplication({ logger: false });
  afterThisTest(() => app.close());
  return app;
}

describe('T44 at boot', () => {
  it('lazy asks for nothing', async () => {
    const { sandbox, tokens } = await startApplication();
    expect(sandbox.tokenRequests).toEqual([]);
    expect(tokens.snapshot()).toEqual([]);
  });

  it('warm fetches the default token, which is at hand for the first call', async () => {
    const { sandbox, tokens } = await startApplication({
      options: { startup: 'warm', scopes: ['ledger:read'] },
    });
    await eventually(() => tokens.peekAccessToken() !== undefined);
    expect(sandbox.tokenRequests.map(({ form }) => form.scope)).toEqual(['ledger:read']);
  });

  it('warm does not wait: the application starts while the endpoint hangs, and says later that it failed', async () => {
    const logger = recordingLogger();
    const sandbox = await startSandbox();
    sandbox.fail('token', { hang: true });
    const { tokens, clock } = await startApplication({ sandbox, logger, options: { startup: 'warm' } });
    await sandbox.waitForRequest('token');
    await clock.advance(10_000);
    await eventually(() => logger.text().includes('Started without'));
    expect(logger.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
    expect(logger.lines.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);

    // A key that is pinned keeps trying by itself.
    await pass({ tokens, clock }, 1000);
    await eventually(() => tokens.peekAccessToken() !== undefined);
  });

  it('warm keeps trying for as long as it takes, by the backoff schedule, and nobody hears of it', async () => {
    const sandbox = await startSandbox();
    sandbox.fail('token', { status: 503 }, Infinity);
    const { tokens, clock } = await startApplication({ sandbox, options: { startup: 'warm' } });
    await eventually(async () => {
      await clock.advance(100);
      return tokens.snapshot().every(({ refreshing }) => !refreshing);
    });
    await pass({ tokens, clock }, 600_000, 500);
    expect(sandbox.tokenRequests.length).toBeGreaterThanOrEqual(22);
    expect(sandbox.tokenRequests.length).toBeLessThanOrEqual(48);
    sandbox.clearFaults();
    await pass({ tokens, clock }, 31_000, 500);
    expect(tokens.peekAccessToken()).toBeDefined();
  });

  it('required starts with its token', async () => {
    const { sandbox, tokens } = await startApplication({ options: { startup: 'required' } });
    expect(sandbox.tokenRequests).toHaveLength(1);
    expect(tokens.peekAccessToken()).toBeDefined();
  });

  it('required refuses to start without, with the real cause, and leaves nothing running', async () => {
    const sandbox = await startSandbox();
    const clock = new ManualClock();
    sandbox.fail('token', { status: 401 });
    const app = await compile(sandbox, clock, { startup: 'required' });
    expect(await rejectionOf(app.init())).toMatchObject({ code: 'ASSET_CREDENTIALS_REJECTED' });

    expect(clock.timers).toEqual([]);
    await eventually(() => sandbox.connections === 0);
    await expect(app.get(AssetTokenService).getAccessToken()).rejects.toMatchObject({ code: 'ASSET_CLOSED' });
    await app.close();
  });

  it('the default token is kept fresh although it is not used', async () => {
    const { sandbox, tokens, clock } = await startApplication({
      options: { startup: 'required', maxTokens: 1 },
    });
    for (let i = 0; i < 5; i += 1)
      await tokens.getAccessToken({ scopes: [['ledger:read', 'report:read'][i % 2]!] });
    sandbox.clearRequests();
    await pass({ tokens, clock }, 24 * 3_600_000, 600_000);
    expect(tokens.snapshot()).toMatchObject([{ scopes: undefined, state: 'fresh', uses: 0 }]);
    expect(sandbox.tokenRequests.length).toBeGreaterThanOrEqual(30);
  });

  it('a default token that was given up is fetched again without anybody asking', async () => {
    const { sandbox, tokens, clock } = await startApplication({ options: { startup: 'required' } });
    tokens.invalidate(tokens.peekAccessToken()!);
    await pass({ tokens, clock }, 10);
    expect(sandbox.tokenRequests).toHaveLength(2);
    expect(tokens.peekAccessToken()).toBeDefined();
  });

  it('a default token that was fetched before the start is pinned all the same', async () => {
    const sandbox = await startSandbox();
    const clock = new ManualClock();
    const app = await compile(sandbox, clock, { startup: 'warm' });
    const tokens = app.get(AssetTokenService);
    // Tokens on demand work before any hook has run.
    const token = await tokens.getAccessToken();
    await app.init();
    expect(sandbox.tokenRequests).toHaveLength(1);
    await passToStale({ tokens, clock }, token);
    expect(sandbox.tokenRequests).toHaveLength(2);
  });
});

describe('T51 at the end', () => {
  it('closing twice is harmless, and a later caller gets ASSET_CLOSED', async () => {
    const { app, tokens, sandbox } = await startApplication();
    const token = await tokens.getAccessToken(SCOPES);
    await app.close();
    await app.close();
    tokens.onModuleDestroy();
    tokens.onApplicationShutdown();

    expect(await rejectionOf(tokens.getAccessToken(SCOPES))).toMatchObject({
      code: 'ASSET_CLOSED',
      retryable: false,
    });
    expect(await rejectionOf(tokens.replaceRejected(token))).toMatchObject({ code: 'ASSET_CLOSED' });
    expect(tokens.peekAccessToken(SCOPES)).toBeUndefined();
    expect(tokens.snapshot()).toEqual([]);
    tokens.invalidate(token);
    expect(sandbox.tokenRequests).toHaveLength(1);
  });

  it.each(['under way', 'queued'])(
    'a token request that is %s ends at once, and its callers are told',
    async (where) => {
      const { app, tokens, sandbox, clock } = await startApplication({
        options: { maxConcurrentTokenRequests: 1 },
      });
      sandbox.hold('token');
      const active = rejectionOf(tokens.getAccessToken(SCOPES));
      await sandbox.waitForRequest('token');
      const queued = rejectionOf(tokens.getAccessToken({ scopes: ['report:read'] }));
      await app.close();
      expect(await (where === 'queued' ? queued : active)).toMatchObject({ code: 'ASSET_CLOSED' });
      expect(clock.timers.filter(({ ref }) => ref)).toEqual([]);
      await eventually(() => sandbox.connections === 0);
      expect(sandbox.tokenRequests).toHaveLength(1);
    },
  );

  it('nobody goes on waiting for the reset of a rate limit, neither callers nor refreshes', async () => {
    const { app, tokens, sandbox, clock } = await startApplication();
    const first = await tokens.getAccessToken(SCOPES);
    await clock.advance(first.refreshAt.getTime() + 1 - clock.now());
    const reset = String(clock.now() / 1000 + 8);
    sandbox.fail('token', { headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset } });
    await tokens.getAccessToken({ scopes: ['report:read'] });
    tokens.peekAccessToken(SCOPES);
    tokens.onModuleDestroy();
    expect(clock.timers).toEqual([]);

    const waiting = rejectionOf(tokens.getAccessToken(SCOPES, { forceRefresh: true }));
    expect(clock.timers.some(({ ref }) => ref)).toBe(true);
    await app.close();
    expect(await waiting).toMatchObject({ code: 'ASSET_CLOSED' });
    expect(clock.timers).toEqual([]);
    expect(sandbox.tokenRequests).toHaveLength(2);
  });

  it('an answer that comes after the end is not kept', async () => {
    let giveSecret: (secret: string) => void = () => {};
    const { app, tokens, clock } = await startApplication({
      options: { clientSecret: () => new Promise<string>((resolve) => (giveSecret = resolve)) },
    });
    const call = rejectionOf(tokens.getAccessToken(SCOPES));
    const closed = app.close();
    giveSecret('secret');
    await closed;
    expect(await call).toMatchObject({ code: 'ASSET_CLOSED' });
    expect(tokens.snapshot()).toEqual([]);
    expect(clock.timers).toEqual([]);
  });

  it('background work stops with onModuleDestroy, while tokens on demand go on until the end', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const token = await tokens.getAccessToken(SCOPES);
    tokens.peekAccessToken(SCOPES);
    tokens.onModuleDestroy();
    expect(clock.timers).toEqual([]);

    await pass({ tokens, clock }, token.refreshAt.getTime() + 1 - clock.now());
    expect(tokens.peekAccessToken(SCOPES)).toBe(token);
    await pass({ tokens, clock }, 10_000);
    expect(sandbox.tokenRequests).toHaveLength(1);
    // What a draining request still needs.
    await pass({ tokens, clock }, token.expiresAt.getTime() - clock.now());
    await expect(tokens.getAccessToken(SCOPES)).resolves.not.toBe(token);
    expect(clock.timers).toEqual([]);
  });

  it('a refresh under way ends with onModuleDestroy, unless somebody waits for it', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const keys = [SCOPES, { scopes: ['report:read'] }];
    const held = await Promise.all(keys.map((key) => tokens.getAccessToken(key)));
    await pass({ tokens, clock }, 3_200_000);
    const hold = sandbox.hold('token');
    keys.forEach((key) => tokens.peekAccessToken(key));
    await sandbox.waitForRequest('token', { count: 4 });
    const waiting = tokens.getAccessToken(keys[1], { forceRefresh: true });

    tokens.onModuleDestroy();
    await eventually(() => hold.waiting === 1);
    hold.release();

    expect((await waiting).value).not.toBe(held[1]!.value);
    expect(tokens.peekAccessToken(keys[0])).toBe(held[0]);
    expect(tokens.snapshot()).toMatchObject([{ lastError: undefined }, { lastError: undefined }]);
  });

  it('a refresh that tried an endpoint in trouble gives way to a caller when it ends with onModuleDestroy', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const token = await tokens.getAccessToken(SCOPES);
    await passToStale({ tokens, clock }, token);
    sandbox.fail('token', { status: 429 });
    tokens.peekAccessToken(SCOPES);
    await sandbox.waitForRequest('token', { count: 2, until: 'answered' });
    await pass({ tokens, clock }, 1);
    const hold = sandbox.hold('token');
    await clock.advance(1000);
    await sandbox.waitForRequest('token', { count: 3 });

    tokens.onModuleDestroy();
    await eventually(() => hold.waiting === 0);
    hold.release();
    expect((await tokens.getAccessToken(SCOPES, { forceRefresh: true })).value).not.toBe(token.value);
  });

  it('a warm start that did not finish before the end is not worth a warning', async () => {
    const logger = recordingLogger();
    const sandbox = await startSandbox();
    sandbox.hold('token');
    const { app } = await startApplication({ sandbox, logger, options: { startup: 'warm' } });
    await sandbox.waitForRequest('token');
    await app.close();
    expect(logger.lines.filter(({ level }) => level === 'warn')).toEqual([]);
  });

  it('T50 nothing is left of a hundred applications that were opened and closed', async () => {
    const sandbox = await startSandbox();
    const cycle = async (): Promise<void> => {
      const { app, tokens }: RunningApplication = await startApplication({
        sandbox,
        options: { startup: 'warm' },
      });
      await tokens.getAccessToken(SCOPES);
      await app.close();
    };
    await cycle();
    await eventually(() => sandbox.connections === 0);
    const before = process.getActiveResourcesInfo().sort();

    for (let i = 0; i < 100; i += 1) await cycle();

    await eventually(() => sandbox.connections === 0);
    await eventually(() => process.getActiveResourcesInfo().length <= before.length);
  });
});
