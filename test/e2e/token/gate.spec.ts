import type { SandboxRequest } from 'nestjs-asset-auth/testing';
import { startApplication } from '../../support/application.js';
import { outcome, pass, refreshed, rejectionOf } from '../../support/token-time.js';

const key = (id: number | string): { resource: string } => ({ resource: `https://example.com/${id}` });

describe('token requests of many keys', () => {
  it('are under way eight at a time, or as many as the option says', async () => {
    for (const [options, most] of [[{}, 8] as const, [{ maxConcurrentTokenRequests: 3 }, 3] as const]) {
      const { tokens, sandbox } = await startApplication({ options });
      const hold = sandbox.hold('token');
      const calls = Array.from({ length: 30 }, (_, i) => tokens.getAccessToken(key(i)));
      for (let answered = 0; answered < 30; answered += 1) {
        await sandbox.waitForRequest('token', { count: Math.min(30, most + answered) });
        expect(hold.waiting).toBeLessThanOrEqual(most);
        hold.release(1);
        await sandbox.waitForRequest('token', { count: answered + 1, until: 'answered' });
      }
      await Promise.all(calls);
      hold.release();
    }
  });

  it('T07 leave one slot to those who wait, however many refreshes are due', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    for (let i = 0; i < 20; i += 1) await tokens.getAccessToken(key(i));
    sandbox.clearRequests();
    const hold = sandbox.hold('token');
    await clock.advance(3_200_000);
    for (let i = 0; i < 20; i += 1) tokens.peekAccessToken(key(i));
    await sandbox.waitForRequest('token', { count: 7 });

    const call = tokens.getAccessToken(key('new'));
    const request = await sandbox.waitForRequest('token', { count: 8 });
    expect(request.form.resource).toBe('https://example.com/new');
    hold.release();
    await call;
    // The rest follow at their pace.
    await pass({ tokens, clock }, 300);
    expect(sandbox.tokenRequests).toHaveLength(21);
  });

  it('that were turned away since the endpoint is in trouble are tried again by themselves', async () => {
    const { tokens, sandbox, clock } = await startApplication({ options: { maxConcurrentTokenRequests: 2 } });
    for (let i = 0; i < 3; i += 1) await tokens.getAccessToken(key(i));
    await clock.advance(3_200_000);
    sandbox.fail('token', { status: 429 });
    for (let i = 0; i < 3; i += 1) tokens.peekAccessToken(key(i));
    await sandbox.waitForRequest('token', { count: 4, until: 'answered' });
    await refreshed({ tokens, clock });
    expect(sandbox.tokenRequests).toHaveLength(4);

    // Nobody asks from here on.
    for (let i = 0; i < 30; i += 1) {
      await clock.advance(200);
      await refreshed({ tokens, clock });
    }
    expect(tokens.snapshot()).toMatchObject(Array(3).fill({ state: 'fresh', lastError: undefined }));
    expect(sandbox.tokenRequests).toHaveLength(7);
  });

  it('are sent for a queued refresh as soon as somebody waits for it', async () => {
    const { tokens, sandbox, clock } = await startApplication({ options: { maxConcurrentTokenRequests: 2 } });
    for (let i = 0; i < 5; i += 1) await tokens.getAccessToken(key(i));
    sandbox.clearRequests();
    const hold = sandbox.hold('token');
    await clock.advance(3_200_000);
    for (let i = 0; i < 5; i += 1) tokens.peekAccessToken(key(i));
    await sandbox.waitForRequest('token');

    const queued = tokens.snapshot().filter(({ refreshing }) => refreshing);
    expect(queued).toHaveLength(5);
    const wanted = key(4);
    const call = tokens.getAccessToken(wanted, { forceRefresh: true });
    const request = await sandbox.waitForRequest('token', { count: 2 });
    expect(request.form.resource).toBe(wanted.resource);
    hold.release();
    await call;
    await pass({ tokens, clock }, 300);
    expect(sandbox.tokenRequests).toHaveLength(5);
  });

  it('wait for a slot no longer than tokenTimeoutMs, and then have as much for themselves', async () => {
    const { tokens, sandbox, clock } = await startApplication({ options: { maxConcurrentTokenRequests: 1 } });
    const hold = sandbox.hold('token');
    const first = tokens.getAccessToken(key(1));
    await sandbox.waitForRequest('token');
    await clock.advance(1000);
    const second = tokens.getAccessToken(key(2));
    await clock.advance(8500);
    hold.release(1);
    await first;
    await sandbox.waitForRequest('token', { count: 2 });
    await clock.advance(9500);
    hold.release();
    await expect(second).resolves.toBeDefined();
  });

  it('that found no slot say so, blame nobody, and are not held against the key', async () => {
    const { tokens, sandbox, clock } = await startApplication({ options: { maxConcurrentTokenRequests: 1 } });
    const hold = sandbox.hold('token');
    const first = rejectionOf(tokens.getAccessToken(key(1)));
    await sandbox.waitForRequest('token');
    const queued = rejectionOf(tokens.getAccessToken(key(2)));
    await clock.advance(10_000);

    await first;
    const error = await queued;
    expect(error).toMatchObject({ code: 'ASSET_TOKEN_UNAVAILABLE', retryable: true });
    expect(String(error)).toContain('slots');
    expect(sandbox.tokenRequests).toHaveLength(1);
    hold.release();
    await expect(tokens.getAccessToken(key(2))).resolves.toBeDefined();
  });
});

