import { Agent } from 'node:http';
import { Worker } from 'node:worker_threads';
import type { AssetClock } from 'nestjs-asset-auth';
import { startApplication } from '../../support/application.js';
import { afterThisTest } from '../../support/cleanup.js';
import { type Ending, startClosingServer } from '../../support/closing-server.js';
import { throughAttempts } from '../../support/through-attempts.js';
import { outcome, rejectionOf } from '../../support/token-time.js';

const SCOPES = { scopes: ['ledger:read'] };
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

describe('a token request over a kept connection that the server ends', () => {
  it.each<Ending>(['RST', 'FIN', '408'])(
    'T86 goes out again at once, and nobody notices: %s',
    async (ending) => {
      const server = await startClosingServer(() => ending);
      const { tokens } = await startApplication({ options: { baseUrl: server.origin } });
      for (let i = 0; i < 30; i += 1) {
        await expect(tokens.getAccessToken({ scopes: [`scope:${i}`] })).resolves.toBeDefined();
      }
      expect(server.dropped).toBe(29);
      expect(tokens.snapshot().every(({ lastError }) => lastError === undefined)).toBe(true);
    },
  );

  it('T86 fails none of many at once, whenever the end comes', async () => {
    const endings = [
      'RST',
      'RST after the answer',
      undefined,
      'FIN',
      'FIN after the answer',
      '408',
      undefined,
    ] as const;
    const server = await startClosingServer((number) => endings[number % endings.length]);
    const { tokens } = await startApplication({ options: { baseUrl: server.origin } });
    for (let round = 0; round < 20; round += 1) {
      const calls = times(20, (i) => outcome(tokens.getAccessToken({ scopes: [`scope:${round}-${i}`] })));
      for (const value of await Promise.all(calls)) expect(value).toMatch(/^token-/);
    }
    expect(server.dropped).toBeGreaterThan(100);
  });

  it('T86 goes out again where requests wait for the only socket of an agent that the application brought', async () => {
    class OtherWay extends Agent {}
    const httpAgent = new OtherWay({ keepAlive: true, maxSockets: 1 });
    afterThisTest(() => {
      httpAgent.destroy();
    });
    const server = await startClosingServer(() => 'RST');
    const { tokens } = await startApplication({ options: { baseUrl: server.origin, http: { httpAgent } } });
    const calls = times(4, (i) => outcome(tokens.getAccessToken({ scopes: [`scope:${i}`] })));
    for (const value of await Promise.all(calls)) expect(value).toMatch(/^token-/);
    expect(tokens.snapshot().every(({ lastError }) => lastError === undefined)).toBe(true);
    expect(server.dropped).toBeGreaterThan(0);
  });

  it('T86 is a failure where the connection was new', async () => {
    const server = await startClosingServer(() => 'RST', { endsNew: true });
    const { tokens, clock } = await startApplication({ options: { baseUrl: server.origin } });
    const error = await throughAttempts(clock, rejectionOf(tokens.getAccessToken(SCOPES)));
    expect(error).toMatchObject({ code: 'ASSET_TOKEN_UNAVAILABLE' });
    expect(server.dropped).toBe(3);
  });
});

describe('one failure of a key that has no token', () => {
  it.each([
    ['503', { status: 503 }],
    ['502', { status: 502, body: '<html>bad gateway</html>' }],
    ['a reset', { reset: true }],
    ['a truncated answer', { truncated: true }],
  ] as const)('T87 costs none of its callers their token: %s', async (_name, fault) => {
    const { tokens, sandbox, clock } = await startApplication();
    sandbox.fail('token', fault);
    const calls = Promise.all(times(20, () => tokens.getAccessToken(SCOPES)));
    expect(new Set(await throughAttempts(clock, calls)).size).toBe(1);
    expect(sandbox.tokenRequests).toHaveLength(2);
    expect(clock.monotonic()).toBeGreaterThanOrEqual(100);
    expect(clock.monotonic()).toBeLessThanOrEqual(500);
  });

  it('T87 is tried three times, and remembered once', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    sandbox.fail('token', { status: 503 }, Infinity);
    const calls = Promise.all(times(20, () => rejectionOf(tokens.getAccessToken(SCOPES))));
    expect(new Set(await throughAttempts(clock, calls)).size).toBe(1);
    expect(sandbox.tokenRequests).toHaveLength(3);
    const error = await rejectionOf(tokens.getAccessToken(SCOPES));
    expect((error as { retryAfterMs: number }).retryAfterMs).toBeLessThanOrEqual(1000);
    expect(sandbox.tokenRequests).toHaveLength(3);
  });

  it.each([
    ['a 503', { status: 503 }],
    ['a refusal', { status: 400, body: {} }],
  ] as const)('T87 is tried again although its key failed an hour ago: %s', async (_name, fault) => {
    const { tokens, sandbox, clock } = await startApplication();
    sandbox.fail('token', fault, Infinity);
    await throughAttempts(clock, rejectionOf(tokens.getAccessToken(SCOPES)));
    sandbox.clearFaults();
    await clock.advance(3_600_000);
    sandbox.fail('token', { status: 503 });
    await expect(throughAttempts(clock, tokens.getAccessToken(SCOPES))).resolves.toBeDefined();
  });

  it.each([400, 401, 403, 429])('T87 is not tried again if it is an answer: %i', async (status) => {
    const { tokens, sandbox } = await startApplication();
    sandbox.fail('token', { status, body: {} });
    await rejectionOf(tokens.getAccessToken(SCOPES));
    expect(sandbox.tokenRequests).toHaveLength(1);
  });

  it('T87 is not tried again in vain: when nobody waits, or a token serves meanwhile', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const hold = sandbox.hold('token');
    sandbox.fail('token', { status: 503 });
    const leaving = new AbortController();
    const left = rejectionOf(tokens.getAccessToken(SCOPES, { signal: leaving.signal }));
    await sandbox.waitForRequest('token');
    leaving.abort();
    await left;
    hold.release();
    await sandbox.waitForRequest('token', { until: 'answered' });
    await clock.advance(1000);
    expect(sandbox.tokenRequests).toHaveLength(1);

    await tokens.getAccessToken(SCOPES);
    sandbox.fail('token', { status: 503 });
    await rejectionOf(tokens.getAccessToken(SCOPES, { forceRefresh: true }));
    expect(sandbox.tokenRequests).toHaveLength(3);
  });
});

