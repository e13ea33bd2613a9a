import { AsyncLocalStorage } from 'node:async_hooks';
import type { AssetTokenFilter } from 'nestjs-asset-auth';
import { ManualClock } from 'nestjs-asset-auth/testing';
import { startApplication } from '../../support/application.js';
import { eventually } from '../../support/eventually.js';
import { startSandbox } from '../../support/sandbox.js';
import { pass, passToExpiry, passToStale, refreshed, rejectionOf } from '../../support/token-time.js';

const SCOPES = { scopes: ['ledger:read'] };
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe('a token that is used', () => {
  it.each(['getAccessToken', 'peekAccessToken'] as const)(
    'by %s is refreshed ahead, without anybody asking then',
    async (use) => {
      const { tokens, sandbox, clock } = await startApplication();
      const first = await tokens.getAccessToken(SCOPES);
      expect(await tokens[use](SCOPES)).toBe(first);
      expect(tokens.snapshot()).toMatchObject([{ state: 'fresh', uses: 1 }]);

      await pass({ tokens, clock }, first.refreshAt.getTime() - clock.now() - 1);
      expect(sandbox.tokenRequests).toHaveLength(1);
      await pass({ tokens, clock }, 2);

      expect(sandbox.tokenRequests).toHaveLength(2);
      expect(tokens.peekAccessToken(SCOPES)?.value).not.toBe(first.value);
    },
  );

  it('goes on being refreshed for as long as it is used', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    await tokens.getAccessToken(SCOPES);
    for (let i = 0; i < 24 * 6; i += 1) {
      expect(tokens.peekAccessToken(SCOPES)).toBeDefined();
      await pass({ tokens, clock }, 600_000);
    }
    // One for each 42 to 45 minutes, seen every ten.
    expect(sandbox.tokenRequests.length).toBeGreaterThanOrEqual(30);
    expect(sandbox.tokenRequests.length).toBeLessThanOrEqual(36);
  });

  it('is woken by the first use in its stale time, synchronous or not', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    for (const use of [() => tokens.peekAccessToken(SCOPES), () => tokens.getAccessToken(SCOPES)]) {
      const first = await tokens.getAccessToken(SCOPES);
      sandbox.clearRequests();
      await passToStale({ tokens, clock }, first);
      await pass({ tokens, clock }, 60_000);
      expect(sandbox.tokenRequests).toHaveLength(0);

      expect(await use()).toBe(first);
      await sandbox.waitForRequest('token', { until: 'answered' });
      await refreshed({ tokens, clock });
      expect(tokens.peekAccessToken(SCOPES)).not.toBe(first);
      await pass({ tokens, clock }, 2 * HOUR);
    }
  });
});

describe('a token that is idle', () => {
  it('is not refreshed: having waited for it is no use of it, nor is a snapshot', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    await Promise.all([tokens.getAccessToken(SCOPES), tokens.getAccessToken(SCOPES)]);
    for (let i = 0; i < 59; i += 1) {
      tokens.snapshot();
      await pass({ tokens, clock }, 60_000);
    }
    expect(tokens.snapshot()).toMatchObject([{ state: 'stale', uses: 0 }]);
    expect(sandbox.tokenRequests).toHaveLength(1);
  });

  it('lapses: at its expiry it leaves the memory and takes its timer along', async () => {
    const { tokens, clock } = await startApplication();
    const token = await tokens.getAccessToken(SCOPES);
    await pass({ tokens, clock }, token.expiresAt.getTime() - clock.now() - 1);
    expect(tokens.snapshot()).toHaveLength(1);
    await pass({ tokens, clock }, 2);
    expect(tokens.snapshot()).toEqual([]);
    expect(clock.timers).toEqual([]);
  });

  it('lapses after one more refresh if it was used before that only', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    await tokens.getAccessToken(SCOPES);
    tokens.peekAccessToken(SCOPES);
    await pass({ tokens, clock }, 10 * HOUR, 600_000);
    expect(sandbox.tokenRequests).toHaveLength(2);
    expect(tokens.snapshot()).toEqual([]);
  });
});

