import fc from 'fast-check';
import { type AccessToken, isAssetAuthError } from 'nestjs-asset-auth';
import type { SandboxFault } from 'nestjs-asset-auth/testing';
import { startApplication } from '../../support/application.js';
import { eventually } from '../../support/eventually.js';
import { rejectionOf } from '../../support/token-time.js';

const FAULTS: readonly SandboxFault[] = [
  { status: 500 },
  { status: 503, retryAfter: 7 },
  { status: 429 },
  { status: 429, retryAfter: 20 },
  { status: 401 },
  { status: 403 },
  { status: 400, body: { error: 'invalid_scope' } },
  { body: 'nonsense' },
  { reset: true },
  { truncated: true },
  { hang: true },
  { delayMs: 3000 },
  { fields: { expires_in: 2 } },
];

const KEYS = Array.from({ length: 6 }, (_, i) => ({ resource: `https://example.com/${i}` }));

const act = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('get' as const),
      key: fc.nat(5),
      minimumLifeMs: fc.constantFrom(0, 60_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('peek' as const), key: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('force' as const), key: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), key: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reject' as const), key: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('give up' as const), key: fc.nat(5) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('fail' as const),
      fault: fc.constantFrom(...FAULTS),
      times: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('suspend' as const), ms: fc.nat(4_000_000) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('jump' as const),
      ms: fc.integer({ min: -4_000_000, max: 4_000_000 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      ms: fc.constantFrom(0, 500, 2000, 11_000, 300_000, 3_000_000),
    }),
  },
);

describe('whatever befalls the token service', () => {
  it('no expired or other token is handed out, memory is bounded, all calls end, and it recovers', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 20, maxLength: 60 }), async (acts) => {
        const { app, tokens, sandbox, clock } = await startApplication({
          options: { maxConcurrentTokenRequests: 2, maxTokens: 4 },
          sandboxOptions: { expiresIn: 'seconds', tokenFormat: 'opaque' },
        });
        const latest = new Map<number, AccessToken>();
        const calls: Promise<unknown>[] = [];
        const follow = (key: number, call: Promise<AccessToken>): void => {
          const done = call.then(
            (token) => {
              expect(token.resource).toEqual([KEYS[key]!.resource]);
              latest.set(key, token);
            },
            (error: unknown) => {
              expect(isAssetAuthError(error) || error === 'left').toBe(true);
            },
          );
          calls.push(done);
        };
        for (const one of acts) {
          if (one.do === 'get')
            follow(one.key, tokens.getAccessToken(KEYS[one.key], { minimumLifeMs: one.minimumLifeMs }));
          if (one.do === 'force')
            follow(one.key, tokens.getAccessToken(KEYS[one.key], { forceRefresh: true }));
          if (one.do === 'leave') {
            const leaving = new AbortController();
            follow(one.key, tokens.getAccessToken(KEYS[one.key], { signal: leaving.signal }));
            leaving.abort('left');
          }
          if (one.do === 'peek') {
            const token = tokens.peekAccessToken(KEYS[one.key]);
            if (token !== undefined) expect(token.expiresAt.getTime()).toBeGreaterThan(clock.now() - 1);
          }
          const held = 'key' in one ? latest.get(one.key) : undefined;
          if (one.do === 'reject' && held !== undefined)
            calls.push(tokens.replaceRejected(held).catch(() => {}));
          if (one.do === 'give up' && held !== undefined) tokens.invalidate(held);
          if (one.do === 'fail') sandbox.fail('token', one.fault, one.times);
          if (one.do === 'suspend') clock.suspend(one.ms);
          if (one.do === 'jump') clock.jumpWallClock(one.ms);
          if (one.do === 'pass') await clock.advance(one.ms);
          // What failed and has no token is remembered apart.
          expect(tokens.snapshot().filter(({ state }) => state !== 'empty').length).toBeLessThanOrEqual(4);
        }
        // What hangs comes to its deadline, and what queues behind it, too.
        sandbox.clearFaults();
        let left = calls.length;
        for (const call of calls) void call.finally(() => (left -= 1));
        for (let i = 0; i < 20 && left > 0; i += 1) {
          await clock.advance(10_000);
          for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        }
        await Promise.all(calls);

        // The longest of all pauses is that after rejected credentials.
        await clock.advance(301_000);
        for (const key of KEYS) {
          await eventually(async () => {
            // Refreshes in the background follow each other at a pace, which stands still with the clock.
            if (clock.timers.some(({ dueInMs }) => dueInMs <= 20)) await clock.advance(20);
            return tokens.snapshot().every(({ refreshing }) => !refreshing);
          });
          await expect(tokens.getAccessToken(key)).resolves.toBeDefined();
        }
        await app.close();
        expect(clock.timers).toEqual([]);
        expect(await rejectionOf(tokens.getAccessToken(KEYS[0]))).toMatchObject({ code: 'ASSET_CLOSED' });
      }),
      { numRuns: 25 },
    );
  }, 120_000);
});
