import { ManualClock } from 'nestjs-asset-auth/testing';
import { firstValueFrom } from 'rxjs';
import { startApplication } from '../../support/application.js';
import {
  pass,
  passToExpiry,
  passToStale,
  refreshed,
  outcome,
  rejectionOf,
} from '../../support/token-time.js';
import { throughAttempts } from '../../support/through-attempts.js';

const SCOPES = { scopes: ['ledger:read'] };
const OTHER = { scopes: ['report:read'] };

class CountingClock extends ManualClock {
  timersSet = 0;

  override setTimeout(...args: Parameters<ManualClock['setTimeout']>): () => void {
    this.timersSet += 1;
    return super.setTimeout(...args);
  }
}

describe('while the token endpoint is down', () => {
  it.each([
    ['answers 500', { status: 500 }],
    ['answers 503', { status: 503 }],
    ['answers 429', { status: 429 }],
    ['resets connections', { reset: true } as const],
    ['answers nonsense', { body: '<html>' }],
    ['answers 403', { status: 403 }],
  ])('T32 T35 every call succeeds until the token expires: it %s', async (_, fault) => {
    const { tokens, sandbox, clock } = await startApplication();
    const token = await tokens.getAccessToken(SCOPES);
    await passToStale({ tokens, clock }, token);
    sandbox.fail('token', fault, Infinity);

    const attempts: number[] = [];
    while (clock.now() + 2000 < token.expiresAt.getTime()) {
      expect(await outcome(tokens.getAccessToken(SCOPES))).toBe(token.value);
      const before = sandbox.tokenRequests.length;
      await pass({ tokens, clock }, 2000);
      if (sandbox.tokenRequests.length > before) attempts.push(clock.now());
    }

    // Tried all along: no gap is longer than the longest step, and none than a quarter of what was left.
    const ends = [...attempts, token.expiresAt.getTime()];
    for (const [i, at] of ends.entries()) {
      const since = i === 0 ? token.refreshAt.getTime() : ends[i - 1]!;
      expect(at - since).toBeLessThanOrEqual(34_000);
    }
    expect(attempts.length).toBeGreaterThan(30);
    expect(attempts.length).toBeLessThan(100);
  });

  it('T32 T53 those who want their token to last longer than the present one get that, although it hangs', async () => {
    const { tokens, sandbox, clock } = await startApplication({
      options: { tokenTtlSeconds: 60, refreshAheadRatio: 0.5 },
    });
    const token = await tokens.getAccessToken(SCOPES);
    sandbox.fail('token', { hang: true }, Infinity);
    const outcomes: Promise<string>[] = [];
    while (clock.now() + 500 < token.expiresAt.getTime()) {
      outcomes.push(outcome(tokens.getAccessToken(SCOPES, { minimumLifeMs: 5000 })));
      await clock.advance(500);
    }
    await clock.advance(500);
    expect(await Promise.all(outcomes)).toEqual(outcomes.map(() => token.value));
    const late = outcome(tokens.getAccessToken(SCOPES));
    await clock.advance(10_000);
    expect(await late).toBe('ASSET_TOKEN_UNAVAILABLE');
  });

  it('T30 T53 a call whose timeout is longer than its token lasts is sent in time with that token, although it hangs', async () => {
    const { asset, tokens, sandbox, clock } = await startApplication();
    const view = asset.withScope('ledger:read');
    await firstValueFrom(view.get('/v0/echo'));
    const { expiresAt } = tokens.snapshot()[0]!;
    sandbox.fail('token', { hang: true }, Infinity);
    await clock.advance(expiresAt!.getTime() - 9000 - clock.now());
    const call = firstValueFrom(view.get('/v0/echo', { timeout: 20_000 }));
    await sandbox.waitForRequest('token', { count: 2 });
    await clock.advance(4499);
    expect(sandbox.apiRequests).toHaveLength(1);
    await clock.advance(1);
    await expect(call).resolves.toMatchObject({ status: 200 });
    expect(sandbox.apiRequests).toHaveLength(2);
  });

  it('takes a usable token from nobody who waits for the next one, were it evicted meanwhile', async () => {
    const { tokens, sandbox, clock } = await startApplication({ options: { maxTokens: 1 } });
    const token = await tokens.getAccessToken(SCOPES);
    await clock.advance(token.expiresAt.getTime() - 60_000 - clock.now());
    sandbox.fail('token', { status: 500 });
    const hold = sandbox.hold('token');
    const waits = outcome(tokens.getAccessToken(SCOPES, { minimumLifeMs: 100_000 }));
    await sandbox.waitForRequest('token', { count: 2 });
    const other = tokens.getAccessToken(OTHER);
    await sandbox.waitForRequest('token', { count: 3 });
    hold.release();
    await other;
    expect(await waits).toBe(token.value);
  });

  it('T37 attempts get closer as the expiry does, so that a late recovery is noticed', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const token = await tokens.getAccessToken(SCOPES);
    await passToStale({ tokens, clock }, token);
    sandbox.fail('token', { status: 500 }, Infinity);
    tokens.peekAccessToken(SCOPES);
    await pass({ tokens, clock }, token.expiresAt.getTime() - clock.now() - 44_000, 1000);
    sandbox.clearFaults();
    sandbox.clearRequests();

    // Nobody asks. A quarter of 44 s is 11 s.
    await pass({ tokens, clock }, 12_000, 250);
    expect(sandbox.tokenRequests).toHaveLength(1);
    expect(tokens.peekAccessToken(SCOPES)?.value).not.toBe(token.value);
  });

  it('T32 the first call after expiry and recovery succeeds within one backoff step', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const token = await tokens.getAccessToken(SCOPES);
    await passToStale({ tokens, clock }, token);
    sandbox.fail('token', { status: 503 }, Infinity);
    tokens.peekAccessToken(SCOPES);
    await pass({ tokens, clock }, token.expiresAt.getTime() - clock.now() - 500, 1000);
    await passToExpiry({ tokens, clock }, token);

    // The steps begin anew: many failures in the background do not make those wait who have nothing in hand.
    expect(await throughAttempts(clock, outcome(tokens.getAccessToken(SCOPES)))).toBe(
      'ASSET_TOKEN_UNAVAILABLE',
    );
    const error = await rejectionOf(tokens.getAccessToken(SCOPES));
    expect((error as { retryAfterMs: number }).retryAfterMs).toBeLessThanOrEqual(1000);
    sandbox.clearFaults();
    await clock.advance(1000);
    await expect(tokens.getAccessToken(SCOPES)).resolves.toMatchObject({ scopes: ['ledger:read'] });
  });

  it('T33 T35 failures in the background leave a forced refresh its real cause, and the held token its place', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const token = await tokens.getAccessToken(SCOPES);
    await passToStale({ tokens, clock }, token);
    sandbox.fail('token', { status: 500, body: { message: 'the database is gone' } });
    tokens.peekAccessToken(SCOPES);
    await sandbox.waitForRequest('token', { count: 2, until: 'answered' });
    await refreshed({ tokens, clock });

    const error = await rejectionOf(tokens.getAccessToken(SCOPES, { forceRefresh: true }));
    expect(error).toMatchObject({ code: 'ASSET_TOKEN_UNAVAILABLE', status: 500 });
    expect(String(error)).toContain('the database is gone');
    expect(sandbox.tokenRequests).toHaveLength(2);
    expect(tokens.peekAccessToken(SCOPES)).toBe(token);
  });

  it('T38 a failure is forgotten as soon as a token arrives', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    // One request of three attempts, and two of one.
    sandbox.fail('token', { status: 500 }, 5);
    for (let i = 0; i < 3; i += 1) {
      await throughAttempts(clock, rejectionOf(tokens.getAccessToken(SCOPES)));
      await clock.advance(4000);
    }
    expect(tokens.snapshot()).toMatchObject([
      { state: 'empty', lastError: { code: 'ASSET_TOKEN_UNAVAILABLE' } },
    ]);
    await tokens.getAccessToken(SCOPES);
    expect(tokens.snapshot()).toMatchObject([{ state: 'fresh', lastError: undefined }]);

    // The steps begin anew.
    sandbox.fail('token', { status: 500 }, 2);
    await rejectionOf(tokens.getAccessToken(SCOPES, { forceRefresh: true }));
    const error = await rejectionOf(tokens.getAccessToken(SCOPES, { forceRefresh: true }));
    expect((error as { retryAfterMs: number }).retryAfterMs).toBeLessThanOrEqual(1000);
  });

  it('T46 each caller gets a typed error: there is no call without a token', async () => {
    const { tokens, asset, sandbox, clock } = await startApplication();
    sandbox.fail('token', { reset: true }, Infinity);
    await expect(throughAttempts(clock, asset.axiosRef.get('/v0/business'))).rejects.toMatchObject({
      code: 'ASSET_TOKEN_UNAVAILABLE',
    });
    expect(await throughAttempts(clock, outcome(tokens.getAccessToken(SCOPES)))).toBe(
      'ASSET_TOKEN_UNAVAILABLE',
    );
    expect(sandbox.apiRequests).toEqual([]);
  });

  it('the snapshot shows the latest failure of a key that is served all the same', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const token = await tokens.getAccessToken(SCOPES);
    await passToStale({ tokens, clock }, token);
    sandbox.fail('token', { status: 429, retryAfter: 30 });
    tokens.peekAccessToken(SCOPES);
    await sandbox.waitForRequest('token', { count: 2, until: 'answered' });
    await refreshed({ tokens, clock });
    expect(tokens.snapshot()).toMatchObject([
      { state: 'stale', lastError: { code: 'ASSET_TOKEN_THROTTLED' } },
    ]);
  });
});