describe('the wait for a token', () => {
  it('T30 happens while a stale one is held, if that would not last as long as the caller needs it', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const first = await tokens.getAccessToken(SCOPES);
    const windowMs = first.expiresAt.getTime() - first.refreshAt.getTime();
    await clock.advance(first.expiresAt.getTime() - clock.now() - 60_000);

    // Served to who needs it for less.
    expect(tokens.peekAccessToken(SCOPES, { minimumLifeMs: 120_000 })).toBeUndefined();
    expect(sandbox.tokenRequests).toHaveLength(1);
    const next = await tokens.getAccessToken(SCOPES, { minimumLifeMs: 120_000 });
    expect(next.value).not.toBe(first.value);
    expect(sandbox.tokenRequests).toHaveLength(2);

    // Half the window is the most that can be asked for: more would make stale tokens useless.
    await clock.advance(next.expiresAt.getTime() - clock.now() - windowMs * 0.6);
    const hold = sandbox.hold('token');
    expect(tokens.peekAccessToken(SCOPES, { minimumLifeMs: DAY })).toBe(next);
    await expect(tokens.getAccessToken(SCOPES, { minimumLifeMs: DAY })).resolves.toBe(next);
    hold.release();
  });

  it('T30 T33 ends with the held token if the next cannot be had, or may not be asked for', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const first = await tokens.getAccessToken(SCOPES);
    await clock.advance(first.expiresAt.getTime() - clock.now() - 60_000);
    sandbox.fail('token', { status: 500 }, Infinity);

    for (let i = 0; i < 10; i += 1) {
      await expect(tokens.getAccessToken(SCOPES, { minimumLifeMs: 120_000 })).resolves.toBe(first);
    }
    expect(sandbox.tokenRequests).toHaveLength(2);
  });

  it('T30 does not end with the held token if that expired in the meantime', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const first = await tokens.getAccessToken(SCOPES);
    await clock.advance(first.expiresAt.getTime() - clock.now() - 5000);
    sandbox.fail('token', { hang: true });
    const call = rejectionOf(tokens.getAccessToken(SCOPES, { minimumLifeMs: 60_000 }));
    await sandbox.waitForRequest('token', { count: 2 });
    // The machine slept.
    clock.suspend(6000);
    await clock.advance(10_000);
    expect(await call).toMatchObject({ code: 'ASSET_TOKEN_UNAVAILABLE' });
  });

  it('T30 does not end with the held token if that was given up in the meantime', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const first = await tokens.getAccessToken(SCOPES);
    await clock.advance(first.expiresAt.getTime() - clock.now() - 60_000);
    const hold = sandbox.hold('token');
    const call = rejectionOf(tokens.getAccessToken(SCOPES, { minimumLifeMs: 120_000 }));
    await sandbox.waitForRequest('token', { count: 2 });
    tokens.invalidate(first);
    await clock.advance(31_000);
    hold.release();
    expect(await call).toMatchObject({ code: 'ASSET_TOKEN_UNAVAILABLE' });
  });

  it('joins a refresh that is under way', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const first = await tokens.getAccessToken(SCOPES);
    await passToStale({ tokens, clock }, first);
    const hold = sandbox.hold('token');
    tokens.peekAccessToken(SCOPES);
    await sandbox.waitForRequest('token', { count: 2 });

    const waiting = [
      tokens.getAccessToken(SCOPES, { forceRefresh: true }),
      tokens.getAccessToken(SCOPES, { forceRefresh: true }),
    ];
    hold.release();
    const [a, b] = await Promise.all(waiting);

    expect(a).toBe(b);
    expect(a!.value).not.toBe(first.value);
    expect(sandbox.tokenRequests).toHaveLength(2);
  });
});

