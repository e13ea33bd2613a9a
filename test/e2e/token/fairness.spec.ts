import { type AssetTokenService, onAssetAuthEvent } from 'nestjs-asset-auth';
import type { SandboxFault, SandboxRequest } from 'nestjs-asset-auth/testing';
import { startApplication, type RunningApplication } from '../../support/application.js';
import { afterThisTest } from '../../support/cleanup.js';
import { throughAttempts } from '../../support/through-attempts.js';
import { outcome, pass, rejectionOf } from '../../support/token-time.js';

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));
const tenant = (i: number): { businessId: string } => ({ businessId: `biz_tenant${i}` });
const stranger = (i: number): { businessId: string } => ({ businessId: `biz_stranger${i}` });

const isOneOf =
  (businesses: RegExp) =>
  (request: SandboxRequest): boolean =>
    request.kind === 'token' && businesses.test(String(request.form.business_id ?? ''));
const isOf = (name: string): ReturnType<typeof isOneOf> => isOneOf(new RegExp(`^biz_${name}`));

/** An application on a sandbox that takes any business, with tenants whose tokens are in use. */
async function withTenants(
  count: number,
  options: Parameters<typeof startApplication>[0] = {},
): Promise<RunningApplication> {
  const application = await startApplication(options);
  const { sandbox, tokens } = application;
  for (let i = 0; i < count; i += 1) sandbox.addBusiness({ id: tenant(i).businessId });
  for (let i = 0; i < count; i += 1) await tokens.getAccessToken(tenant(i));
  for (let i = 0; i < count; i += 1) tokens.peekAccessToken(tenant(i));
  return application;
}

/** Callers that name new businesses; what becomes of them is nobody's concern. */
function callStrangers(
  tokens: AssetTokenService,
  from: number,
  count: number,
  withinMs?: number,
): Promise<string>[] {
  return times(count, (i) => outcome(tokens.getAccessToken(stranger(from + i), { withinMs })));
}

const ANSWERS: readonly (readonly [string, SandboxFault])[] = [
  ['200', {}],
  ['401', { status: 401, body: { error: 'invalid_client' } }],
  ['404', { status: 404, body: {} }],
  ['429', { status: 429, retryAfter: 60, headers: { 'x-ratelimit-remaining': '0' } }],
  ['500', { status: 500, body: {} }],
  ['503 with an order to wait', { status: 503, retryAfter: 60 }],
  ['none', { hang: true }],
];