describe('token requests under a rate limit that counts them', () => {
  it('are as many at once as remain, and wait for its reset', async () => {
    const { tokens, sandbox, clock } = await startApplication({
      sandboxOptions: { rateLimits: { tenantPerMinute: 4, tokenRequestsCount: true } },
    });
    await tokens.getAccessToken(key('first'));
    await clock.advance(55_000);
    const hold = sandbox.hold('token');
    const calls = Array.from({ length: 6 }, (_, i) => tokens.getAccessToken(key(i)));
    await sandbox.waitForRequest('token', { count: 4 });
    hold.release();
    await sandbox.waitForRequest('token', { count: 4, until: 'answered' });
    await clock.advance(4000);
    expect(sandbox.tokenRequests).toHaveLength(4);

    await clock.advance(2000);
    await Promise.all(calls);
    expect(sandbox.tokenRequests.map(({ status }) => status)).toEqual(Array(7).fill(200));
  });

  it('do not go by an answer that comes late: it tells how much there was before those that were sent after it', async () => {
    const { tokens, sandbox, clock } = await startApplication({
      sandboxOptions: { rateLimits: { tenantPerMinute: 10, tokenRequestsCount: true } },
    });
    await tokens.getAccessToken(key('first'));
    await clock.advance(55_000);
    const isLate = (request: SandboxRequest): boolean =>
      request.kind === 'token' && request.form.resource === key('late').resource;
    const hold = sandbox.hold('token', isLate);
    const late = tokens.getAccessToken(key('late'));
    await sandbox.waitForRequest(isLate);
    await clock.advance(1);
    for (let i = 0; i < 7; i += 1) await tokens.getAccessToken(key(i));
    const calls = Array.from({ length: 5 }, (_, i) => outcome(tokens.getAccessToken(key(`more-${i}`))));
    hold.release();
    await late;
    await clock.advance(4000);
    expect(sandbox.tokenRequests).toHaveLength(10);
    await clock.advance(2000);
    await Promise.all(calls);
    expect(sandbox.tokenRequests.map(({ status }) => status)).toEqual(Array(14).fill(200));
  });

  it('go out one at a time for callers that cannot wait until its reset', async () => {
    const { tokens, sandbox } = await startApplication();
    const reset = {
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': String(Date.UTC(2026, 0, 1) / 1000 + 45),
    };
    sandbox.fail('token', { headers: reset }, Infinity);
    await tokens.getAccessToken(key('first'));
    const hold = sandbox.hold('token');
    const calls = Array.from({ length: 4 }, (_, i) => tokens.getAccessToken(key(i)));
    for (let i = 0; i < 4; i += 1) {
      await sandbox.waitForRequest('token', { count: i + 2 });
      expect(hold.waiting).toBe(1);
      hold.release(1);
    }
    await Promise.all(calls);
    hold.release();
  });

  it('that wait for its reset fail at once when the endpoint turns out to be in trouble, with the real cause', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    for (let i = 0; i < 3; i += 1) await tokens.getAccessToken(key(i));
    await clock.advance(3_700_000);
    sandbox.clearRequests();
    const reset = String(clock.now() / 1000 + 8);
    sandbox.fail('token', { headers: { 'x-ratelimit-remaining': '1', 'x-ratelimit-reset': reset } });
    await tokens.getAccessToken(key('first'));
    const hold = sandbox.hold('token');
    sandbox.fail('token', {
      status: 429,
      headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset },
    });
    const calls = Array.from({ length: 3 }, (_, i) => rejectionOf(tokens.getAccessToken(key(i))));
    await sandbox.waitForRequest('token', { count: 2 });
    hold.release();
    for (const error of await Promise.all(calls))
      expect(error).toMatchObject({ code: 'ASSET_TOKEN_THROTTLED' });
    expect(sandbox.tokenRequests).toHaveLength(2);
  });

  it('that wait for its reset in the background give up their place when the endpoint is in trouble', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    for (let i = 0; i < 6; i += 1) await tokens.getAccessToken(key(i));
    await clock.advance(3_200_000);
    const reset = String(clock.now() / 1000 + 50);
    sandbox.fail('token', { headers: { 'x-ratelimit-remaining': '5', 'x-ratelimit-reset': reset } });
    await tokens.getAccessToken(key('another'));
    sandbox.fail(
      'token',
      { status: 500, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset } },
      5,
    );
    for (let i = 0; i < 6; i += 1) tokens.peekAccessToken(key(i));
    await refreshed({ tokens, clock });
    expect(sandbox.tokenRequests).toHaveLength(12);
  });

  it('are not slowed down by what API answers say', async () => {
    const { tokens, asset, sandbox } = await startApplication();
    sandbox.fail('api', {
      headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(Date.UTC(2026, 0, 1) / 1000 + 5) },
    });
    await asset.axiosRef.get('/v0/business');
    await Promise.all(Array.from({ length: 4 }, (_, i) => tokens.getAccessToken(key(i))));
    expect(sandbox.tokenRequests).toHaveLength(5);
  });
});

describe('the memory of tokens', () => {
  it('T20 T71 is bounded by maxTokens, and the key in use survives a stampede of ten times as many others', async () => {
    const { tokens, sandbox, clock } = await startApplication({ options: { maxTokens: 20 } });
    const scopes = 'ledger:read';
    const hot = await tokens.getAccessToken({ scopes });
    for (let i = 0; i < 200; i += 1) {
      await tokens.getAccessToken({ scopes, businessId: sandbox.addBusiness().id });
      expect(tokens.peekAccessToken({ scopes })).toBe(hot);
    }
    expect(tokens.snapshot()).toHaveLength(20);
    expect(clock.timers.length).toBeLessThanOrEqual(20);
    expect(sandbox.tokenRequests).toHaveLength(201);
  });
});