describe('lifetimes of all lengths', () => {
  it('T24 a token shorter than any window is fresh for half its life, and asked for once in it', async () => {
    const { tokens, sandbox, clock } = await startApplication({
      sandboxOptions: { tokenLifetimeSeconds: 1, expiresIn: 'seconds', tokenFormat: 'opaque' },
    });
    for (let i = 0; i < 100; i += 1) {
      for (let call = 0; call < 20; call += 1) {
        const token = tokens.peekAccessToken(SCOPES) ?? (await tokens.getAccessToken(SCOPES));
        expect(token.expiresAt.getTime()).toBeGreaterThan(clock.now());
      }
      await pass({ tokens, clock }, 100);
    }
    expect(sandbox.tokenRequests.length).toBeGreaterThanOrEqual(11);
    expect(sandbox.tokenRequests.length).toBeLessThanOrEqual(21);
  });

  it('T24 T37 one-second tokens of an endpoint that takes 400 ms are refreshed early enough that nobody waits', async () => {
    const { tokens, sandbox, clock } = await startApplication({
      sandboxOptions: {
        tokenLifetimeSeconds: 1,
        expiresIn: 'seconds',
        tokenFormat: 'opaque',
        latencyMs: { token: 400 },
      },
    });
    const first = tokens.getAccessToken(SCOPES);
    await sandbox.waitForRequest('token');
    await clock.advance(400);
    await first;

    for (let elapsed = 0; elapsed < 20_000; elapsed += 50) {
      expect(tokens.peekAccessToken(SCOPES)).toBeDefined();
      const arrived = sandbox.tokenRequests.length;
      await clock.advance(50);
      // What was sent in this step must have arrived before time moves on, and what was answered must have landed.
      if (tokens.snapshot()[0]?.refreshing === true) {
        await eventually(
          () =>
            tokens.snapshot()[0]?.refreshing !== true ||
            (sandbox.tokenRequests.length > 0 && sandbox.tokenRequests.at(-1)!.status === undefined),
        );
      }
      expect(sandbox.tokenRequests.length - arrived).toBeLessThanOrEqual(1);
    }
    expect(sandbox.tokenRequests.length).toBeLessThanOrEqual(41);
  });

  it.each([
    ['30 days', 30],
    ['a year', 365],
    ['ten years', 3650],
  ])(
    'T29 a token of %s is fetched once, and refreshed once, without a timer that overflows',
    async (_, days) => {
      const { tokens, sandbox, clock } = await startApplication({
        sandboxOptions: { tokenLifetimeSeconds: days * 86_400 },
      });
      const token = await tokens.getAccessToken(SCOPES);
      tokens.peekAccessToken(SCOPES);

      // The clock throws on a delay that Node would turn into one millisecond.
      await pass({ tokens, clock }, token.refreshAt.getTime() - clock.now() - DAY, 20 * DAY);
      expect(sandbox.tokenRequests).toHaveLength(1);
      expect(tokens.peekAccessToken(SCOPES)).toBe(token);
      await pass({ tokens, clock }, 2 * DAY);
      expect(sandbox.tokenRequests).toHaveLength(2);
    },
  );

  it('T28 a token that took twenty seconds to arrive has lived for twenty seconds', async () => {
    const { tokens, sandbox, clock } = await startApplication({
      options: { tokenTimeoutMs: 60_000 },
      sandboxOptions: { expiresIn: 'seconds', tokenFormat: 'opaque', latencyMs: { token: 20_000 } },
    });
    const sentAt = clock.now();
    const coming = tokens.getAccessToken(SCOPES);
    await sandbox.waitForRequest('token');
    await clock.advance(20_000);
    const token = await coming;

    expect(token.issuedAt.getTime()).toBe(sentAt);
    expect(token.expiresAt.getTime()).toBeLessThanOrEqual(sentAt + HOUR);
    expect(token.expiresAt.getTime()).toBeGreaterThan(sentAt + HOUR - 25_000);
  });
});