describe('callers that name new businesses', () => {
  it.each(ANSWERS)(
    'T122 T123 cost tenants with short-lived tokens no call, whatever they are answered: %s',
    async (_name, fault) => {
      const { tokens, sandbox, clock } = await withTenants(5, {
        sandboxOptions: { tokenLifetimeSeconds: 8 },
        options: { tokenTimeoutMs: 3000 },
      });
      if (Object.keys(fault).length > 0)
        sandbox.fail('token', fault, { times: Infinity, when: isOf('stranger') });
      else for (let i = 0; i < 1000; i += 1) sandbox.addBusiness({ id: stranger(i).businessId });
      const calls: Promise<string>[] = [];
      const strangers: Promise<string>[] = [];
      for (let step = 0; step < 70; step += 1) {
        strangers.push(...callStrangers(tokens, step * 10, 10, 2000));
        calls.push(...times(5, (i) => outcome(tokens.getAccessToken(tenant(i), { withinMs: 1000 }))));
        await clock.advance(250);
        for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      }
      for (const value of await throughAttempts(clock, Promise.all(calls))) expect(value).toMatch(/^ey/);
      await clock.advance(60_000);
    },
  );

  it('T121 cost nobody else the credentials: one 401 is the key’s own, a second one those of newcomers, a known key’s everybody’s', async () => {
    const { tokens, sandbox, clock } = await withTenants(2);
    sandbox.addBusiness({ id: stranger(9).businessId });
    sandbox.fail(
      'token',
      { status: 401, body: { error: 'invalid_client' } },
      { times: Infinity, when: isOf('foreign') },
    );
    const foreign = (i: number): { businessId: string } => ({ businessId: `biz_foreign${i}` });

    const error = await rejectionOf(tokens.getAccessToken(foreign(1)));
    expect(error).toMatchObject({ code: 'ASSET_CREDENTIALS_REJECTED' });
    expect(String(error)).toContain('check first whether this client may act for this business');
    await expect(tokens.getAccessToken(stranger(9))).resolves.toBeDefined();

    await rejectionOf(tokens.getAccessToken(foreign(2)));
    await rejectionOf(tokens.getAccessToken(foreign(3)));
    const sent = sandbox.tokenRequests.length;
    expect(await outcome(tokens.getAccessToken(stranger(10)))).toBe('ASSET_CREDENTIALS_REJECTED');
    expect(sandbox.tokenRequests).toHaveLength(sent);
    await expect(tokens.getAccessToken(tenant(0), { forceRefresh: true })).resolves.toBeDefined();

    sandbox.rotateSecret();
    await clock.advance(3_600_001);
    expect(await outcome(tokens.getAccessToken(tenant(0)))).toBe('ASSET_CREDENTIALS_REJECTED');
    const all = sandbox.tokenRequests.length;
    for (let i = 0; i < 20; i += 1) await rejectionOf(tokens.getAccessToken(tenant(i % 2)));
    expect(sandbox.tokenRequests).toHaveLength(all);
  });

  it('T122 hold an order to wait that one of them was given, and nobody else does', async () => {
    const { tokens, sandbox, clock } = await withTenants(1);
    sandbox.addBusiness({ id: stranger(1).businessId });
    sandbox.fail('token', { status: 503, retryAfter: 60 }, { times: Infinity, when: isOf('foreign') });
    const foreign = { businessId: 'biz_foreign' };
    await rejectionOf(tokens.getAccessToken(foreign));
    await expect(tokens.getAccessToken(stranger(1))).resolves.toBeDefined();
    await expect(tokens.getAccessToken(tenant(0), { forceRefresh: true })).resolves.toBeDefined();
    const sent = sandbox.tokenRequests.length;
    await clock.advance(59_999);
    await rejectionOf(tokens.getAccessToken(foreign));
    expect(sandbox.tokenRequests).toHaveLength(sent);
    await clock.advance(1);
    await rejectionOf(tokens.getAccessToken(foreign));
    expect(sandbox.tokenRequests).toHaveLength(sent + 1);
  });

  it('T122 do not open the circuit for each other, also with errors of the server', async () => {
    const { tokens, sandbox, clock } = await withTenants(1);
    sandbox.fail('token', { status: 500, body: {} }, { times: Infinity, when: isOf('stranger') });
    for (let i = 0; i < 60; i += 1) sandbox.addBusiness({ id: `biz_new${i}` });
    const values: string[] = [];
    for (let i = 0; i < 60; i += 1) {
      const failing = Promise.all(callStrangers(tokens, i * 5, 5));
      values.push(await outcome(tokens.getAccessToken({ businessId: `biz_new${i}` })));
      await throughAttempts(clock, failing);
    }
    expect(values.filter((value) => !value.startsWith('ey'))).toEqual([]);
  });

  it('T123 fail fast when the queue cannot serve them in their time', async () => {
    const { tokens, sandbox, clock } = await withTenants(1);
    sandbox.fail('token', { hang: true }, { times: Infinity, when: isOf('stranger') });
    const waiting = callStrangers(tokens, 0, 50, 5000);
    await sandbox.waitForRequest(isOf('stranger'), { count: 4 });
    await clock.advance(1000);
    const error = await rejectionOf(tokens.getAccessToken(stranger(100), { withinMs: 5000 }));
    expect(error).toMatchObject({ code: 'ASSET_TOKEN_UNAVAILABLE', retryable: true });
    expect(String(error)).toContain('its turn would come');
    await clock.advance(120_000);
    await Promise.all(waiting);
  });

  it('T123 are dropped from the queue when their callers leave', async () => {
    const { tokens, sandbox, clock } = await withTenants(1);
    sandbox.fail('token', { hang: true }, { times: Infinity, when: isOf('stranger') });
    const leaving = new AbortController();
    const calls = times(50, (i) =>
      rejectionOf(tokens.getAccessToken(stranger(i), { signal: leaving.signal })),
    );
    await sandbox.waitForRequest(isOf('stranger'), { count: 4 });
    leaving.abort();
    await Promise.all(calls);
    await clock.advance(60_000);
    expect(sandbox.tokenRequests.filter(isOf('stranger'))).toHaveLength(4);
  });

  it('T125 push no token out of the cache by their failures', async () => {
    const { tokens, sandbox } = await withTenants(200, { options: { maxTokens: 200 } });
    sandbox.fail('token', { status: 404, body: {} }, { times: Infinity, when: isOf('stranger') });
    await Promise.all(callStrangers(tokens, 0, 300));
    for (let i = 0; i < 200; i += 1) expect(tokens.peekAccessToken(tenant(i))).toBeDefined();
  });

  it('T124 leave little behind: a hundred thousand of them are no more than some thousands', async () => {
    const { tokens, sandbox } = await withTenants(1);
    sandbox.fail('token', { status: 404, body: {} }, { times: Infinity, when: isOf('stranger') });
    for (let i = 0; i < 2500; i += 100) await Promise.all(callStrangers(tokens, i, 100));
    expect(tokens.snapshot().length).toBeLessThanOrEqual(2001);
    expect(await outcome(tokens.getAccessToken({ businessId: `biz_${'x'.repeat(61)}` }))).toBe(
      'ASSET_BUSINESS_INVALID',
    );
  });
});

