import { AsyncLocalStorage } from 'node:async_hooks';
import { inspect } from 'node:util';
import { type AssetAuthEvents, AssetTokenError, onAssetAuthEvent } from 'nestjs-asset-auth';
import { expectNoSecrets } from 'nestjs-asset-auth/testing';
import type { AxiosAdapter } from 'axios';
import { lastValueFrom } from 'rxjs';
import { startApplication } from '../../support/application.js';
import { afterThisTest } from '../../support/cleanup.js';
import { throughAttempts } from '../../support/through-attempts.js';
import { outcome, pass, passToStale, refreshed, rejectionOf } from '../../support/token-time.js';

const NAMES = [
  'client.started',
  'client.closed',
  'startup.failed',
  'token.pending',
  'token.waiting',
  'token.waited',
  'token.refused',
  'token.request',
  'token.response',
  'token.arrived',
  'token.failed',
  'circuit.opened',
  'circuit.closed',
  'store.operation',
  'store.lost',
  'store.regained',
  'store.unreadable',
  'call.replayed',
  'call.refused',
] as const satisfies readonly (keyof AssetAuthEvents)[];

type Heard = {
  readonly [Name in keyof AssetAuthEvents]: { readonly name: Name; readonly event: AssetAuthEvents[Name] };
}[keyof AssetAuthEvents];

const LEDGERS = { scopes: ['ledger:read'] };
const BUSINESS = 'biz_GA6EG2qFxA97NZHtxeLPUy';
const LEDGER_CALL = `/v0/business/${BUSINESS}/ledger`;

/** Everything that is published from now on, in its order. */
function listening() {
  const heard: Heard[] = [];
  for (const name of NAMES) {
    afterThisTest(onAssetAuthEvent(name, (event) => void heard.push({ name, event } as Heard)));
  }
  const names = (): string[] => heard.map(({ name }) => name);
  const of = <Name extends keyof AssetAuthEvents>(name: Name): AssetAuthEvents[Name][] =>
    heard.flatMap((each) => (each.name === name ? [each.event as AssetAuthEvents[Name]] : []));
  return { heard, names, of, clear: () => void heard.splice(0) };
}

