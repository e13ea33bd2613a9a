import axios from 'axios';
import type { AssetAuthOptions, AssetHttpService } from 'nestjs-asset-auth';
import { getEventListeners, once } from 'node:events';
import { Agent } from 'node:http';
import type { Readable } from 'node:stream';
import {
  defer,
  firstValueFrom,
  repeat,
  retry,
  take,
  timeout as timeoutOperator,
  toArray,
  type Subscription,
} from 'rxjs';
import { type RunningApplication, startApplication } from '../../support/application.js';
import { afterThisTest } from '../../support/cleanup.js';
import { eventually } from '../../support/eventually.js';
import { failureOf } from '../../support/failure-of.js';
import { withApi } from './api.fixture.js';

/** An application whose next token request is held back, until `release`. */
async function startHeld(
  options: Partial<AssetAuthOptions> = {},
): Promise<RunningApplication & { release: () => void }> {
  const application = await startApplication({ options });
  const hold = application.sandbox.hold('token');
  return {
    ...application,
    release: () => {
      hold.release();
    },
  };
}

describe('T47 a caller that leaves during the token wait leaves at once and alone', () => {
  it.each<[string, (http: AssetHttpService) => { call: Promise<unknown>; leave: () => void }]>([
    [
      'signal',
      (http) => {
        const controller = new AbortController();
        const call = failureOf(http.get('/v0/business?leaver', { signal: controller.signal }));
        return {
          call,
          leave: () => {
            controller.abort();
          },
        };
      },
    ],
    [
      'signal, with a streamed answer',
      (http) => {
        const controller = new AbortController();
        const config = { signal: controller.signal, responseType: 'stream' } as const;
        const call = failureOf(http.get('/v0/business?leaver', config));
        return {
          call,
          leave: () => {
            controller.abort();
          },
        };
      },
    ],
    [
      'cancelToken',
      (http) => {
        const source = axios.CancelToken.source();
        const call = failureOf(http.get('/v0/business?leaver', { cancelToken: source.token }));
        return {
          call,
          leave: () => {
            source.cancel();
          },
        };
      },
    ],
    [
      'signal on axiosRef',
      (http) => {
        const controller = new AbortController();
        const call = failureOf(http.axiosRef.get('/v0/business?leaver', { signal: controller.signal }));
        return {
          call,
          leave: () => {
            controller.abort();
          },
        };
      },
    ],
  ])('by %s', async (_what, start) => {
    const { asset, sandbox, release } = await startHeld();
    const { call, leave } = start(asset);
    const stayer = firstValueFrom(asset.get('/v0/business?stayer'));
    await sandbox.waitForRequest('token');
    leave();
    expect(await call).toMatchObject({ code: 'ERR_CANCELED', isAxiosError: true });
    release();
    await stayer;
    expect(sandbox.apiRequests.map(({ path }) => path)).toEqual(['/v0/business?stayer']);
    expect(sandbox.tokenRequests).toHaveLength(1);
  });

  it('before it began, too', async () => {
    const { asset, sandbox } = await startApplication();
    const source = axios.CancelToken.source();
    source.cancel('early');
    expect(await failureOf(asset.get('/v0/business', { signal: AbortSignal.abort() }))).toMatchObject({
      code: 'ERR_CANCELED',
    });
    expect(await failureOf(asset.get('/v0/business', { cancelToken: source.token }))).toMatchObject({
      code: 'ERR_CANCELED',
    });
    expect(sandbox.apiRequests).toHaveLength(0);
  });

  it.each<[string, object]>([
    ['as usual', {}],
    ['with a streamed answer', { responseType: 'stream' }],
    ["with the caller's own cancelToken", { cancelToken: axios.CancelToken.source().token }],
    ["with the caller's own signal", { signal: new AbortController().signal }],
    ['with all of it', { responseType: 'stream', cancelToken: axios.CancelToken.source().token }],
  ])('by unsubscribing: nothing is sent, %s', async (_what, config) => {
    const { asset, sandbox, release } = await startHeld();
    const outcome: unknown[] = [];
    const subscription = asset
      .get('/v0/business?leaver', config)
      .subscribe({ next: (value) => outcome.push(value), error: (error) => outcome.push(error) });
    await sandbox.waitForRequest('token');
    subscription.unsubscribe();
    release();
    await firstValueFrom(asset.get('/v0/business?stayer'));
    expect(sandbox.apiRequests.map(({ path }) => path)).toEqual(['/v0/business?stayer']);
    expect(outcome).toEqual([]);
  });

  it.each<[string, object]>([
    ['as usual', {}],
    ['with a streamed answer', { responseType: 'stream' }],
    ["with the caller's own signal", { signal: new AbortController().signal }],
    ["with the caller's own cancelToken", { cancelToken: axios.CancelToken.source().token }],
  ])('T105 by unsubscribing at once although a token is at hand, %s', async (_what, config) => {
    const { asset, sandbox } = await startApplication();
    await firstValueFrom(asset.get('/v0/echo'));
    asset.get('/v0/business?leaver', config).subscribe().unsubscribe();
    await firstValueFrom(asset.get('/v0/echo'));
    await firstValueFrom(asset.get('/v0/echo'));
    expect(sandbox.apiRequests.map(({ path }) => path)).toEqual(Array(3).fill('/v0/echo'));
  });

  it("not with the caller's own cancelToken, which alone ends a request that is under way, as in HttpService", async () => {
    const { asset, sandbox } = await startApplication();
    await firstValueFrom(asset.get('/v0/echo'));
    sandbox.fail('api', { hang: true });
    const source = axios.CancelToken.source();
    const subscription = asset.get('/v0/business', { cancelToken: source.token }).subscribe();
    await sandbox.waitForRequest(({ path }) => path === '/v0/business');
    const { connections } = sandbox;
    subscription.unsubscribe();
    await firstValueFrom(asset.get('/v0/echo'));
    expect(sandbox.connections).toBe(connections + 1);
    source.cancel();
    await eventually(() => sandbox.connections === connections);
  });

  it("but then it is not sent again: a request with the caller's own cancelToken that is answered 401", async () => {
    const { asset, sandbox } = await startApplication();
    await firstValueFrom(asset.get('/v0/echo'));
    sandbox.rejectTokens(1);
    const hold = sandbox.hold('api');
    const cancelToken = axios.CancelToken.source().token;
    const subscription = asset.get('/v0/business?leaver', { cancelToken }).subscribe();
    await sandbox.waitForRequest(({ path }) => path === '/v0/business?leaver');
    subscription.unsubscribe();
    hold.release();
    await sandbox.waitForRequest(({ path }) => path === '/v0/business?leaver', { until: 'answered' });
    await firstValueFrom(asset.get('/v0/echo'));
    await firstValueFrom(asset.get('/v0/echo'));
    expect(sandbox.apiRequests.filter(({ path }) => path === '/v0/business?leaver')).toHaveLength(1);
  });

  it("by unsubscribing in the moment in which the token arrives: nothing is sent, with the caller's own cancelToken", async () => {
    const { asset, sandbox, tokens, release } = await startHeld();
    const cancelToken = axios.CancelToken.source().token;
    const subscriptions: Subscription[] = [];
    // Waits on the same pending request, and hears of the token first.
    void tokens.getAccessToken().then(() => {
      for (const subscription of subscriptions) subscription.unsubscribe();
    });
    subscriptions.push(asset.get('/v0/business?leaver', { cancelToken }).subscribe());
    await sandbox.waitForRequest('token');
    release();
    await firstValueFrom(asset.get('/v0/echo'));
    await firstValueFrom(asset.get('/v0/echo'));
    expect(sandbox.apiRequests.map(({ path }) => path)).toEqual(['/v0/echo', '/v0/echo']);
  });

  it('and interceptors are told by config.cancelToken, as in HttpService', async () => {
    const { asset, sandbox } = await startApplication();
    const told: unknown[] = [];
    asset.axiosRef.interceptors.request.use((config) => {
      config.cancelToken?.promise.then(
        (reason) => told.push(reason),
        () => {},
      );
      return config;
    });
    const hold = sandbox.hold('api');
    const subscription = asset.get('/v0/business').subscribe();
    await sandbox.waitForRequest('api');
    expect(told).toEqual([]);
    subscription.unsubscribe();
    await eventually(() => told.length > 0);
    expect(told).toMatchObject([{ code: 'ERR_CANCELED' }]);
    hold.release();
  });

  it('also where the config of an earlier call is sent again', async () => {
    const { asset, sandbox } = await startApplication();
    const { config } = await firstValueFrom(asset.get('/v0/echo'));
    sandbox.fail('api', { hang: true });
    const subscription = asset.request({ ...config, url: '/v0/business' }).subscribe();
    await sandbox.waitForRequest(({ path }) => path === '/v0/business');
    const before = sandbox.connections;
    subscription.unsubscribe();
    await eventually(() => sandbox.connections < before);
  });

  it('by the operator timeout of RxJS', async () => {
    const { asset, sandbox, release } = await startHeld();
    const error = await failureOf(asset.get('/v0/business').pipe(timeoutOperator(1)));
    expect(error.name).toBe('TimeoutError');
    release();
    await firstValueFrom(asset.get('/v0/echo'));
    expect(sandbox.apiRequests.map(({ path }) => path)).toEqual(['/v0/echo']);
  });

  it('and leaves no listener behind on what it could have left by', async () => {
    const { asset, sandbox, clock } = await startApplication();
    const { signal } = new AbortController();
    const source = axios.CancelToken.source();
    for (let i = 0; i < 3; i += 1) {
      await firstValueFrom(asset.withScope(`scope:${i}`).get('/v0/echo', { signal, timeout: 5000 })).catch(
        () => undefined,
      );
      await firstValueFrom(asset.get('/v0/echo', { cancelToken: source.token, timeout: 5000 }));
    }
    expect(sandbox.tokenRequests.length).toBeGreaterThan(1);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    expect((source.token as unknown as { _listeners?: unknown[] })._listeners ?? []).toHaveLength(0);
    expect(clock.timers.filter(({ ref }) => ref)).toHaveLength(0);
  });

  it('by unsubscribing once the request is under way: it is ended', async () => {
    const { asset, sandbox } = await startApplication();
    for (const config of [{}, { responseType: 'stream' as const }]) {
      await firstValueFrom(asset.get('/v0/echo'));
      sandbox.clearRequests();
      sandbox.fail('api', { hang: true });
      const subscription = asset.get('/v0/business', config).subscribe();
      await sandbox.waitForRequest('api');
      subscription.unsubscribe();
      await eventually(() => sandbox.connections <= 1);
    }
  });
});