describe('businesses that get no answer', () => {
  it('T89 cost the others nothing: neither their tokens nor time', async () => {
    const { tokens, sandbox, clock } = await withTenants(20);
    const hangs = (i: number): boolean => i < 8;
    sandbox.fail(
      'token',
      { hang: true },
      {
        times: Infinity,
        when: isOneOf(/tenant[0-7]$/),
      },
    );
    for (let round = 0; round < 4; round += 1) {
      // Tokens of the healthy ones are stale, then expired: what they need is fetched beside eight that hang.
      await clock.advance(3_700_000);
      const hanging = times(8, (i) => outcome(tokens.getAccessToken(tenant(i))));
      await clock.advance(1);
      const healthy = times(20, (i) => i)
        .filter((i) => !hangs(i))
        .map((i) => outcome(tokens.getAccessToken(tenant(i))));
      if (round === 0) await clock.advance(10_000);
      for (const value of await Promise.all(healthy)) expect(value).toMatch(/^ey/);
      await clock.advance(60_000);
      await Promise.all(hanging);
    }
  });

  it.each<[string, (i: number) => boolean, number]>([
    ['by turns with the others', (i) => i % 5 < 2, 8],
    ['when the first ones have been served', (i) => i >= 4 && i < 12, 8],
    ['all but one', (i) => i > 0 && i < 9, 8],
    ['all', (i) => i < 8, 7],
  ])('T89 cost newcomers half of the time at most, where they came first: %s', async (_, hangs, count) => {
    const { tokens, sandbox, clock } = await startApplication();
    const key = (i: number): { businessId: string } => ({
      businessId: `biz_${hangs(i) ? 'hanging' : 'new'}${i}`,
    });
    for (let i = 0; i < 20; i += 1) sandbox.addBusiness({ id: key(i).businessId });
    sandbox.fail('token', { hang: true }, { times: Infinity, when: isOf('hanging') });
    const calls: { readonly i: number; readonly value: Promise<string> }[] = [];
    for (let i = 0; i < 300; i += 1) {
      calls.push({ i: i % 20, value: outcome(tokens.getAccessToken(key(i % 20))) });
      // As requests that come from sockets, each in a turn of its own.
      if (count === 7) await new Promise((resolve) => setImmediate(resolve));
    }
    const of = (hang: boolean): Promise<string>[] =>
      calls.filter(({ i }) => hangs(i) === hang).map(({ value }) => value);
    await sandbox.waitForRequest(isOf('hanging'), { count });
    await Promise.race(of(false));
    await clock.advance(5000);

    for (const value of await Promise.all(of(false))) expect(value).toMatch(/^ey/);
    await clock.advance(20_000);
    for (const value of await Promise.all(of(true))) expect(value).toBe('ASSET_TOKEN_UNAVAILABLE');
  });

  it('T89 have all their time anew when they have given their slot to others', async () => {
    const { tokens, sandbox, clock } = await startApplication({ options: { maxConcurrentTokenRequests: 2 } });
    for (const name of ['slow', 'quick', 'late']) sandbox.addBusiness({ id: `biz_${name}` });
    const errors: string[] = [];
    afterThisTest(onAssetAuthEvent('token.response', ({ error }) => errors.push(String(error?.message))));
    const ask = (name: string): Promise<string> =>
      outcome(tokens.getAccessToken({ businessId: `biz_${name}` }));
    const hold = sandbox.hold('token', isOf('slow'));
    const slow = ask('slow');
    await sandbox.waitForRequest(isOf('slow'));
    expect(await ask('quick')).toMatch(/^ey/);
    sandbox.fail('token', { hang: true }, { times: Infinity, when: isOf('hanging') });
    const hanging = ask('hanging');
    await sandbox.waitForRequest(isOf('hanging'));
    const late = ask('late');
    await clock.advance(5000);
    expect(await late).toMatch(/^ey/);
    expect(errors[1]).toContain('was given up: it had no answer after half of its time');

    await sandbox.waitForRequest(isOf('slow'), { count: 2 });
    await clock.advance(9000);
    hold.release();
    expect(await slow).toMatch(/^ey/);
    await clock.advance(10_000);
    expect(await hanging).toBe('ASSET_TOKEN_UNAVAILABLE');
  });

  it('T89 refuse no later caller when they gave their slot away and their own callers had left', async () => {
    const { tokens, sandbox, clock } = await startApplication({ options: { maxConcurrentTokenRequests: 2 } });
    for (const name of ['slow', 'quick', 'late']) sandbox.addBusiness({ id: `biz_${name}` });
    const ask = (name: string, signal?: AbortSignal): Promise<string> =>
      outcome(tokens.getAccessToken({ businessId: `biz_${name}` }, { signal }));
    const hold = sandbox.hold('token', isOf('slow'));
    const leaving = new AbortController();
    const slow = ask('slow', leaving.signal);
    await sandbox.waitForRequest(isOf('slow'));
    expect(await ask('quick')).toMatch(/^ey/);
    sandbox.fail('token', { hang: true }, { when: isOf('hanging') });
    const hanging = ask('hanging');
    await sandbox.waitForRequest(isOf('hanging'));
    leaving.abort();
    await slow;
    const late = ask('late');
    await clock.advance(5000);
    expect(await late).toMatch(/^ey/);
    hold.release();
    expect(await ask('slow')).toMatch(/^ey/);
    await clock.advance(10_000);
    expect(await hanging).toBe('ASSET_TOKEN_UNAVAILABLE');
  });

  it('T89 are told the truth when they gave way and no other attempt could be made', async () => {
    const { tokens, sandbox, clock } = await startApplication({ options: { maxConcurrentTokenRequests: 4 } });
    sandbox.addBusiness({ id: 'biz_quick' });
    sandbox.fail('token', { hang: true }, { times: Infinity, when: isOf('hanging') });
    const ask = (i: number): Promise<unknown> =>
      rejectionOf(tokens.getAccessToken({ businessId: `biz_hanging${i}` }));
    const hanging = times(3, ask);
    await tokens.getAccessToken({ businessId: 'biz_quick' });
    hanging.push(...times(4, (i) => ask(3 + i)));
    await sandbox.waitForRequest(isOf('hanging'), { count: 4 });
    for (let second = 0; second < 40; second += 1) {
      await clock.advance(1000);
      for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
    const sent = sandbox.tokenRequests.map(({ form }) => String(form.business_id));
    const errors = await Promise.all(hanging);
    const told = errors.filter((_error, i) => sent.includes(`biz_hanging${i}`)).map(String);
    expect(told.length).toBeGreaterThanOrEqual(4);
    expect(told.filter((text) => text.includes('Nothing was sent'))).toEqual([]);
  });

  it('T89 do not open the circuit while others get theirs', async () => {
    const { tokens, sandbox, clock } = await withTenants(20);
    sandbox.fail(
      'token',
      { hang: true },
      {
        times: Infinity,
        when: isOneOf(/tenant[0-5]$/),
      },
    );
    const hanging = times(6, (i) => rejectionOf(tokens.getAccessToken(tenant(i), { forceRefresh: true })));
    await sandbox.waitForRequest('token', { count: 26 });
    await clock.advance(9000);
    await tokens.getAccessToken(tenant(19), { forceRefresh: true });
    await clock.advance(1000);
    await Promise.all(hanging);
    await expect(tokens.getAccessToken(tenant(18), { forceRefresh: true })).resolves.toBeDefined();
    await pass({ tokens, clock }, 1000);
  });
});

describe('a crowd of new businesses', () => {
  it('T90 is served although it takes longer than one request may, as long as the queue moves', async () => {
    const { tokens, sandbox, clock } = await startApplication({ options: { tokenTimeoutMs: 1000 } });
    for (let i = 0; i < 100; i += 1) sandbox.addBusiness({ id: stranger(i).businessId });
    const hold = sandbox.hold('token');
    const calls = callStrangers(tokens, 0, 100);
    for (let answered = 0; answered < 100; answered += 1) {
      await sandbox.waitForRequest('token', { count: Math.min(100, 8 + answered) });
      await clock.advance(100);
      hold.release(1);
      await sandbox.waitForRequest('token', { count: answered + 1, until: 'answered' });
    }
    for (const value of await Promise.all(calls)) expect(value).toMatch(/^ey/);
  });
});
