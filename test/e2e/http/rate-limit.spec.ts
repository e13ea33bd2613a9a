import axiosRetry, { isNetworkOrIdempotentRequestError } from 'axios-retry';
import { isAssetAuthError } from 'nestjs-asset-auth';
import { Agent } from 'node:http';
import { Readable } from 'node:stream';
import { firstValueFrom } from 'rxjs';
import { startApplication } from '../../support/application.js';
import { afterThisTest } from '../../support/cleanup.js';
import { failureOf } from '../../support/failure-of.js';

describe('a 429', () => {
  it('is sent again after the wait that the server orders', async () => {
    const { asset, sandbox, clock } = await startApplication();
    sandbox.fail('api', { status: 429, retryAfter: 2 });
    const call = firstValueFrom(asset.get('/v0/business'));
    await sandbox.waitForRequest('api', { until: 'answered' });
    await untilSet(clock);
    await clock.advance(1999);
    expect(sandbox.apiRequests).toHaveLength(1);
    await clock.advance(1);
    expect((await call).status).toBe(200);
    expect(sandbox.apiRequests).toHaveLength(2);
    expect(sandbox.tokenRequests).toHaveLength(1);
  });

  it('T30 is sent again with the next token, if the one before expired in the pause', async () => {
    const { asset, sandbox, clock, tokens } = await startApplication({ options: { http: { timeout: 0 } } });
    await firstValueFrom(asset.get('/v0/echo'));
    const { expiresAt } = tokens.snapshot()[0]!;
    await clock.advance(expiresAt!.getTime() - 500 - clock.now());
    const hold = sandbox.hold('token');
    sandbox.fail('api', { status: 429, retryAfter: 1 });
    const call = firstValueFrom(asset.get('/v0/echo'));
    await sandbox.waitForRequest('api', { count: 2, until: 'answered' });
    await untilSet(clock);
    await clock.advance(1000);
    hold.release();
    expect((await call).status).toBe(200);
    expect(sandbox.apiRequests.map(({ status }) => status)).toEqual([200, 429, 200]);
    expect(sandbox.tokenRequests).toHaveLength(2);
  });

  it('is sent again at most twice', async () => {
    const { asset, sandbox, clock } = await startApplication();
    sandbox.fail('api', { status: 429, retryAfter: 1 }, Infinity);
    const call = failureOf(asset.get('/v0/business'));
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      await sandbox.waitForRequest('api', { count: attempt, until: 'answered' });
      await untilSet(clock);
      await clock.advance(1000);
    }
    const error = await call;
    expect(error).toMatchObject({
      code: 'ASSET_RATE_LIMITED',
      isAxiosError: true,
      status: 429,
      retryable: true,
      retryAfterMs: 1000,
    });
    expect(isAssetAuthError(error, 'ASSET_RATE_LIMITED')).toBe(true);
    expect(sandbox.apiRequests).toHaveLength(3);
  });

  it('waits with growing pauses where the server orders none', async () => {
    const { asset, sandbox, clock } = await startApplication();
    sandbox.fail('api', { status: 429 }, 2);
    const call = firstValueFrom(asset.get('/v0/business'));
    await sandbox.waitForRequest('api', { until: 'answered' });
    await untilSet(clock);
    await clock.advance(1000);
    await sandbox.waitForRequest('api', { count: 2, until: 'answered' });
    await untilSet(clock);
    await clock.advance(2000);
    expect((await call).status).toBe(200);
  });

  it.each<[string, object, number | undefined]>([
    ['in seconds', { retryAfter: 3 }, 3000],
    ['as a date', { retryAfter: 'Thu, 01 Jan 2026 00:00:30 GMT' }, 30_000],
    ['T101 in ten days, of which an hour is told', { retryAfter: 864_000 }, 3_600_000],
    ['T101 as a moment', { retryAfter: Date.UTC(2026, 0, 1) / 1000 + 7 }, 7000],
    [
      'T101 as x-ratelimit-reset in milliseconds',
      { headers: { 'x-ratelimit-reset': String(Date.UTC(2026, 0, 1) + 45_500) } },
      45_500,
    ],
    ['T101 as a moment far away', { retryAfter: 1_794_113_155 }, 3_600_000],
    [
      'as x-ratelimit-reset',
      { headers: { 'x-ratelimit-reset': String(Date.UTC(2026, 0, 1) / 1000 + 45.5) } },
      45_500,
    ],
  ])(
    'surfaces at once where the wait is too long to sit through, with the time to retry at: %s',
    async (_what, fault, retryAfterMs) => {
      const { asset, sandbox } = await startApplication();
      sandbox.fail('api', { status: 429, ...fault });
      const error = await failureOf(asset.get('/v0/business?secret=1'));
      expect(error).toMatchObject({ code: 'ASSET_RATE_LIMITED', retryAfterMs });
      expect(error.message).toContain(
        `GET /v0/business: too many requests. Make the call again in ${retryAfterMs} ms`,
      );
      expect(sandbox.apiRequests).toHaveLength(1);
    },
  );

  it('surfaces at once where the wait would outlast the timeout of the request', async () => {
    const { asset, sandbox } = await startApplication();
    sandbox.fail('api', { status: 429, retryAfter: 2 }, 2);
    expect(await failureOf(asset.get('/v0/business', { timeout: 2000 }))).toMatchObject({
      code: 'ASSET_RATE_LIMITED',
      retryAfterMs: 2000,
    });
    expect(sandbox.apiRequests).toHaveLength(1);
  });

  it('of a body that cannot be sent again surfaces at once', async () => {
    const { asset, sandbox } = await startApplication();
    sandbox.fail('api', { status: 429, retryAfter: 1 });
    expect(await failureOf(asset.post('/v0/echo', Readable.from(['x'])))).toMatchObject({
      code: 'ASSET_RATE_LIMITED',
      retryAfterMs: 1000,
    });
    expect(sandbox.apiRequests).toHaveLength(1);
  });

  it('that was to be streamed frees the only socket for the next attempt', async () => {
    const httpAgent = new Agent({ keepAlive: true, maxSockets: 1 });
    afterThisTest(() => {
      httpAgent.destroy();
    });
    const { asset, sandbox, clock } = await startApplication({ options: { http: { httpAgent } } });
    sandbox.fail('api', { status: 429, retryAfter: 1, body: 'x'.repeat(4_000_000) });
    const call = firstValueFrom(asset.get<Readable>('/v0/business', { responseType: 'stream' }));
    await sandbox.waitForRequest('api');
    await untilSet(clock);
    await clock.advance(1000);
    const { data, status } = await call;
    data.destroy();
    expect(status).toBe(200);
  });

  it('that is left before the wait is over is not sent again', async () => {
    const { asset, sandbox, clock } = await startApplication();
    sandbox.fail('api', { status: 429, retryAfter: 1 });
    const subscription = asset.get('/v0/business').subscribe({ error: () => undefined });
    await sandbox.waitForRequest('api', { until: 'answered' });
    await untilSet(clock);
    subscription.unsubscribe();
    await clock.advance(10_000);
    expect(clock.timers.filter(({ ref }) => ref)).toHaveLength(0);
    expect(sandbox.apiRequests).toHaveLength(1);
  });

  it('is an answer where the caller takes it for one, after it was sent again', async () => {
    const { asset, sandbox } = await startApplication();
    sandbox.fail('api', { status: 429, retryAfter: 60 });
    expect(await firstValueFrom(asset.get('/v0/business', { validateStatus: null }))).toMatchObject({
      status: 429,
    });
  });

  it('T40 Retry-After on a 200 is ignored', async () => {
    const { asset, sandbox, clock } = await startApplication();
    sandbox.fail('api', { retryAfter: 1 });
    await firstValueFrom(asset.get('/v0/business'));
    await clock.advance(10_000);
    expect(sandbox.apiRequests).toHaveLength(1);
  });

  it('of the limits of Asset is one as well', async () => {
    const { asset } = await startApplication({
      sandboxOptions: { rateLimits: { tenantPerMinute: 2 } },
    });
    await firstValueFrom(asset.get('/v0/business'));
    await firstValueFrom(asset.get('/v0/business'));
    const error = await failureOf(asset.get('/v0/business'));
    expect(error).toMatchObject({ code: 'ASSET_RATE_LIMITED', retryAfterMs: 60_000 });
  });
});