describe('clocks that misbehave', () => {
  it('T27 after the machine slept through the expiry, the old token is not handed out', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const first = await tokens.getAccessToken(SCOPES);
    tokens.peekAccessToken(SCOPES);
    clock.suspend(8 * HOUR);

    expect(tokens.peekAccessToken(SCOPES)).toBeUndefined();
    const next = await tokens.getAccessToken(SCOPES);
    expect(next.value).not.toBe(first.value);
    expect(next.expiresAt.getTime()).toBe(clock.now() + HOUR);
    await pass({ tokens, clock }, 10 * HOUR, 600_000);
    expect(sandbox.tokenRequests).toHaveLength(2);
  });

  it('T27 a pause after a failed refresh does not outlast the token that expired in its sleep', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const first = await tokens.getAccessToken(SCOPES);
    await passToStale({ tokens, clock }, first);
    sandbox.fail('token', { status: 500 }, 4);
    tokens.peekAccessToken(SCOPES);
    await sandbox.waitForRequest('token', { count: 2, until: 'answered' });
    await refreshed({ tokens, clock });
    for (let i = 0; i < 3; i += 1) await pass({ tokens, clock }, 4000 * 2 ** i);
    sandbox.clearFaults();
    clock.suspend(HOUR);

    await expect(tokens.getAccessToken(SCOPES)).resolves.not.toBe(first);
  });

  it.each([
    ['ahead', HOUR],
    ['back', -HOUR],
    ['ahead by a year', 365 * DAY],
    ['back by a year', -365 * DAY],
  ])('T27 a wall clock that is set %s costs one token request at most, and never a loop', async (_, jump) => {
    const { tokens, sandbox, clock } = await startApplication({
      sandboxOptions: { expiresIn: 'seconds', tokenFormat: 'opaque' },
    });
    await tokens.getAccessToken(SCOPES);
    clock.jumpWallClock(jump);

    for (let minute = 0; minute < 60; minute += 1) {
      const token = tokens.peekAccessToken(SCOPES) ?? (await tokens.getAccessToken(SCOPES));
      expect(sandbox.issuedTokens.at(-1)).toBe(token.value);
      await pass({ tokens, clock }, 60_000);
    }
    expect(sandbox.tokenRequests.length).toBeLessThanOrEqual(3);
  });

  it('T27 a token does not live longer for a wall clock that is set back', async () => {
    const { tokens, clock } = await startApplication();
    const first = await tokens.getAccessToken(SCOPES);
    clock.jumpWallClock(-10 * HOUR);
    await passToExpiry({ tokens, clock }, first);
    expect(tokens.peekAccessToken(SCOPES)).not.toBe(first);
    expect((await tokens.getAccessToken(SCOPES)).value).not.toBe(first.value);
  });
});

describe('a server whose clock is off', () => {
  const shapes = ['timestamp', 'seconds', 'string', 'absent'] as const;
  const cases = shapes.flatMap((expiresIn) => [-HOUR, 0, HOUR].map((offset) => [expiresIn, offset] as const));

  it.each(cases)(
    'T31 expires_in as %s, %i ms ahead: each token of many at once is renewed in time',
    async (expiresIn, offset) => {
      const clock = new ManualClock();
      const serverClock = new ManualClock(clock.now() + offset);
      const sandbox = await startSandbox({ clock: serverClock, expiresIn });
      const { tokens } = await startApplication({ sandbox, clock });
      const keys = Array.from({ length: 10 }, (_, i) => ({ resource: `https://example.com/${i}` }));
      const first = await Promise.all(keys.map((key) => tokens.getAccessToken(key)));
      for (const token of first) {
        // A `Date` is cut to the second.
        expect(Math.abs(token.expiresAt.getTime() - clock.now() - HOUR)).toBeLessThanOrEqual(1000);
      }

      keys.forEach((key) => tokens.peekAccessToken(key));
      await pass({ tokens, clock }, 0.69 * HOUR);
      expect(sandbox.tokenRequests).toHaveLength(10);
      await pass({ tokens, clock }, 0.07 * HOUR);
      expect(sandbox.tokenRequests).toHaveLength(20);
    },
  );
});