describe('a wait that the machine slept or stood still in', () => {
  it('T98 ends for a request that was sent before: it is sent anew, for all that wait', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    sandbox.fail('token', { hang: true });
    const first = tokens.getAccessToken(SCOPES);
    await sandbox.waitForRequest('token');
    clock.suspend(60_000);
    const second = tokens.getAccessToken(SCOPES);
    expect(await first).toBe(await second);
    expect(sandbox.tokenRequests).toHaveLength(2);
    expect(clock.monotonic()).toBe(0);
  });

  it('T98 goes on for one that is not older than its time', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const hold = sandbox.hold('token');
    const first = tokens.getAccessToken(SCOPES);
    await sandbox.waitForRequest('token');
    clock.suspend(9000);
    const second = tokens.getAccessToken(SCOPES);
    hold.release();
    expect(await first).toBe(await second);
    expect(sandbox.tokenRequests).toHaveLength(1);
  });

  it('T88 does not lose an answer that lies in the socket when its time is up', async () => {
    const { tokens, token } = await onServerOfItsOwn(300);
    const call = outcome(tokens.getAccessToken(SCOPES));
    await token.arrived();
    holdUp(900);
    expect(await call).toBe('issued');
  });

  it('T88 does not lose an answer of the API either', async () => {
    const { asset, api } = await onServerOfItsOwn(5000);
    await asset.axiosRef.get('/v0/business');
    const call = asset.axiosRef.get('/v0/business', { timeout: 300 });
    await api.arrived();
    holdUp(900);
    expect((await call).status).toBe(200);
  });
});

/** Holds the event loop up. */
const holdUp = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
};

const realClock: AssetClock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout: (callback, ms, { ref }) => {
    const timer = setTimeout(callback, ms);
    if (!ref) timer.unref();
    return () => {
      clearTimeout(timer);
    };
  },
};

interface Arrivals {
  /** Resolves when one more request has arrived. */
  arrived(): Promise<void>;
}

/** An application whose server has a thread of its own and takes 100 ms for each answer. */
async function onServerOfItsOwn(
  tokenTimeoutMs: number,
): Promise<Awaited<ReturnType<typeof startApplication>> & { token: Arrivals; api: Arrivals }> {
  const counts = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(
    `const { createServer } = require('node:http');
     const { parentPort, workerData } = require('node:worker_threads');
     const server = createServer((request, response) => {
       Atomics.add(workerData, request.url.includes('/auth/') ? 0 : 1, 1);
       setTimeout(() => {
         response.setHeader('content-type', 'application/json');
         response.end('{"access_token":"issued","token_type":"Bearer","expires_in":3600}');
       }, 100);
     });
     server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`,
    { eval: true, workerData: counts },
  );
  afterThisTest(() => worker.terminate());
  const port = await new Promise<number>((resolve) => worker.once('message', resolve));
  const arrivals = (kind: 0 | 1): Arrivals => ({
    arrived: async () => {
      const before = counts[kind]!;
      while (counts[kind] === before) await new Promise((resolve) => setImmediate(resolve));
    },
  });
  const application = await startApplication({
    clock: realClock,
    options: { baseUrl: `http://127.0.0.1:${port}`, tokenTimeoutMs },
  });
  return { ...application, token: arrivals(0), api: arrivals(1) };
}