describe('The events of a client', () => {
  it('tell of its start, and of a token from the wait of its caller to its arrival', async () => {
    const { names, of, clear } = listening();
    const { tokens, sandbox, app } = await startApplication({ options: { scopes: 'ledger:read' } });
    expect(of('client.started')).toEqual([
      {
        client: { name: undefined, origin: sandbox.url },
        environment: sandbox.url,
        clientId: sandbox.clientId,
      },
    ]);
    clear();
    const token = await tokens.getAccessToken({ businessId: BUSINESS });
    expect(names()).toEqual([
      'token.pending',
      'token.waiting',
      'token.request',
      'token.response',
      'token.arrived',
      'token.waited',
    ]);
    const asked = { scopes: ['ledger:read'], businessId: BUSINESS, resource: undefined };
    const [pending] = of('token.pending');
    expect(pending).toMatchObject({ ...asked, reason: 'caller' });
    expect(of('token.request')).toMatchObject([{ reason: 'caller', attempt: 1 }]);
    expect(of('token.response')).toMatchObject([{ status: 200, error: undefined, durationMs: 0 }]);
    expect(of('token.arrived')).toMatchObject([
      { ...asked, expiresAt: token.expiresAt, isRenewal: false, isShared: false },
    ]);
    expect(of('token.waited')).toMatchObject([{ error: undefined, hasLeft: false }]);
    // What ends refers to what began.
    expect(of('token.waited')[0]?.waiting).toBe(of('token.waiting')[0]);
    expect(of('token.response')[0]?.request).toBe(of('token.request')[0]);
    expect(of('token.request')[0]?.pending).toBe(pending);
    clear();
    await app.close();
    expect(names()).toEqual(['client.closed']);
  });

  it('are none on the path of a cached token', async () => {
    const { tokens, asset } = await startApplication({ options: LEDGERS });
    await lastValueFrom(asset.get(LEDGER_CALL));
    const { names } = listening();
    await tokens.getAccessToken();
    tokens.peekAccessToken();
    await lastValueFrom(asset.get(LEDGER_CALL));
    expect(names()).toEqual([]);
  });

  it('tell why a token is asked for', async () => {
    const { of } = listening();
    const { tokens, sandbox, clock, asset } = await startApplication({
      options: { ...LEDGERS, startup: 'required' },
    });
    const token = await tokens.getAccessToken();
    await passToStale({ tokens, clock }, token);
    tokens.peekAccessToken();
    await refreshed({ tokens, clock });
    sandbox.rejectTokens();
    await lastValueFrom(asset.get(LEDGER_CALL));
    sandbox.fail('token', { status: 429, retryAfter: 1 });
    await rejectionOf(tokens.getAccessToken(LEDGERS, { forceRefresh: true }));
    await clock.advance(2000);
    await tokens.getAccessToken(LEDGERS, { forceRefresh: true });
    const reasons = of('token.request').map(({ reason }) => reason);
    expect(reasons).toEqual(['warm', 'refresh', 'rejected', 'caller', 'probe']);
    expect(of('token.arrived').map(({ isRenewal }) => isRenewal)).toEqual([false, true, true, true]);
  });

  it('tell each attempt of a request, and what its caller was told in the end', async () => {
    const { of } = listening();
    const { tokens, sandbox, clock } = await startApplication();
    sandbox.fail('token', { status: 500, headers: { 'x-request-id': 'req_7' } }, 3);
    const error = await throughAttempts(clock, rejectionOf(tokens.getAccessToken(LEDGERS)));
    expect(of('token.request').map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    const answered = { status: 500, requestId: 'req_7', error: { code: 'ASSET_TOKEN_UNAVAILABLE' } };
    expect(of('token.response')).toMatchObject([answered, answered, answered]);
    expect(of('token.failed')).toMatchObject([{ error, isServing: false }]);
    expect(of('token.waited')).toMatchObject([{ error, hasLeft: false }]);
    expect(of('token.waited')[0]?.durationMs).toBeGreaterThanOrEqual(200);
    expect(of('token.arrived')).toEqual([]);
  });

  it('tell of a request that gets no answer in time by the error of its callers', async () => {
    const { of } = listening();
    const { tokens, sandbox, clock } = await startApplication({ options: { tokenTimeoutMs: 1000 } });
    sandbox.fail('token', { hang: true });
    const failing = rejectionOf(tokens.getAccessToken(LEDGERS));
    await sandbox.waitForRequest('token');
    await clock.advance(1000);
    expect(await failing).toBeInstanceOf(AssetTokenError);
    expect(of('token.response')).toMatchObject([
      { status: undefined, durationMs: 1000, error: { code: 'ASSET_TOKEN_UNAVAILABLE', timedOut: true } },
    ]);
  });

  it('tell a caller that leaves from one that is told an error', async () => {
    const { of } = listening();
    const { tokens, sandbox } = await startApplication();
    sandbox.fail('token', { hang: true });
    const controller = new AbortController();
    const left = outcome(tokens.getAccessToken(LEDGERS, { signal: controller.signal }));
    await sandbox.waitForRequest('token');
    controller.abort(new Error('enough'));
    expect(await left).toBe('Error: enough');
    expect(of('token.waited')).toMatchObject([{ hasLeft: true, error: undefined }]);
  });

  it('tell a trouble of the endpoint when it begins and when it is over', async () => {
    const { of } = listening();
    const { tokens, sandbox, clock } = await startApplication();
    sandbox.fail('token', { status: 429, retryAfter: 1 }, 3);
    for (let second = 0; second < 30; second += 1) {
      await outcome(tokens.getAccessToken(LEDGERS));
      await clock.advance(1000);
    }
    expect(of('circuit.opened')).toMatchObject([{ error: { code: 'ASSET_TOKEN_THROTTLED' } }]);
    expect(of('circuit.closed')).toHaveLength(1);
  });

  it('tell of calls that are sent again, and of those that are not sent', async () => {
    const { of } = listening();
    const { asset, sandbox, clock, tokens } = await startApplication({ options: LEDGERS });
    await lastValueFrom(asset.get(LEDGER_CALL, { asset: { businessId: BUSINESS } }));
    sandbox.rejectTokens();
    await lastValueFrom(asset.get(LEDGER_CALL, { asset: { businessId: BUSINESS } }));
    sandbox.fail('api', { status: 429, retryAfter: 1 });
    const limited = lastValueFrom(asset.get(LEDGER_CALL));
    await sandbox.waitForRequest('api', { count: sandbox.apiRequests.length + 1, until: 'answered' });
    await pass({ tokens, clock }, 1000);
    await limited;
    expect(of('call.replayed')).toMatchObject([
      { reason: 'unauthorized', method: 'GET', scopes: ['ledger:read'], businessId: BUSINESS },
      { reason: 'rate_limited', method: 'GET', scopes: ['ledger:read'], businessId: undefined },
    ]);
    await rejectionOf(lastValueFrom(asset.get('https://elsewhere.example/')));
    await rejectionOf(lastValueFrom(asset.forBusiness('biz_2').get(LEDGER_CALL)));
    expect(of('call.refused')).toMatchObject([
      { error: { code: 'ASSET_REQUEST_NOT_ALLOWED' } },
      { error: { code: 'ASSET_BUSINESS_MISMATCH' } },
    ]);
  });

  it('come in the async context of the caller that begins or waits, and let a listener put its own around a request', async () => {
    const callers = new AsyncLocalStorage<string>();
    const contexts: string[] = [];
    for (const name of ['token.pending', 'token.waiting', 'token.request'] as const) {
      afterThisTest(
        onAssetAuthEvent(name, () => void contexts.push(`${name}: ${callers.getStore() ?? 'nobody'}`)),
      );
    }
    let isAround = false;
    afterThisTest(
      onAssetAuthEvent('token.request', (request) => {
        const { around } = request;
        request.around = (send) => {
          isAround = true;
          around(send);
        };
      }),
    );
    const { tokens } = await startApplication();
    await Promise.all(['one', 'two'].map((name) => callers.run(name, () => tokens.getAccessToken(LEDGERS))));
    expect(contexts).toEqual([
      'token.pending: one',
      'token.waiting: one',
      'token.waiting: two',
      'token.request: nobody',
    ]);
    expect(isAround).toBe(true);
  });

  it('are heard until the listener has ended', async () => {
    const heard: unknown[] = [];
    const end = onAssetAuthEvent('token.arrived', (event) => void heard.push(event));
    const { tokens } = await startApplication();
    await tokens.getAccessToken(LEDGERS);
    end();
    await tokens.getAccessToken({ scopes: ['report:read'] });
    expect(heard).toMatchObject([LEDGERS]);
  });

  it('show no token to what a listener puts around a request, and cost no caller his token where that throws', async () => {
    const seen: unknown[] = [];
    const end = onAssetAuthEvent('token.request', (request) => {
      const { around } = request;
      request.around = (send) => {
        const run: (begin: () => void) => unknown = around;
        seen.push(run(send));
      };
    });
    const { tokens } = await startApplication();
    await tokens.getAccessToken(LEDGERS);
    expect(seen).toEqual([undefined]);
    end();
    for (const broken of [
      () => {
        throw new Error('no context');
      },
      () => {},
    ]) {
      const endBroken = onAssetAuthEvent('token.request', (request) => (request.around = broken));
      await expect(tokens.getAccessToken(LEDGERS, { forceRefresh: true })).resolves.toBeDefined();
      endBroken();
    }
  });

  it('do not say that a caller left who was served the present token', async () => {
    const { of } = listening();
    const { tokens, sandbox, clock } = await startApplication();
    const { expiresAt } = await tokens.getAccessToken(LEDGERS);
    sandbox.fail('token', { hang: true }, Infinity);
    await clock.advance(expiresAt.getTime() - clock.now() - 5000);
    const served = tokens.getAccessToken(LEDGERS, { minimumLifeMs: 60_000 });
    await clock.advance(3000);
    await served;
    expect(of('token.waited').at(-1)).toMatchObject({ hasLeft: false, error: undefined });
  });

  it('tell of a caller that is refused at once, while requests pause', async () => {
    const { of } = listening();
    const { tokens, sandbox } = await startApplication();
    sandbox.fail('token', { status: 429, retryAfter: 30 });
    await rejectionOf(tokens.getAccessToken(LEDGERS));
    const error = await rejectionOf(tokens.getAccessToken({ scopes: ['report:read'] }));
    expect(of('token.refused')).toMatchObject([{ scopes: ['report:read'], error }]);
    expect(of('token.waiting')).toHaveLength(1);
  });

  it('let a listener ask for the very token that a request begins for', async () => {
    const { tokens, sandbox } = await startApplication();
    const asked: Promise<unknown>[] = [];
    const ask = (): void => void asked.push(tokens.getAccessToken(LEDGERS));
    afterThisTest(onAssetAuthEvent('token.pending', ask));
    await tokens.getAccessToken(LEDGERS);
    expect(await Promise.all(asked)).toHaveLength(1);
    expect(sandbox.tokenRequests).toHaveLength(1);
  });

  it('tell a trouble of new keys, and once more when it turns out to be everybody’s', async () => {
    const { of } = listening();
    const { tokens, sandbox, clock } = await startApplication();
    sandbox.fail('token', { status: 429, retryAfter: 1 }, Infinity);
    await rejectionOf(tokens.getAccessToken(LEDGERS));
    sandbox.clearFaults();
    await clock.advance(2000);
    await tokens.getAccessToken(LEDGERS);
    expect(of('circuit.opened')).toMatchObject([{ isEverybodys: false }]);
    sandbox.fail('token', { status: 429, retryAfter: 1 }, Infinity);
    await rejectionOf(tokens.getAccessToken(LEDGERS, { forceRefresh: true }));
    expect(of('circuit.opened')).toMatchObject([{ isEverybodys: false }, { isEverybodys: true }]);
  });

  it('hold nothing of a refused call but its error, once, also where an adapter of the application hands it on', async () => {
    const { asset, tokens } = await startApplication();
    const { value } = await tokens.getAccessToken(LEDGERS);
    const seen: string[] = [];
    // At once: later, the config of the error is another one.
    const look = (event: object): void => void seen.push(inspect(event, { depth: 10, showHidden: true }));
    afterThisTest(onAssetAuthEvent('call.refused', look));
    const view = asset.withScope('ledger:read');
    const headers = { 'x-api-key': 'key-of-the-application' };
    await rejectionOf(lastValueFrom(view.get('https://elsewhere.example', { headers })));
    const own = asset.axiosRef.defaults.adapter as AxiosAdapter;
    const adapter: AxiosAdapter = (config) => own({ ...config, url: 'https://elsewhere.example' });
    await rejectionOf(lastValueFrom(view.get('/v0/business', { adapter })));
    expect(seen).toHaveLength(2);
    for (const text of seen) {
      expect(text).not.toContain(value);
      expect(text).not.toContain('key-of-the-application');
    }
  });

  it('hold no secret and no token', async () => {
    const { heard } = listening();
    const { tokens, sandbox, clock, asset } = await startApplication({ options: LEDGERS });
    const token = await tokens.getAccessToken();
    for (const fault of [
      { status: 500, body: { message: `wrong: ${sandbox.clientSecret}` } },
      { status: 400, body: { error: 'invalid_scope', error_description: token.value } },
      { status: 401, headers: { 'x-request-id': token.value }, body: sandbox.clientSecret },
    ]) {
      sandbox.fail('token', fault, Infinity);
      await throughAttempts(clock, outcome(tokens.getAccessToken({ scopes: ['report:read'] })));
      sandbox.clearFaults();
      await pass({ tokens, clock }, 400_000);
    }
    sandbox.rejectTokens();
    await lastValueFrom(asset.get(LEDGER_CALL));
    expect(heard.length).toBeGreaterThan(20);
    const everything = [heard, inspect(heard, { depth: 12, getters: true, showHidden: true })];
    expectNoSecrets(everything, [sandbox.clientSecret, ...sandbox.issuedTokens], {
      clientId: sandbox.clientId,
    });
  });
});