describe('a token endpoint that hangs', () => {
  it('T53 releases its callers at the deadline, and the key for the next attempt', async () => {
    const { tokens, sandbox, clock } = await startApplication({ options: { tokenTimeoutMs: 2000 } });
    sandbox.fail('token', { hang: true });
    const call = outcome(tokens.getAccessToken(SCOPES));
    await sandbox.waitForRequest('token');
    await clock.advance(2000);
    expect(await call).toBe('ASSET_TOKEN_UNAVAILABLE');
    await clock.advance(1000);
    await expect(tokens.getAccessToken(SCOPES)).resolves.toBeDefined();
  });

  it('T53 is given its time: an answer within the deadline counts, and leaves no timer that holds the process', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    sandbox.fail('token', { delayMs: 9000 });
    const call = outcome(tokens.getAccessToken(SCOPES));
    await sandbox.waitForRequest('token');
    await clock.advance(9000);
    expect(await call).toMatch(/^ey/);
    expect(clock.timers.filter(({ ref }) => ref)).toEqual([]);
  });

  it('is the endpoint’s fault after five: everybody else fails fast, one at a time tries', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    sandbox.fail('token', { hang: true }, Infinity);
    const first = Array.from({ length: 100 }, (_, i) =>
      outcome(tokens.getAccessToken({ scopes: [`first:${i}`] })),
    );
    await sandbox.waitForRequest('token', { count: 8 });
    await clock.advance(10_000);
    // Eight hung; the others were turned away instead of hanging in their turn.
    expect(new Set(await Promise.all(first))).toEqual(new Set(['ASSET_TOKEN_UNAVAILABLE']));
    const sent = sandbox.tokenRequests.length;
    expect(sent).toBeLessThanOrEqual(12);

    await clock.advance(1000);
    const second = Array.from({ length: 100 }, (_, i) =>
      rejectionOf(tokens.getAccessToken({ scopes: [`second:${i}`] })),
    );
    const errors = await Promise.all(second.slice(1));
    for (const error of errors)
      expect(error).toMatchObject({ code: 'ASSET_TOKEN_UNAVAILABLE', retryable: true });
    await sandbox.waitForRequest('token', { count: sent + 1 });
    await clock.advance(10_000);
    expect(await second[0]).toMatchObject({ code: 'ASSET_TOKEN_UNAVAILABLE' });
    expect(sandbox.tokenRequests).toHaveLength(sent + 1);
  });

  it('T33 takes nothing from those who wait if only refreshes failed', async () => {
    const { tokens, sandbox, clock } = await startApplication({ options: { maxConcurrentTokenRequests: 6 } });
    const keys = Array.from({ length: 5 }, (_, i) => ({ resource: `https://example.com/${i}` }));
    for (const key of keys) await tokens.getAccessToken(key);
    await pass({ tokens, clock }, 3_000_000);
    const hanging = sandbox.hold('token');
    sandbox.fail('token', { status: 500 }, 5);
    for (const key of keys) tokens.peekAccessToken(key);
    await sandbox.waitForRequest('token', { count: 10 });
    // One goes out beside the refreshes, the others queue.
    const callers = Array.from({ length: 12 }, (_, i) => `caller-${i}`).map((id) =>
      outcome(tokens.getAccessToken({ resource: `https://example.com/${id}` })),
    );
    await sandbox.waitForRequest('token', { count: 11 });

    hanging.release();

    for (const call of callers) expect(await call).toMatch(/^ey/);
  });
});