describe('T61 axios-retry on axiosRef', () => {
  it('repeats what it is told to, each time with a good token', async () => {
    const { asset, sandbox } = await startApplication();
    axiosRetry(asset.axiosRef, { retries: 3, retryDelay: () => 0 });
    sandbox.fail('api', { status: 503 });
    sandbox.fail('api', { status: 401 });
    sandbox.fail('api', { status: 502 });
    sandbox.fail('api', { reset: true });
    const { data, config } = await firstValueFrom(asset.withScope('ledger:read').get<object>('/v0/business'));
    expect(data).toHaveProperty('data');
    // The connection that was reset had been kept, so that was no failure.
    expect(config).toMatchObject({ 'axios-retry': { retryCount: 2 } });
    expect(sandbox.apiRequests).toHaveLength(5);
    expect(sandbox.apiRequests.every(({ claims }) => claims?.scopes.join() === 'ledger:read')).toBe(true);
    expect(sandbox.tokenRequests).toHaveLength(2);
  });

  it('sends a body again byte for byte', async () => {
    const { asset, sandbox } = await startApplication();
    axiosRetry(asset.axiosRef, { retries: 1, retryDelay: () => 0, retryCondition: () => true });
    sandbox.fail('api', { status: 503 });
    await firstValueFrom(asset.post('/v0/echo', { a: ['ü'] }));
    const [first, second] = sandbox.apiRequests;
    expect(second?.body.toString()).toBe(first?.body.toString());
    expect(second?.headers['content-type']).toBe(first?.headers['content-type']);
  });

  it('sees a 429 as the error that it knows', async () => {
    const { asset, sandbox } = await startApplication();
    axiosRetry(asset.axiosRef, {
      retries: 1,
      retryDelay: () => 0,
      retryCondition: (error) => isNetworkOrIdempotentRequestError(error),
    });
    sandbox.fail('api', { status: 429, retryAfter: 60 });
    expect((await firstValueFrom(asset.get('/v0/business'))).status).toBe(200);
    expect(sandbox.apiRequests).toHaveLength(2);
  });

  it('does not repeat what was refused', async () => {
    const { asset, sandbox } = await startApplication();
    axiosRetry(asset.axiosRef, { retries: 3, retryDelay: () => 0, retryCondition: () => true });
    expect(await failureOf(asset.get('http://evil.example/'))).toMatchObject({
      code: 'ASSET_REQUEST_NOT_ALLOWED',
    });
    expect(sandbox.requests).toHaveLength(0);
  });

  it('does not repeat a call whose subscriber left', async () => {
    const { asset, sandbox } = await startApplication();
    let retry: () => void = () => undefined;
    const delayed = new Promise<void>((resolve) => {
      axiosRetry(asset.axiosRef, {
        retries: 3,
        retryDelay: () => 0,
        onRetry: () =>
          new Promise<void>((go) => {
            retry = go;
            resolve();
          }),
      });
    });
    sandbox.fail('api', { status: 503 });
    const subscription = asset.get('/v0/business').subscribe({ error: () => undefined });
    await delayed;
    subscription.unsubscribe();
    retry();
    await firstValueFrom(asset.get('/v0/echo'));
    expect(sandbox.apiRequests.map(({ path }) => path)).toEqual(['/v0/business', '/v0/echo']);
  });
});

/** The answer is there; until the pause is set, a few turns of the event loop pass. */
async function untilSet(clock: { readonly timers: readonly { ref: boolean }[] }): Promise<void> {
  for (let turn = 0; turn < 1000 && !clock.timers.some(({ ref }) => ref); turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(clock.timers.some(({ ref }) => ref)).toBe(true);
}