describe('an endpoint that hands out the same token again', () => {
  it('T25 is asked ever more seldom while the token is served, and for a new one when that is due', async () => {
    const { tokens, sandbox, clock } = await startApplication({ sandboxOptions: { stickyTokens: true } });
    const first = await tokens.getAccessToken(SCOPES);

    let current = first;
    for (let second = 0; second < 3600 && current.value === first.value; second += 5) {
      current = tokens.peekAccessToken(SCOPES)!;
      expect(current).toBeDefined();
      expect(current.expiresAt.getTime()).toBeGreaterThan(clock.now());
      await pass({ tokens, clock }, 5000);
    }

    expect(current.value).not.toBe(first.value);
    expect(sandbox.tokenRequests.length).toBeLessThanOrEqual(5);
  });

  it('T25 is not asked again at once by anybody: not by force, nor after a 401', async () => {
    const { tokens, sandbox } = await startApplication({ sandboxOptions: { stickyTokens: true } });
    const first = await tokens.getAccessToken(SCOPES);
    const again = await tokens.getAccessToken(SCOPES, { forceRefresh: true });
    expect(again.value).toBe(first.value);
    expect(sandbox.tokenRequests).toHaveLength(2);

    for (let i = 0; i < 20; i += 1) {
      expect((await tokens.getAccessToken(SCOPES, { forceRefresh: true })).value).toBe(first.value);
      await expect(tokens.replaceRejected(first)).resolves.toHaveProperty('value', first.value);
    }
    expect(sandbox.tokenRequests).toHaveLength(2);
  });

  it('T25 is asked by itself when half of what is left is over, if the token was used in the meantime', async () => {
    const { tokens, sandbox, clock } = await startApplication({ sandboxOptions: { stickyTokens: true } });
    const first = await tokens.getAccessToken(SCOPES);
    await passToStale({ tokens, clock }, first);
    tokens.peekAccessToken(SCOPES);
    await sandbox.waitForRequest('token', { count: 2, until: 'answered' });
    await refreshed({ tokens, clock });
    const left = first.expiresAt.getTime() - clock.now();

    await pass({ tokens, clock }, left / 4);
    expect(tokens.peekAccessToken(SCOPES)?.value).toBe(first.value);
    await pass({ tokens, clock }, left / 4 - 2);
    expect(sandbox.tokenRequests).toHaveLength(2);
    // Nobody asks from here on.
    await pass({ tokens, clock }, left / 4);
    expect(sandbox.tokenRequests).toHaveLength(3);
  });
});

describe('a token that the application gives up', () => {
  it('is not handed out again; the next caller waits for another', async () => {
    const { tokens, sandbox } = await startApplication();
    const first = await tokens.getAccessToken(SCOPES);
    tokens.invalidate(first);
    expect(tokens.peekAccessToken(SCOPES)).toBeUndefined();
    expect(tokens.snapshot()).toMatchObject([{ state: 'expired' }]);
    expect((await tokens.getAccessToken(SCOPES)).value).not.toBe(first.value);
    expect(sandbox.tokenRequests).toHaveLength(2);
  });

  it('does not take a newer one along', async () => {
    const { tokens, sandbox } = await startApplication();
    const first = await tokens.getAccessToken(SCOPES);
    const second = await tokens.getAccessToken(SCOPES, { forceRefresh: true });
    tokens.invalidate(first);
    expect(tokens.peekAccessToken(SCOPES)).toBe(second);
    expect(sandbox.tokenRequests).toHaveLength(2);
  });

  it('does not wait for the pause after a failed refresh: it serves no longer', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const first = await tokens.getAccessToken(SCOPES);
    await passToStale({ tokens, clock }, first);
    sandbox.fail('token', { status: 500 });
    tokens.peekAccessToken(SCOPES);
    await sandbox.waitForRequest('token', { count: 2, until: 'answered' });
    await refreshed({ tokens, clock });
    tokens.invalidate(first);
    expect((await tokens.getAccessToken(SCOPES)).value).not.toBe(first.value);
  });
});

