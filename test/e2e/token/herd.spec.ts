import { Controller, Get, Headers, Inject, Injectable, Scope } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { type AccessToken, AssetHttpService, AssetScope } from 'nestjs-asset-auth';
import { startApplication } from '../../support/application.js';
import { eventually } from '../../support/eventually.js';
import { pass, passToExpiry, passToStale, refreshed, rejectionOf } from '../../support/token-time.js';
import { throughAttempts } from '../../support/through-attempts.js';

const SCOPES = { scopes: ['ledger:read'] };
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

const countBusinesses = async (asset: AssetHttpService): Promise<number> => {
  const { data } = await asset.axiosRef.get<{ data: unknown[] }>('/v0/business');
  return data.data.length;
};

/** One for all users. */
@Controller('plain')
@AssetScope('ledger:read')
class PlainController {
  constructor(private readonly asset: AssetHttpService) {}

  @Get()
  async find(@Headers('x-user') user: string) {
    return { user, businesses: await countBusinesses(this.asset) };
  }
}

/** One for each request, and so for each user. */
@Injectable({ scope: Scope.REQUEST })
class UsersBusinesses {
  constructor(
    @Inject(REQUEST) private readonly request: { readonly headers: Record<string, string> },
    private readonly asset: AssetHttpService,
  ) {}

  async find() {
    return { user: this.request.headers['x-user'], businesses: await countBusinesses(this.asset) };
  }
}

@Controller('request-scoped')
@AssetScope('ledger:read')
class RequestScopedController {
  constructor(private readonly businesses: UsersBusinesses) {}

  @Get()
  find() {
    return this.businesses.find();
  }
}