/** A signal with its listener takes a fifth of a call's CPU on Node 20. */
describe('the signal of a call', () => {
  it('is made only where there is something to wait for', async () => {
    const made: unknown[] = [];
    const given = globalThis.AbortController;
    globalThis.AbortController = class extends given {
      constructor() {
        super();
        made.push(this);
      }
    };
    afterThisTest(() => {
      globalThis.AbortController = given;
    });
    const { asset } = await withApi((_request, response) => response.end('{}'));
    await firstValueFrom(asset.get('/v0/business'));
    const whenCold = made.length;
    await firstValueFrom(asset.get('/v0/business'));
    await firstValueFrom(asset.post('/v0/business', { a: 1 }));
    expect([whenCold > 0, made.length - whenCold]).toEqual([true, 0]);
  });
});

describe('a streamed answer that nobody waits for', () => {
  it('is given up, although the cancelToken of the caller still holds the request', async () => {
    const { asset, sandbox } = await startApplication();
    await firstValueFrom(asset.get('/v0/echo'));
    sandbox.clearRequests();
    sandbox.fail('api', { endless: true });
    const hold = sandbox.hold('api');
    const cancelToken = axios.CancelToken.source().token;
    const subscription = asset.get('/v0/business', { responseType: 'stream', cancelToken }).subscribe();
    await sandbox.waitForRequest('api');
    subscription.unsubscribe();
    hold.release();
    await eventually(() => sandbox.connections === 0);
  });
});