const UNREADABLE: readonly (readonly [string, () => string | Promise<string>])[] = [
  ['throws', () => Promise.reject(new Error('vault is sealed'))],
  [
    'throws synchronously',
    () => {
      throw new Error('vault is sealed');
    },
  ],
  ['hangs', () => new Promise<string>(() => {})],
  ['is empty', () => ''],
];

describe('whose failure it is', () => {
  it('T43 a scope that one key is refused leaves the others alone, and is not asked for by every caller', async () => {
    const { tokens, sandbox } = await startApplication();
    for (let i = 0; i < 50; i += 1) {
      expect(await outcome(tokens.getAccessToken({ scopes: ['not:granted'] }))).toBe('ASSET_SCOPE_REJECTED');
    }
    await expect(tokens.getAccessToken(SCOPES)).resolves.toBeDefined();
    expect(sandbox.tokenRequests).toHaveLength(2);
  });

  it('T42 rejected credentials are the endpoint’s: no key tries again but for probes, after 1, 10, 60 and each 300 s', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    sandbox.rotateSecret();
    expect(await outcome(tokens.getAccessToken(SCOPES))).toBe('ASSET_CREDENTIALS_REJECTED');
    for (let second = 0; second < 299; second += 1) {
      expect(await outcome(tokens.getAccessToken(second % 2 === 0 ? SCOPES : OTHER))).toBe(
        'ASSET_CREDENTIALS_REJECTED',
      );
      await clock.advance(1000);
    }
    // At once, and after 1, 11 and 71 s.
    expect(sandbox.tokenRequests).toHaveLength(4);
    await clock.advance(72_000);
    const herd = Array.from({ length: 10 }, (_, i) =>
      outcome(tokens.getAccessToken({ scopes: [`scope:${i}`] })),
    );
    expect(new Set(await Promise.all(herd))).toEqual(new Set(['ASSET_CREDENTIALS_REJECTED']));
    expect(sandbox.tokenRequests).toHaveLength(5);
  });

  it('T84 a secret that is rotated while the old one is revoked costs no call', async () => {
    let secret = '';
    const { tokens, sandbox, clock } = await startApplication({ options: { clientSecret: () => secret } });
    secret = sandbox.clientSecret;
    let current = await tokens.getAccessToken(SCOPES);
    for (let minute = 0; minute < 180; minute += 1) {
      if (minute === 45) {
        sandbox.rotateSecret('the-next-secret');
      }
      if (minute === 50) secret = 'the-next-secret';
      current = await tokens.getAccessToken(SCOPES);
      await pass({ tokens, clock }, 60_000);
    }
    expect(sandbox.issuedTokens.at(-1)).toBe(current.value);
    expect(
      sandbox.tokenRequests.filter(({ secretWasCorrect }) => secretWasCorrect).length,
    ).toBeGreaterThanOrEqual(4);
  });

  it('an ordered wait is slept through: no timer spins meanwhile, however many keys wait to be refreshed', async () => {
    const clock = new CountingClock();
    const { tokens, sandbox } = await startApplication({ clock });
    const keys = Array.from({ length: 20 }, (_, i) => ({ resource: `https://example.com/${i}` }));
    for (const key of keys) await tokens.getAccessToken(key);
    await clock.advance(3_200_000);
    sandbox.fail('token', { status: 429, retryAfter: 60 }, Infinity);
    for (const key of keys) tokens.peekAccessToken(key);
    await refreshed({ tokens, clock });
    clock.timersSet = 0;
    await pass({ tokens, clock }, 59_000);
    expect(clock.timersSet).toBeLessThanOrEqual(40);

    // One tries; while it has no answer, the others look again every now and then.
    sandbox.hold('token');
    await clock.advance(2000);
    expect(tokens.snapshot().filter(({ refreshing }) => refreshing)).toHaveLength(1);
    clock.timersSet = 0;
    await clock.advance(5000);
    expect(clock.timersSet).toBeLessThanOrEqual(20 * 11);
  });

  it('an ordered wait is obeyed by all keys, and not taken back by an answer that was under way', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const hold = sandbox.hold(
      'token',
      (request) => request.kind === 'token' && request.form.scope === 'report:read',
    );
    const late = tokens.getAccessToken(OTHER);
    await sandbox.waitForRequest('token');
    sandbox.fail('token', { status: 429, retryAfter: 20 });
    expect(await outcome(tokens.getAccessToken(SCOPES))).toBe('ASSET_TOKEN_THROTTLED');
    hold.release();
    await late;

    await clock.advance(19_000);
    const error = await rejectionOf(tokens.getAccessToken(SCOPES));
    expect(error).toMatchObject({ code: 'ASSET_TOKEN_THROTTLED', retryAfterMs: 1000 });
    expect(sandbox.tokenRequests).toHaveLength(2);
    await clock.advance(1000);
    await expect(tokens.getAccessToken(SCOPES)).resolves.toBeDefined();
  });

  it.each([429, 503])('T40 a wait of ten days that a %i orders is kept for a minute', async (status) => {
    const { tokens, sandbox, clock } = await startApplication();
    sandbox.fail('token', { status, retryAfter: 864_000 });
    await rejectionOf(tokens.getAccessToken(SCOPES));
    await clock.advance(59_999);
    expect(await rejectionOf(tokens.getAccessToken(OTHER))).toMatchObject({ retryAfterMs: 1 });
    await clock.advance(1);
    await expect(tokens.getAccessToken(OTHER)).resolves.toBeDefined();
  });

  it.each(UNREADABLE)(
    'T39 a secret function that %s locks nothing: typed errors, nothing sent, and the next read counts',
    async (_, bad) => {
      let read: () => string | Promise<string> = bad;
      const { tokens, sandbox, clock } = await startApplication({ options: { clientSecret: () => read() } });
      const calls = [outcome(tokens.getAccessToken(SCOPES)), outcome(tokens.getAccessToken(OTHER))];
      await clock.advance(10_000);
      expect(new Set(await Promise.all(calls))).toEqual(new Set(['ASSET_TOKEN_UNAVAILABLE']));
      expect(sandbox.tokenRequests).toEqual([]);

      read = () => sandbox.clientSecret;
      await clock.advance(1000);
      await expect(tokens.getAccessToken(SCOPES)).resolves.toBeDefined();
      await expect(tokens.getAccessToken(OTHER)).resolves.toBeDefined();
    },
  );
});