describe('many callers at once', () => {
  it('T01 share one token request per key: 1,000 cold calls over 10 keys make 10', async () => {
    const { tokens, sandbox } = await startApplication();
    const businesses = times(10, () => sandbox.addBusiness().id);

    const handedOut = await Promise.all(
      times(1000, (i) => tokens.getAccessToken({ ...SCOPES, businessId: businesses[i % 10]! })),
    );

    expect(sandbox.tokenRequests).toHaveLength(10);
    expect(new Set(handedOut).size).toBe(10);
    expect(handedOut.every(({ businessId }, i) => businessId === businesses[i % 10])).toBe(true);
  });

  it('T02 go through three expiries with one token request each: nobody waits, nothing expired is handed out', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const first = await tokens.getAccessToken(SCOPES);
    const seen = new Set<AccessToken>([first]);
    let handedOut = 0;

    for (let current = first, expiries = 0; expiries < 3; expiries += 1) {
      const expiresAt = current.expiresAt.getTime();
      for (let minute = 0; clock.now() <= expiresAt && minute < 100; minute += 1) {
        for (let worker = 0; worker < 50; worker += 1) {
          // Synchronous: a caller that is served here has waited for nothing.
          const token = tokens.peekAccessToken(SCOPES);
          expect(token).toBeDefined();
          expect(token!.expiresAt.getTime()).toBeGreaterThan(clock.now());
          seen.add((current = token!));
          handedOut += 1;
        }
        await pass({ tokens, clock }, 60_000);
      }
    }

    expect(handedOut).toBeGreaterThan(50 * 120);
    expect(sandbox.tokenRequests).toHaveLength(seen.size);
    expect(seen.size).toBe(4);
  });

  it('T02 T34 are served at once while the token is stale, without waiting on the refresh that hangs', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const first = await tokens.getAccessToken(SCOPES);
    const hold = sandbox.hold('token');
    await passToStale({ tokens, clock }, first);

    for (const token of await Promise.all(times(100, () => tokens.getAccessToken(SCOPES))))
      expect(token).toBe(first);
    await sandbox.waitForRequest('token', { count: 2 });
    hold.release();
    await refreshed({ tokens, clock });

    expect(tokens.peekAccessToken(SCOPES)?.value).not.toBe(first.value);
    expect(sandbox.tokenRequests).toHaveLength(2);
  });

  it.each([429, 500])(
    'T03 cost a failing endpoint (%i) what the backoff schedule allows, not what they ask',
    async (status) => {
      const { tokens, sandbox, clock } = await startApplication();
      sandbox.fail('token', { status }, Infinity);
      const sentAt: number[] = [];

      for (let second = 0; second < 120; second += 1) {
        const before = sandbox.tokenRequests.length;
        const herd = Promise.allSettled(times(200, () => tokens.getAccessToken(SCOPES)));
        const results = await throughAttempts(clock, herd);
        expect(results.every((result) => result.status === 'rejected')).toBe(true);
        const sent = sandbox.tokenRequests.length - before;
        // The first may be a blip: while callers wait, it is tried up to three times.
        expect(sent).toBeLessThanOrEqual(second === 0 && status === 500 ? 3 : 1);
        if (sent > 0) sentAt.push(second);
        await clock.advance(1000);
      }

      // Steps of 1, 2, 4, 8, 16 and then 30 s, each between its half and its whole, rounded up by the test's own second.
      sentAt.slice(1).forEach((at, i) => {
        const step = Math.min(30, 2 ** i);
        const gap = at - sentAt[i]!;
        expect(gap).toBeGreaterThanOrEqual(step / 2);
        expect(gap).toBeLessThanOrEqual(step + 1);
      });
      expect(sentAt.length).toBeGreaterThanOrEqual(7);
      expect(sentAt.length).toBeLessThanOrEqual(13);
    },
  );

  it('T03 of a thousand different keys cost a failing endpoint no more than those of one', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    sandbox.fail('token', { status: 503 }, Infinity);
    const herd = (): Promise<unknown> =>
      Promise.allSettled(times(1000, (i) => tokens.getAccessToken({ scopes: [`scope:${i}`] })));

    await throughAttempts(clock, herd());
    // Five in a row are the endpoint's. Eight had slots from the start, and the first four to fail gave theirs away.
    expect(sandbox.tokenRequests).toHaveLength(12);
    await herd();
    expect(sandbox.tokenRequests).toHaveLength(12);
    await clock.advance(1000);
    await herd();
    expect(sandbox.tokenRequests).toHaveLength(13);
  });

  it('T04 that try again at once make no further request', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    sandbox.fail('token', { status: 500 }, Infinity);
    const withRetry = async (): Promise<unknown> => {
      await rejectionOf(tokens.getAccessToken(SCOPES));
      return rejectionOf(tokens.getAccessToken(SCOPES));
    };

    const errors = await throughAttempts(clock, Promise.all(times(100, withRetry)));

    expect(sandbox.tokenRequests).toHaveLength(3);
    for (const error of errors)
      expect(error).toMatchObject({ code: 'ASSET_TOKEN_UNAVAILABLE', retryable: true });
    expect((errors[0] as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(0);
  });

  it('T08 fail all at once, not one after the other', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    sandbox.fail('token', { hang: true });
    let failed = 0;
    const callers = times(100, async () => {
      await rejectionOf(tokens.getAccessToken(SCOPES));
      failed += 1;
    });
    await sandbox.waitForRequest('token');
    expect(failed).toBe(0);

    await clock.advance(10_000);
    await Promise.all(callers);

    expect(failed).toBe(100);
    expect(sandbox.tokenRequests).toHaveLength(1);
  });

  it('T07 of 5,000 businesses that expire together do not slow a key whose token is fresh', async () => {
    const scopes = times(5000, (i) => `scope:${i}`);
    const { app, tokens, sandbox, clock } = await startApplication({
      sandboxOptions: { scopes: [...scopes, 'report:read'] },
    });
    await Promise.all(scopes.map((scope) => tokens.getAccessToken({ scopes: scope })));
    await clock.advance(3_500_000);
    const fresh = await tokens.getAccessToken({ scopes: 'report:read' });
    sandbox.hold('token');
    await clock.advance(200_000);
    sandbox.clearRequests();

    const herd = Promise.allSettled(scopes.map((scope) => tokens.getAccessToken({ scopes: scope })));
    await sandbox.waitForRequest('token', { count: 8 });

    expect(tokens.peekAccessToken({ scopes: 'report:read' })).toBe(fresh);
    await expect(tokens.getAccessToken({ scopes: 'report:read' })).resolves.toBe(fresh);
    expect(sandbox.tokenRequests).toHaveLength(8);
    await app.close();
    for (const { status } of await herd) expect(status).toBe('rejected');
  });

  it('T10 do not move the refresh: when a token is due is rolled once', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const token = await tokens.getAccessToken(SCOPES);
    const due = token.refreshAt.getTime();
    // The earliest that any roll could be: 30 % of the life before its end.
    await clock.advance(0.7 * 3_600_000 - 10);

    for (let i = 0; i < 10_000; i += 1) tokens.peekAccessToken(SCOPES);
    expect(token.refreshAt.getTime()).toBe(due);
    await clock.advance(due - clock.now() - 1);
    for (let i = 0; i < 10_000; i += 1) tokens.peekAccessToken(SCOPES);

    expect(sandbox.tokenRequests).toHaveLength(1);
    await pass({ tokens, clock }, 2);
    expect(sandbox.tokenRequests).toHaveLength(2);
  });

  it('T09 of many instances that start together spread their refreshes over the jitter', async () => {
    // The chance that 500 draws leave a fifth of the window empty is one in 10⁴⁶.
    const keys = times(20, (i) => ({ resource: `https://example.com/${i}` }));
    const { sandbox } = await startApplication();
    const pods: number[][] = [];
    for (let pod = 0; pod < 25; pod += 1) {
      const { tokens, clock } = await startApplication({ sandbox });
      const issued = await Promise.all(keys.map((key) => tokens.getAccessToken(key)));
      pods.push(issued.map(({ refreshAt }) => refreshAt.getTime() - clock.now()));
    }
    const spread = pods.flat();
    const window = 0.2 * 0.25 * 3_600_000;

    expect(Math.min(...spread)).toBeGreaterThanOrEqual(3_600_000 - 0.25 * 3_600_000 - window - 1000);
    expect(Math.max(...spread)).toBeLessThanOrEqual(3_600_000 - 0.25 * 3_600_000 + 1000);
    expect(Math.max(...spread) - Math.min(...spread)).toBeGreaterThanOrEqual(0.8 * window);
    // Each rolls for itself.
    expect(new Set(pods.map(String)).size).toBe(25);
  });

  it('T19 on behalf of many users share the token of the service', async () => {
    const { url, sandbox } = await startApplication({
      controllers: [PlainController, RequestScopedController],
      providers: [UsersBusinesses],
    });

    const answers = await Promise.all(
      times(100, async (i) => {
        const user = `user-${i}`;
        const path = i % 2 === 0 ? 'plain' : 'request-scoped';
        const response = await fetch(`${url}/${path}`, { headers: { 'x-user': user } });
        return [user, await response.json()];
      }),
    );

    expect(answers).toEqual(times(100, (i) => [`user-${i}`, { user: `user-${i}`, businesses: 3 }]));
    expect(sandbox.apiRequests).toHaveLength(100);
    expect(new Set(sandbox.apiRequests.map(({ claims }) => claims?.jti)).size).toBe(1);
    expect(sandbox.tokenRequests).toHaveLength(1);
  });

  it('who come after the token has expired join one pending request', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const first = await tokens.getAccessToken(SCOPES);
    await passToStale({ tokens, clock }, first);
    await passToExpiry({ tokens, clock }, first);
    expect(sandbox.tokenRequests).toHaveLength(1);

    const next = await Promise.all(times(50, () => tokens.getAccessToken(SCOPES)));

    expect(new Set(next).size).toBe(1);
    expect(next[0]!.value).not.toBe(first.value);
    expect(sandbox.tokenRequests).toHaveLength(2);
    await eventually(() => tokens.snapshot().length === 1);
  });
});