describe('tokens that are given up by what they are for', () => {
  const ONE = { businessId: 'biz_GA6EG2qFxA97NZHtxeLPUy', scopes: ['ledger:read'] };
  const OTHERS = [{ scopes: ['ledger:read'] }, { ...ONE, scopes: ['report:read'] }, {}];

  const given = async (which: AssetTokenFilter | undefined): Promise<readonly boolean[]> => {
    const { tokens } = await startApplication();
    const all = [ONE, ...OTHERS];
    for (const request of all) await tokens.getAccessToken(request);
    if (which === undefined) tokens.invalidateAll();
    else tokens.invalidate(which);
    return all.map((request) => tokens.peekAccessToken(request) === undefined);
  };

  it.each([
    [{ businessId: ONE.businessId }, [true, false, true, false]],
    [{ scopes: 'ledger:read' }, [true, true, false, false]],
    [ONE, [true, false, false, false]],
    [{ businessId: null }, [false, true, false, true]],
    [{ businessId: null, scopes: null }, [false, false, false, true]],
    [undefined, [true, true, true, true]],
  ] as [AssetTokenFilter | undefined, boolean[]][])(
    'are those of which all is true that is named: %j',
    async (which, gone) => {
      expect(await given(which)).toEqual(gone);
    },
  );

  it.each([
    [{}, 'both are missing'],
    [{ businessId: undefined }, 'both are missing'],
    [{ bussinessId: 'biz_1' }, 'not "bussinessId"'],
    ['biz_1', 'is an object'],
    [{ businessId: 'Acme Ltd' }, 'is not a business id'],
    [{ businessId: '' }, 'is not a business id'],
    [{ businessId: 0 }, 'is not a business id'],
    [{ scopes: [] }, 'Scopes cannot be used'],
    [{ scopes: '' }, 'Scopes cannot be used'],
    [{ scopes: 0 }, 'Scopes cannot be used'],
  ])('are none when it is not clear which: %j', async (which, problem) => {
    const { tokens } = await startApplication();
    await tokens.getAccessToken();
    expect(() => {
      tokens.invalidate(which as never);
    }).toThrow(problem);
    expect(tokens.peekAccessToken()).toBeDefined();
  });
});

describe('refreshes and timers', () => {
  it('run in the async context of nobody', async () => {
    const context = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const { tokens, sandbox, clock } = await startApplication({
      options: {
        clientSecret: () => {
          seen.push(context.getStore());
          return secret;
        },
      },
    });
    const secret = sandbox.clientSecret;

    const first = await context.run('the first caller', () => tokens.getAccessToken(SCOPES));
    await context.run('a user', () => Promise.resolve(tokens.peekAccessToken(SCOPES)));
    await passToStale({ tokens, clock }, first);
    await context.run('who forces', () => tokens.getAccessToken(SCOPES, { forceRefresh: true }));
    context.run('who gives up', () => {
      tokens.invalidate(tokens.peekAccessToken(SCOPES)!);
    });
    await context.run('the next caller', () => tokens.getAccessToken(SCOPES));

    expect(seen).toEqual(Array(4).fill(undefined));
  });

  it('give each caller its own context back', async () => {
    const context = new AsyncLocalStorage<string>();
    const { tokens } = await startApplication();
    const stores = await Promise.all(
      ['a', 'b', 'c'].map((name) =>
        context.run(name, async () => {
          await tokens.getAccessToken(SCOPES);
          return context.getStore();
        }),
      ),
    );
    expect(stores).toEqual(['a', 'b', 'c']);
  });

  it('in the background never keep the process alive; those that a caller waits on do', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const hold = sandbox.hold('token');
    const coming = tokens.getAccessToken(SCOPES);
    await sandbox.waitForRequest('token');
    expect(clock.timers).toEqual([{ dueInMs: 10_000, ref: true }]);
    hold.release();
    const token = await coming;
    expect(clock.timers).toEqual([{ dueInMs: expect.any(Number) as number, ref: false }]);

    const again = sandbox.hold('token');
    await clock.advance(token.refreshAt.getTime() + 1 - clock.now());
    tokens.peekAccessToken(SCOPES);
    await sandbox.waitForRequest('token', { count: 2 });
    expect(clock.timers.every(({ ref }) => !ref)).toBe(true);

    // A caller who joins it waits on its deadline from now on.
    await clock.advance(3000);
    const joined = tokens.getAccessToken(SCOPES, { forceRefresh: true });
    expect(clock.timers.filter(({ ref }) => ref)).toEqual([{ dueInMs: 7000, ref: true }]);
    again.release();
    await joined;
  });
});
