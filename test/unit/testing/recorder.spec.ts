import { inspect } from 'node:util';
import { AssetSandbox, type AssetSandboxOptions, ManualClock } from '../../../lib/testing/index.js';
import { call, getToken, postToken, sandboxes } from './sandbox-client.js';

const BUSINESS = 'biz_GA6EG2qFxA97NZHtxeLPUy';

describe('The record of AssetSandbox', () => {
  const { keep } = sandboxes();
  const start = async (options: AssetSandboxOptions = {}): Promise<AssetSandbox> =>
    keep(await AssetSandbox.start(options));

  it('has each token request with its form, the secret redacted, and what was issued', async () => {
    const clock = new ManualClock();
    const sandbox = await start({ clock });
    await clock.advance(5);
    await getToken(sandbox, { scope: 'ledger:read ledger:create', business_id: BUSINESS });
    const [request] = sandbox.tokenRequests;
    expect(request).toMatchObject({
      kind: 'token',
      method: 'POST',
      path: '/v0/auth/token',
      form: {
        client_id: sandbox.clientId,
        client_secret: '[redacted]',
        scope: 'ledger:read ledger:create',
        business_id: BUSINESS,
      },
      secretWasCorrect: true,
      authorized: true,
      status: 200,
      at: clock.now(),
      claims: {
        scopes: ['ledger:read', 'ledger:create'],
        businessId: BUSINESS,
        aud: [sandbox.url],
        clientId: sandbox.clientId,
        issuedAt: clock.now(),
      },
    });
    expect(request?.headers['content-type']).toMatch('application/x-www-form-urlencoded');
    expect(new URLSearchParams(request?.body.toString()).get('client_secret')).toBe(sandbox.clientSecret);
  });

  it('says of a token request whether the secret was right, and whether both credentials were', async () => {
    const sandbox = await start();
    await postToken(sandbox, { client_secret: 'wrong' });
    await postToken(sandbox, { client_id: 'wrong' });
    await postToken(sandbox, { client_secret: undefined });
    await fetch(`${sandbox.url}/v0/auth/token`, { method: 'POST', body: '{}' });
    expect(sandbox.tokenRequests.map((request) => [request.secretWasCorrect, request.authorized])).toEqual([
      [false, false],
      [true, false],
      [false, false],
      [false, false],
    ]);
    expect(sandbox.tokenRequests.map((request) => request.form.client_secret)).toEqual([
      '[redacted]',
      '[redacted]',
      undefined,
      undefined,
    ]);
  });

  it('redacts a secret that came twice', async () => {
    const sandbox = await start();
    await postToken(sandbox, { client_secret: [sandbox.clientSecret, sandbox.clientSecret] });
    expect(sandbox.tokenRequests[0]?.form.client_secret).toBe('[redacted]');
  });

  it.each(['jwt', 'opaque'] as const)(
    'has each API request with the claims of its %s token',
    async (tokenFormat) => {
      const sandbox = await start({ tokenFormat });
      const { access_token } = await getToken(sandbox, { scope: 'ledger:create', business_id: BUSINESS });
      const path = `/v0/business/${BUSINESS}/ledger?a=1&b=%20`;
      await call(sandbox, access_token, path, { method: 'POST', json: { name: 'Cash', type: 'asset' } });
      const [request] = sandbox.apiRequests;
      expect(request).toMatchObject({
        kind: 'api',
        method: 'POST',
        path,
        authorized: true,
        status: 201,
        claims: { scopes: ['ledger:create'], businessId: BUSINESS, aud: [sandbox.url] },
      });
      expect(request?.claims).toEqual(sandbox.tokenRequests[0]?.claims);
      expect(request?.body.toString()).toBe('{"name":"Cash","type":"asset"}');
      expect(request?.headers.authorization).toBe(`Bearer ${access_token}`);
    },
  );

  it('has everything in order of arrival, and can be cleared', async () => {
    const sandbox = await start();
    const { access_token } = await getToken(sandbox);
    await call(sandbox, access_token, '/v0/business');
    await getToken(sandbox);
    const before = sandbox.requests;
    expect(before.map((request) => request.kind)).toEqual(['token', 'api', 'token']);
    expect([sandbox.tokenRequests, sandbox.apiRequests]).toEqual([[before[0], before[2]], [before[1]]]);
    sandbox.clearRequests();
    expect([sandbox.requests, before.length, sandbox.issuedTokens.length]).toEqual([[], 3, 2]);
  });

  it('hands out copies', async () => {
    const sandbox = await start();
    const before = sandbox.requests;
    await getToken(sandbox);
    expect([before.length, sandbox.requests.length]).toEqual([0, 1]);
  });

  it('is bounded: the oldest requests and tokens are forgotten first', async () => {
    const sandbox = await start({ maxRecordedRequests: 3 });
    const tokens = [];
    for (let request = 0; request < 5; request++) {
      tokens.push((await getToken(sandbox, { expires_in: String(request + 1) })).access_token);
    }
    expect(sandbox.tokenRequests.map((request) => request.form.expires_in)).toEqual(['3', '4', '5']);
    expect(sandbox.issuedTokens).toEqual(tokens.slice(2));
    expect((await call(sandbox, tokens[1]!, '/v0/business')).status).toBe(401);
    expect((await call(sandbox, tokens[4]!, '/v0/business')).status).toBe(200);
  });

  it('leaves out a request whose client left before it was complete', async () => {
    const sandbox = await start();
    const abort = new AbortController();
    const body = new ReadableStream({
      pull: (controller) => {
        controller.enqueue(new TextEncoder().encode('client_id=x'));
        abort.abort();
      },
    });
    const options = { method: 'POST', body, duplex: 'half', signal: abort.signal };
    await expect(fetch(`${sandbox.url}/v0/auth/token`, options as RequestInit)).rejects.toThrow();
    await getToken(sandbox);
    expect(sandbox.requests).toHaveLength(1);
  });

  it('answers 413 to a body beyond maxBodyBytes and records none of the rest', async () => {
    const sandbox = await start({ maxBodyBytes: 1_000 });
    const { access_token } = await getToken(sandbox);
    const response = await call(sandbox, access_token, '/v0/echo', { method: 'POST', json: 'x'.repeat(998) });
    expect(response.status).toBe(200);
    const tooLarge = await call(sandbox, access_token, '/v0/echo', { method: 'POST', json: 'x'.repeat(999) });
    expect(tooLarge.status).toBe(413);
    expect(sandbox.apiRequests.map((request) => [request.status, request.body.length <= 1_000])).toEqual([
      [200, true],
      [413, true],
    ]);
  });

  it('answers 413 beyond 10 MiB when told nothing', async () => {
    const sandbox = await start();
    const { access_token } = await getToken(sandbox);
    const size = 10 * 1024 * 1024;
    for (const [length, status] of [
      [size, 200],
      [size + 1, 413],
    ] as const) {
      const headers = { authorization: `Bearer ${access_token}` };
      const body = Buffer.alloc(length);
      const response = await fetch(`${sandbox.url}/v0/echo`, { method: 'POST', body, headers });
      expect([response.status, (await response.arrayBuffer()).byteLength > 0]).toEqual([status, true]);
    }
  });

  it('shows no secret when the sandbox is printed', async () => {
    const sandbox = await start();
    const { access_token } = await getToken(sandbox);
    const printed =
      inspect(sandbox, { showHidden: true, depth: Infinity }) +
      JSON.stringify(sandbox) +
      Object.keys(sandbox).join();
    for (const secret of [sandbox.clientSecret, sandbox.signingKey, access_token]) {
      expect(printed).not.toContain(secret);
    }
  });

  describe('waitForRequest', () => {
    it('resolves with a request that arrives later', async () => {
      const sandbox = await start();
      const waiting = sandbox.waitForRequest('token');
      await getToken(sandbox, { scope: 'report:read' });
      expect((await waiting).form.scope).toBe('report:read');
    });

    it('resolves at once with one that is on record', async () => {
      const sandbox = await start();
      const { access_token } = await getToken(sandbox);
      await call(sandbox, access_token, '/v0/business');
      expect(await sandbox.waitForRequest('api')).toBe(sandbox.apiRequests[0]);
    });

    it('counts from the start of the record, requests of before and after together', async () => {
      const sandbox = await start();
      await getToken(sandbox);
      const third = sandbox.waitForRequest('token', { count: 3 });
      await getToken(sandbox);
      await getToken(sandbox);
      expect(await third).toBe(sandbox.tokenRequests[2]);
      sandbox.clearRequests();
      const first = sandbox.waitForRequest('token');
      await getToken(sandbox);
      expect(await first).toBe(sandbox.tokenRequests[0]);
    });

    it('takes a filter', async () => {
      const sandbox = await start();
      const waiting = sandbox.waitForRequest((request) => request.path.endsWith('x=2'));
      await fetch(`${sandbox.url}/v0/business?x=1`);
      await fetch(`${sandbox.url}/v0/business?x=2`);
      expect(await waiting).toBe(sandbox.requests[1]);
    });

    it('waits for the answer to leave when told to', async () => {
      const sandbox = await start();
      const hold = sandbox.hold('token');
      const response = getToken(sandbox);
      let answered = false;
      const waiting = sandbox.waitForRequest('token', { until: 'answered' }).then(() => (answered = true));
      expect((await sandbox.waitForRequest('token')).status).toBeUndefined();
      await new Promise((resolve) => setImmediate(resolve));
      expect(answered).toBe(false);
      hold.release();
      await Promise.all([waiting, response]);
      expect((await sandbox.waitForRequest('token', { until: 'answered' })).status).toBe(200);
    });

    it('gives up with an account of what did arrive', async () => {
      const sandbox = await start();
      await getToken(sandbox);
      await expect(sandbox.waitForRequest('token', { count: 2, timeoutMs: 5 })).rejects.toThrow(
        'AssetSandbox.waitForRequest: after 5 ms, 1 of 2 matching requests had been received. ' +
          'On record: 1, the last ones POST /v0/auth/token (status 200).',
      );
      sandbox.clearRequests();
      await expect(sandbox.waitForRequest('api', { timeoutMs: 1 })).rejects.toThrow('On record: nothing.');
    });

    it('rejects when the sandbox is closed, or its own filter throws', async () => {
      const sandbox = await start();
      const broken = sandbox.waitForRequest(() => {
        throw new Error('broken filter');
      });
      const waiting = sandbox.waitForRequest('api');
      const rejections = Promise.allSettled([broken, waiting]);
      expect((await postToken(sandbox)).status).toBe(200);
      await sandbox.close();
      expect(await rejections).toMatchObject([
        { reason: { message: 'broken filter' } },
        { reason: { message: expect.stringContaining('closed while waiting') as string } },
      ]);
    });

    it.each([0, 1.5, NaN])('refuses to count to %d', async (count) => {
      const sandbox = await start();
      await expect(sandbox.waitForRequest('token', { count })).rejects.toThrow(RangeError);
    });

    it.each([-1, NaN, Infinity, 2 ** 31])('refuses to give up after %d ms', async (timeoutMs) => {
      const sandbox = await start();
      await expect(sandbox.waitForRequest('token', { timeoutMs })).rejects.toThrow(RangeError);
    });

    it('does not take a reset connection for an answer', async () => {
      const sandbox = await start();
      sandbox.fail('token', { reset: true });
      const waiting = sandbox.waitForRequest('token', { until: 'answered' });
      await expect(postToken(sandbox)).rejects.toThrow();
      await getToken(sandbox);
      expect(await waiting).toBe(sandbox.tokenRequests[1]);
    });
  });
});