describe('an answer that comes when its subscriber has left', () => {
  it('is given up, also while interceptors of the application have it', async () => {
    const { asset, sandbox } = await startApplication();
    sandbox.fail('api', { endless: true });
    let release = (): void => {};
    const arrived = new Promise<void>((resolve) => {
      asset.axiosRef.interceptors.response.use(async (response) => {
        resolve();
        await new Promise<void>((go) => (release = go));
        return response;
      });
    });
    const cancelToken = axios.CancelToken.source().token;
    const subscription = asset.get('/v0/echo', { responseType: 'stream', cancelToken }).subscribe();
    await arrived;
    subscription.unsubscribe();
    release();
    await eventually(() => sandbox.connections === 0);
  });
});

describe('the option timeout', () => {
  it('is over also while the request queues for a connection, which axios itself does not count', async () => {
    const httpAgent = new Agent({ maxSockets: 1 });
    afterThisTest(() => {
      httpAgent.destroy();
    });
    const { asset, sandbox, clock } = await startApplication({ options: { http: { httpAgent } } });
    await firstValueFrom(asset.get('/v0/echo'));
    sandbox.fail('api', { hang: true });
    const busy = asset.get('/v0/echo?busy', { timeout: 0 }).subscribe();
    await sandbox.waitForRequest('api', { count: 2 });
    const queued = failureOf(asset.get('/v0/echo?queued', { timeout: 200_000 }));
    await eventually(() => clock.timers.some(({ dueInMs, ref }) => ref && dueInMs === 200_000));
    await clock.advance(200_000);
    expect(await queued).toMatchObject({
      code: 'ECONNABORTED',
      message: 'timeout of 200000ms exceeded',
      config: { url: '/v0/echo?queued' },
    });
    busy.unsubscribe();
    expect(sandbox.apiRequests).toHaveLength(2);
  });

  it('is over also while an answer trickles in, and ends the connection', async () => {
    const { asset, sandbox, clock } = await startApplication();
    await firstValueFrom(asset.get('/v0/echo'));
    sandbox.fail('api', { endless: true });
    const call = failureOf(asset.get('/v0/echo', { timeout: 200_000 }));
    await sandbox.waitForRequest('api', { count: 2 });
    await clock.advance(200_000);
    expect(await call).toMatchObject({ code: 'ECONNABORTED' });
    await eventually(() => sandbox.connections <= 1);
    expect(clock.timers.filter(({ ref }) => ref)).toEqual([]);
  });

  it('T106 does not end an answer that is streamed; the signal of the caller still does', async () => {
    const { asset, sandbox, clock } = await startApplication();
    sandbox.fail('api', { endless: true });
    const controller = new AbortController();
    const { data } = await firstValueFrom(
      asset.get<Readable>('/v0/echo', {
        responseType: 'stream',
        timeout: 200_000,
        signal: controller.signal,
      }),
    );
    await clock.advance(300_000);
    expect(data.destroyed).toBe(false);
    const torn = once(data, 'error');
    data.resume();
    controller.abort();
    expect(await torn).toMatchObject([{ code: 'ERR_CANCELED' }]);
  });

  it('leaves nothing behind on the signal of the caller', async () => {
    const { asset, sandbox } = await startApplication();
    const { signal } = new AbortController();
    for (let i = 0; i < 20; i += 1) {
      if (i % 2 === 0) sandbox.fail('api', { status: 500 });
      await firstValueFrom(asset.get('/v0/echo', { timeout: 5000, signal })).catch(() => {});
    }
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('leaves nothing behind where an adapter answers nothing', async () => {
    const { asset, clock } = await startApplication();
    const { signal } = new AbortController();
    const adapter = (): Promise<never> => Promise.resolve(undefined as never);
    await failureOf(asset.get('/v0/echo', { timeout: 5000, signal, adapter }));
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(clock.timers.filter(({ ref }) => ref)).toEqual([]);
  });

  it('bounds the token wait, with the error of axios', async () => {
    const { asset, sandbox, clock } = await startHeld();
    const call = failureOf(asset.get('/v0/business', { timeout: 3000 }));
    await sandbox.waitForRequest('token');
    await clock.advance(3000);
    expect(await call).toMatchObject({
      name: 'AxiosError',
      code: 'ECONNABORTED',
      message: 'timeout of 3000ms exceeded while waiting for an access token',
      config: { url: '/v0/business' },
    });
    expect(sandbox.apiRequests).toHaveLength(0);
  });

  it.each<[string, object, object]>([
    ['clarifyTimeoutError', { transitional: { clarifyTimeoutError: true } }, { code: 'ETIMEDOUT' }],
    ['timeoutErrorMessage', { timeoutErrorMessage: 'too slow' }, { message: 'too slow' }],
    [
      'a number as text',
      { timeout: '3000' },
      { message: 'timeout of 3000ms exceeded while waiting for an access token' },
    ],
  ])('is worded as the caller likes: %s', async (_what, config, expected) => {
    const { asset, sandbox, clock } = await startHeld();
    const call = failureOf(asset.get('/v0/business', { timeout: 3000, ...config }));
    await sandbox.waitForRequest('token');
    await clock.advance(3000);
    expect(await call).toMatchObject(expected);
  });

  it('bounds token wait and request together', async () => {
    const { asset, sandbox, clock, release } = await startHeld({ tokenTimeoutMs: 60_000 });
    sandbox.fail('api', { hang: true });
    const call = failureOf(asset.get('/v0/business', { timeout: 20_000 }));
    await sandbox.waitForRequest('token');
    await clock.advance(19_950);
    release();
    await sandbox.waitForRequest('api');
    await clock.advance(50);
    expect(await call).toMatchObject({ code: 'ECONNABORTED', message: 'timeout of 20000ms exceeded' });
    expect(sandbox.apiRequests).toHaveLength(1);
  });

  it('bounds all attempts together: what is left is for the next one', async () => {
    const { asset, sandbox, clock } = await startApplication({ options: { tokenTimeoutMs: 60_000 } });
    await firstValueFrom(asset.get('/v0/business'));
    sandbox.revokeTokens();
    const hold = sandbox.hold('token');
    sandbox.fail(
      'api',
      { hang: true },
      { when: ({ path }) => path.endsWith('?slow') && sandbox.tokenRequests.length > 1 },
    );
    const call = failureOf(asset.get('/v0/business?slow', { timeout: 20_000 }));
    await sandbox.waitForRequest('token', { count: 2 });
    await clock.advance(19_950);
    hold.release();
    await sandbox.waitForRequest(({ path }) => path.endsWith('?slow'), { count: 2 });
    await clock.advance(50);
    expect(await call).toMatchObject({ code: 'ECONNABORTED', message: 'timeout of 20000ms exceeded' });
    expect(sandbox.apiRequests.filter(({ path }) => path.endsWith('?slow'))).toHaveLength(2);
  });

  it('of the defaults counts as well', async () => {
    const { asset, sandbox, clock } = await startApplication({ options: { http: { timeout: 2500 } } });
    sandbox.hold('token');
    const call = failureOf(asset.get('/v0/business'));
    await sandbox.waitForRequest('token');
    await clock.advance(2500);
    expect(await call).toMatchObject({
      message: 'timeout of 2500ms exceeded while waiting for an access token',
    });
  });

  it('T30 is the least that a token should last: a stale one that lasts less is waited for', async () => {
    const { asset, sandbox, clock } = await startApplication({
      options: { tokenTtlSeconds: 400, refreshAheadRatio: 0.5 },
    });
    await firstValueFrom(asset.get('/v0/echo'));
    await clock.advance(370_000);
    const hold = sandbox.hold('token');
    const before = sandbox.tokenRequests.length;
    sandbox.clearRequests();
    const slow = firstValueFrom(asset.get('/v0/echo?slow', { timeout: 60_000 }));
    const quick = firstValueFrom(asset.get('/v0/echo?quick', { timeout: 5_000 }));
    expect((await quick).status).toBe(200);
    expect(before).toBeGreaterThan(0);
    expect(sandbox.apiRequests.map(({ path }) => path)).toEqual(['/v0/echo?quick']);
    hold.release();
    expect((await slow).status).toBe(200);
    const [quickest, slowest] = sandbox.apiRequests;
    expect(slowest!.claims!.expiresAt).toBeGreaterThan(quickest!.claims!.expiresAt);
  });
});

describe('an Observable of a verb', () => {
  it('is lazy: no token is asked for before it is subscribed to', async () => {
    const { asset, sandbox } = await startApplication();
    asset.get('/v0/business');
    await firstValueFrom(defer(() => Promise.resolve()));
    expect(sandbox.requests).toHaveLength(0);
  });

  it('makes the call anew for each subscriber: retry, repeat, two at once', async () => {
    const { asset, sandbox } = await startApplication();
    const call = asset.get('/v0/business');
    sandbox.fail('api', { status: 500 }, 2);
    expect((await firstValueFrom(call.pipe(retry(2)))).status).toBe(200);
    expect(await firstValueFrom(call.pipe(repeat(3), take(3), toArray()))).toHaveLength(3);
    await Promise.all([firstValueFrom(call), firstValueFrom(call)]);
    expect(sandbox.apiRequests).toHaveLength(8);
  });

  it('one subscriber who leaves takes no other along', async () => {
    const { asset, sandbox, release } = await startHeld();
    const call = asset.get('/v0/business');
    const leaver = call.subscribe();
    const stayer = firstValueFrom(call);
    await sandbox.waitForRequest('token');
    leaver.unsubscribe();
    release();
    expect((await stayer).status).toBe(200);
    expect(sandbox.apiRequests).toHaveLength(1);
    expect((await firstValueFrom(call)).status).toBe(200);
  });

  it('leaves a config that can make the call again, through the service and through axiosRef', async () => {
    const { asset, sandbox } = await startApplication();
    sandbox.fail('api', { status: 500 });
    const failed = await failureOf(asset.withScope('report:read').get('/v0/business'));
    const answered = await firstValueFrom(asset.request(failed.config as object));
    await asset.axiosRef.request(answered.config as object);
    await asset.axiosRef.request(failed.config as object);
    expect(sandbox.apiRequests.map(({ status, claims }) => [status, claims?.scopes])).toEqual([
      [500, ['report:read']],
      [200, ['report:read']],
      [200, ['report:read']],
      [200, ['report:read']],
    ]);
  });

  it('gives a streamed answer to read also after its subscriber left', async () => {
    const { asset } = await startApplication();
    const { data } = await firstValueFrom(
      asset.get<AsyncIterable<Buffer>>('/v0/business', { responseType: 'stream' }),
    );
    const chunks: Buffer[] = [];
    for await (const chunk of data) chunks.push(chunk);
    expect(JSON.parse(Buffer.concat(chunks).toString())).toHaveProperty('data');
  });
});
