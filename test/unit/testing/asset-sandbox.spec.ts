import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  AssetSandbox,
  type AssetSandboxOptions,
  type AssetSandboxSettings,
  ManualClock,
} from '../../../lib/testing/index.js';
import { call, getToken, postToken, sandboxes } from './sandbox-client.js';

describe('AssetSandbox', () => {
  const { keep } = sandboxes();
  const start = async (options: AssetSandboxOptions = {}): Promise<AssetSandbox> =>
    keep(await AssetSandbox.start(options));

  describe('starts', () => {
    it('on a free port of 127.0.0.1 with random credentials', async () => {
      const [one, other] = [await start(), await start()];
      expect(one.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
      expect(one.url).not.toBe(other.url);
      expect(one.clientId).not.toBe(other.clientId);
      expect(one.clientSecret).not.toBe(other.clientSecret);
      await getToken(one);
    });

    it('with a secret that has to be form-encoded', async () => {
      const sandbox = await start();
      expect(encodeURIComponent(sandbox.clientSecret)).not.toBe(sandbox.clientSecret);
      const form = `client_id=${sandbox.clientId}&client_secret=${sandbox.clientSecret}`;
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const url = `${sandbox.url}/v0/auth/token`;
      expect((await fetch(url, { method: 'POST', body: form, headers })).status).not.toBe(200);
    });

    it('with the credentials that it is given, and hands them on as module options', async () => {
      const sandbox = await start({ clientId: 'my client', clientSecret: 'my secret' });
      expect(sandbox.moduleOptions()).toEqual({
        baseUrl: sandbox.url,
        clientId: 'my client',
        clientSecret: 'my secret',
      });
      sandbox.rotateSecret('next');
      expect(sandbox.moduleOptions().clientSecret).toBe('next');
    });

    it('on the port that it is given, and says so if that is taken', async () => {
      const other = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => other.once('listening', resolve));
      const { port } = other.address() as AddressInfo;
      await expect(AssetSandbox.start({ port })).rejects.toMatchObject({
        code: 'EADDRINUSE',
        message:
          `AssetSandbox could not listen on 127.0.0.1:${port} (EADDRINUSE). ` +
          'Choose another `port`, or leave it out to get a free one.',
      });
      await new Promise((resolve) => other.close(resolve));
      expect((await start({ port })).url).toBe(`http://127.0.0.1:${port}`);
    });

    it('with a listener, which hears of each request once it is over, answered or not', async () => {
      const heard: string[] = [];
      const sandbox = await start({
        onRequest: ({ kind, path, status }) => heard.push(`${kind} ${path} ${status}`),
      });
      const { access_token: token } = await getToken(sandbox);
      const hold = sandbox.hold('api');
      const call = fetch(`${sandbox.url}/v0/business`, { headers: { authorization: `Bearer ${token}` } });
      await sandbox.waitForRequest('api');
      expect(heard).toEqual(['token /v0/auth/token 200']);
      hold.release();
      await call;
      sandbox.fail('api', { reset: true });
      await fetch(`${sandbox.url}/v0/reset`).catch(() => undefined);
      sandbox.fail('api', { hang: true });
      const leaving = new AbortController();
      const hanging = fetch(`${sandbox.url}/v0/hang`, { signal: leaving.signal });
      await sandbox.waitForRequest('api', { count: 3 });
      leaving.abort();
      await expect(hanging).rejects.toThrow();
      expect(heard.slice(1)).toEqual([
        'api /v0/business 200',
        'api /v0/reset undefined',
        'api /v0/hang undefined',
      ]);
    });

    it('with the machine’s clock', async () => {
      const sandbox = await start();
      const before = Date.now();
      await getToken(sandbox);
      expect(sandbox.requests[0]?.at).toBeGreaterThanOrEqual(before);
      expect(sandbox.requests[0]?.at).toBeLessThanOrEqual(Date.now());
    });

    it.each<[string, unknown]>([
      ['port', -1],
      ['port', 65_536],
      ['port', '80'],
      ['clock', {}],
      ['clock', Date],
      ['clientId', ''],
      ['clientSecret', 5],
      ['maxRecordedRequests', 0],
      ['maxBodyBytes', 1.5],
      ['scopes', 'ledger:read'],
      ['scopes', ['ledger:read ledger:create']],
      ['scopes', ['']],
      ['expiresIn', 'never'],
      ['tokenLifetimeSeconds', 0],
      ['tokenLifetimeSeconds', '60'],
      ['tokenFormat', 'JWT'],
      ['jwtClaims', 'none'],
      ['missingScope', 'ignore'],
      ['omittedScope', true],
      ['businessTokensOnTenantPaths', 'deny'],
      ['errorFormat', 'xml'],
      ['rateLimits', 300],
      ['rateLimits', null],
      ['rateLimits', { tenantPerMinute: 0 }],
      ['rateLimits', { perMinute: 5 }],
      ['rateLimits', { tokenRequestsCount: 1 }],
      ['latencyMs', -1],
      ['latencyMs', Infinity],
      ['latencyMs', { tokens: 5 }],
      ['latencyMs', { api: '5' }],
      ['stickyTokens', 'on'],
      ['date', true],
      ['retries', 3],
      ['toString', 3],
    ])('not with %s = %j, and names it', async (name, value) => {
      await expect(AssetSandbox.start({ [name]: value })).rejects.toThrow(TypeError);
      await expect(AssetSandbox.start({ [name]: value })).rejects.toThrow(`AssetSandbox.start: \`${name}\` `);
    });

    it('not with several bad options, and names them all, without their values', async () => {
      const options = { clientSecret: ['s3cret value'], port: 99_999, date: 'maybe' };
      const error: unknown = await AssetSandbox.start(options as unknown as AssetSandboxOptions).catch(
        (cause: unknown) => cause,
      );
      expect((error as Error).message).toBe(
        'AssetSandbox.start: `clientSecret` must be a non-empty string; `port` must be a port number, 0 to 65535; ' +
          "`date` must be one of 'on', 'off'.",
      );
    });

    it('with its defaults where an option is undefined', async () => {
      const sandbox = await start({
        port: undefined,
        clientId: undefined,
        expiresIn: undefined,
      });
      expect(sandbox.settings.expiresIn).toBe('timestamp');
    });
  });

  describe('is configured while it runs', () => {
    it('and keeps what is not named', async () => {
      const sandbox = await start({ expiresIn: 'seconds', tokenLifetimeSeconds: 60 });
      sandbox.configure({ tokenLifetimeSeconds: 30, expiresIn: undefined });
      expect((await getToken(sandbox)).expires_in).toBe(30);
      sandbox.configure({
        tokenLifetimeSeconds: 'asked',
        scopes: ['a:b'],
        tokenFormat: 'opaque',
        missingScope: 'narrow',
      });
      expect((await getToken(sandbox, { scope: 'a:b c:d', expires_in: '45' })).expires_in).toBe(45);
      expect(sandbox.tokenRequests[1]?.claims?.scopes).toEqual(['a:b']);
    });

    it('but not beyond what can be set, and then not at all', async () => {
      const sandbox = await start();
      const before = sandbox.settings;
      const bad = { expiresIn: 'seconds', port: 80 } as Partial<AssetSandboxSettings>;
      expect(() => {
        sandbox.configure(bad);
      }).toThrow('AssetSandbox.configure: `port` is not one of: scopes, expiresIn');
      expect(sandbox.settings).toBe(before);
    });

    it('only through configure: its settings are frozen, and lists are copied', async () => {
      const scopes = ['ledger:read'];
      const sandbox = await start({ scopes });
      scopes.push('ledger:create');
      expect(sandbox.settings.scopes).toEqual(['ledger:read']);
      expect(Object.isFrozen(sandbox.settings)).toBe(true);
      expect(Object.isFrozen(sandbox.settings.scopes)).toBe(true);
    });
  });

  describe('sends a Date header', () => {
    it('that shows its own clock', async () => {
      const clock = new ManualClock(Date.UTC(2030, 5, 1, 12, 0, 0));
      const sandbox = await start({ clock });
      clock.jumpWallClock(3_600_000);
      expect((await postToken(sandbox)).headers.get('date')).toBe('Sat, 01 Jun 2030 13:00:00 GMT');
    });

    it('that shows the moment at which the answer leaves', async () => {
      const clock = new ManualClock(Date.UTC(2030, 5, 1, 12, 0, 0));
      const sandbox = await start({ clock });
      const hold = sandbox.hold('token');
      const response = postToken(sandbox);
      await sandbox.waitForRequest('token');
      await clock.advance(5_000);
      hold.release();
      expect((await response).headers.get('date')).toBe('Sat, 01 Jun 2030 12:00:05 GMT');
    });

    it('unless it is switched off', async () => {
      const sandbox = await start({ date: 'off' });
      expect((await postToken(sandbox)).headers.has('date')).toBe(false);
      expect((await call(sandbox, 'x', '/v0/business')).headers.has('date')).toBe(false);
      sandbox.configure({ date: 'on' });
      expect((await postToken(sandbox)).headers.has('date')).toBe(true);
    });
  });

  describe('takes its time', () => {
    it('latencyMs after an answer was ready, on its own clock, for both sides or each', async () => {
      const clock = new ManualClock();
      const sandbox = await start({ clock, latencyMs: 50 });
      const first = getToken(sandbox);
      await sandbox.waitForRequest('token');
      expect(clock.timers).toEqual([{ dueInMs: 50, ref: true }]);
      await clock.advance(50);
      const { access_token } = await first;
      expect(sandbox.tokenRequests[0]?.claims?.issuedAt).toBe(clock.now() - 50);

      sandbox.configure({ latencyMs: { api: 70 } });
      await getToken(sandbox);
      const response = call(sandbox, access_token, '/v0/business');
      await sandbox.waitForRequest('api');
      expect(clock.timers).toEqual([{ dueInMs: 70, ref: true }]);
      await clock.advance(70);
      expect((await response).status).toBe(200);
    });

    it('but never longer than a timer of Node can', async () => {
      const clock = new ManualClock();
      const sandbox = await start({ clock, latencyMs: 2 ** 31 - 1 });
      sandbox.fail('token', { delayMs: 1 });
      const response = Promise.allSettled([postToken(sandbox)]);
      await sandbox.waitForRequest('token');
      expect(clock.timers).toEqual([{ dueInMs: 2_147_483_647, ref: true }]);
      await sandbox.close();
      await response;
    });

    it('but not for a client that left', async () => {
      const clock = new ManualClock();
      const sandbox = await start({ clock, latencyMs: 50 });
      const abort = new AbortController();
      const response = fetch(`${sandbox.url}/v0/business`, { signal: abort.signal });
      await sandbox.waitForRequest('api');
      abort.abort();
      await expect(response).rejects.toThrow('aborted');
      for (let turn = 0; turn < 1_000 && clock.timers.length > 0; turn++) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect([clock.timers, sandbox.apiRequests[0]?.status]).toEqual([[], undefined]);
    });
  });

  describe('holds answers', () => {
    it('until they are released, all at once', async () => {
      const sandbox = await start();
      const hold = sandbox.hold('token');
      const responses = [getToken(sandbox), getToken(sandbox), getToken(sandbox)];
      await sandbox.waitForRequest('token', { count: 3 });
      expect([hold.waiting, sandbox.tokenRequests.map(({ status }) => status)]).toEqual([
        3,
        [undefined, undefined, undefined],
      ]);
      hold.release();
      expect(await Promise.all(responses)).toHaveLength(3);
      expect(hold.waiting).toBe(0);
      await getToken(sandbox);
    });

    it('or one by one, oldest first, while the hold stays', async () => {
      const sandbox = await start();
      const hold = sandbox.hold('token');
      const seen: string[] = [];
      const ask = async (name: string): Promise<void> => {
        const response = getToken(sandbox, { business_id: undefined, note: name });
        await sandbox.waitForRequest((request) => request.kind === 'token' && request.form.note === name);
        answers.push(response.then(() => seen.push(name)));
      };
      const answers: Promise<unknown>[] = [];
      await ask('first');
      await ask('second');
      await ask('third');
      hold.release(1);
      await answers[0];
      expect([seen, hold.waiting]).toEqual([['first'], 2]);
      hold.release(2);
      await Promise.all(answers);
      await ask('fourth');
      expect(hold.waiting).toBe(1);
      hold.release();
      await Promise.all(answers);
    });

    it('of one side, and of the requests that a filter picks', async () => {
      const sandbox = await start();
      const hold = sandbox.hold(
        'token',
        (request) => request.kind === 'token' && request.form.scope !== undefined,
      );
      const { access_token } = await getToken(sandbox);
      expect((await call(sandbox, access_token, '/v0/business')).status).toBe(200);
      const held = getToken(sandbox, { scope: 'report:read' });
      await sandbox.waitForRequest('token', { count: 2 });
      expect(hold.waiting).toBe(1);
      hold.release();
      await held;
    });

    it('that it has decided on already', async () => {
      const sandbox = await start();
      const { access_token } = await getToken(sandbox);
      const hold = sandbox.hold('api');
      const response = call(sandbox, access_token, '/v0/business');
      await sandbox.waitForRequest('api');
      sandbox.revokeTokens();
      hold.release();
      expect((await response).status).toBe(200);
    });

    it('behind every hold that fits', async () => {
      const sandbox = await start();
      const [one, other] = [sandbox.hold('token'), sandbox.hold('token')];
      const response = getToken(sandbox);
      await sandbox.waitForRequest('token');
      one.release();
      for (let turn = 0; turn < 1_000 && other.waiting === 0; turn++) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect([other.waiting, sandbox.tokenRequests[0]?.status]).toEqual([1, undefined]);
      other.release();
      await response;
    });

    it('not behind a hold that ended while they waited at another', async () => {
      const sandbox = await start();
      const [one, other] = [sandbox.hold('token'), sandbox.hold('token')];
      const response = getToken(sandbox);
      await sandbox.waitForRequest('token');
      other.release();
      one.release();
      await response;
      expect([one.waiting, other.waiting]).toEqual([0, 0]);
    });

    it('but not for a client that left', async () => {
      const sandbox = await start();
      const hold = sandbox.hold('api');
      const next = sandbox.hold('api');
      const abort = new AbortController();
      const response = fetch(`${sandbox.url}/v0/business`, { signal: abort.signal });
      await sandbox.waitForRequest('api');
      expect(hold.waiting).toBe(1);
      abort.abort();
      await expect(response).rejects.toThrow('aborted');
      for (let turn = 0; turn < 1_000 && hold.waiting > 0; turn++) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      await new Promise((resolve) => setImmediate(resolve));
      expect([hold.waiting, next.waiting]).toEqual([0, 0]);
    });
  });

  it('does not close idle connections of its own accord', async () => {
    const sandbox = await start();
    expect((await postToken(sandbox)).headers.get('keep-alive')).toBeNull();
  });

  describe('closes', () => {
    it('with every connection it has, idle, held and delayed ones too', async () => {
      const clock = new ManualClock();
      const sandbox = await start({ clock });
      await getToken(sandbox);
      sandbox.hold('token');
      sandbox.configure({ latencyMs: { api: 1_000 } });
      const answers = Promise.allSettled([getToken(sandbox), call(sandbox, 'x', '/v0/business')]);
      await sandbox.waitForRequest(() => true, { count: 3 });
      expect(sandbox.connections).toBeGreaterThanOrEqual(2);
      await sandbox.close();
      expect((await answers).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
      expect([sandbox.connections, clock.timers]).toEqual([0, []]);
      await expect(postToken(sandbox)).rejects.toThrow();
    });

    it('twice without harm, and keeps its record', async () => {
      const sandbox = await start();
      const { url } = sandbox;
      await getToken(sandbox);
      await Promise.all([sandbox.close(), sandbox.close()]);
      await sandbox.close();
      expect([sandbox.requests.length, sandbox.url]).toEqual([1, url]);
    });

    it('as an async disposable', async () => {
      const sandbox = await AssetSandbox.start();
      await sandbox[Symbol.asyncDispose]();
      await expect(postToken(sandbox)).rejects.toThrow();
    });
  });

  it('serves a thousand concurrent requests and records each', async () => {
    const sandbox = await start();
    const { access_token } = await getToken(sandbox);
    const paths = Array.from({ length: 1_000 }, (_, index) => `/v0/business?n=${index}`);
    const statuses = await Promise.all(
      paths.map(async (path) => {
        const response = await call(sandbox, access_token, path);
        await response.arrayBuffer();
        return response.status;
      }),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(new Set(sandbox.apiRequests.map(({ path }) => path))).toEqual(new Set(paths));
  });
});