describe('a token that the API rejected', () => {
  it('T05 is replaced once, however late the others hear of it', async () => {
    const { tokens, sandbox } = await startApplication();
    const sent = await tokens.getAccessToken(SCOPES);
    const replaced = [];
    for (let i = 0; i < 5; i += 1) replaced.push(await tokens.replaceRejected(sent));
    expect(new Set(replaced).size).toBe(1);
    expect(replaced[0]?.value).not.toBe(sent.value);
    expect(sandbox.tokenRequests).toHaveLength(2);
  });

  it('T62 is not replaced again and again: a 401 for the new one surfaces until the cool-down is over', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const next = await tokens.replaceRejected(await tokens.getAccessToken(SCOPES));
    await expect(tokens.replaceRejected(next!)).resolves.toBeUndefined();
    await clock.advance(29_999);
    await expect(tokens.replaceRejected(next!)).resolves.toBeUndefined();
    expect(sandbox.tokenRequests).toHaveLength(2);
    await clock.advance(1);
    expect(await tokens.replaceRejected(next!)).toBeDefined();
    expect(sandbox.tokenRequests).toHaveLength(3);
  });

  it('T62 has a cool-down of a quarter of its life, if that is shorter', async () => {
    const { tokens, clock } = await startApplication({
      sandboxOptions: { tokenLifetimeSeconds: 40, expiresIn: 'seconds', tokenFormat: 'opaque' },
    });
    const next = await tokens.replaceRejected(await tokens.getAccessToken(SCOPES));
    await clock.advance(9_999);
    await expect(tokens.replaceRejected(next!)).resolves.toBeUndefined();
    await clock.advance(1);
    await expect(tokens.replaceRejected(next!)).resolves.toBeDefined();
  });

  it('has no cool-down where nothing was sent: for a caller that had left, or while the endpoint is in trouble', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const sent = await tokens.getAccessToken(SCOPES);
    await rejectionOf(tokens.replaceRejected(sent, AbortSignal.abort()));
    await tokens.getAccessToken(OTHER);
    sandbox.fail('token', { status: 429, retryAfter: 5 });
    await rejectionOf(tokens.getAccessToken(OTHER, { forceRefresh: true }));
    await rejectionOf(tokens.replaceRejected(sent));
    await clock.advance(5000);
    expect(await tokens.replaceRejected(sent)).toBeDefined();
  });

  it('joins a refresh under way also within its cool-down', async () => {
    const { tokens, sandbox } = await startApplication();
    const next = await tokens.replaceRejected(await tokens.getAccessToken(SCOPES));
    const hold = sandbox.hold('token');
    const forced = tokens.getAccessToken(SCOPES, { forceRefresh: true });
    const joined = tokens.replaceRejected(next!);
    hold.release();
    expect(await joined).toBe(await forced);
    expect(sandbox.tokenRequests).toHaveLength(3);
  });

  it('joins a refresh under way instead of forcing one', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const sent = await tokens.getAccessToken(SCOPES);
    await passToStale({ tokens, clock }, sent);
    const hold = sandbox.hold('token');
    tokens.peekAccessToken(SCOPES);
    await sandbox.waitForRequest('token', { count: 2 });
    const next = tokens.replaceRejected(sent);
    hold.release();
    expect((await next)?.value).toBe(sandbox.issuedTokens[1]);
    expect(sandbox.tokenRequests).toHaveLength(2);
  });
});
