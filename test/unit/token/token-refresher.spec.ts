import { Logger } from '@nestjs/common';
import { ManualClock } from 'nestjs-asset-auth/testing';
import { instantOf } from '../../../lib/config/clock.js';
import { EventPublisher } from '../../../lib/events/event-publisher.js';
import { RequestLimiter } from '../../../lib/retry/request-limiter.js';
import type { CacheEntry } from '../../../lib/token/cache-entry.js';
import type { TokenAttempt } from '../../../lib/token/endpoint/token-endpoint.client.js';
import type { IssuedToken } from '../../../lib/token/endpoint/token-response.js';
import { tokenRequestFailure } from '../../../lib/token/endpoint/token.errors.js';
import { PendingRequest } from '../../../lib/token/pending-request.js';
import { TokenCache } from '../../../lib/token/token-cache.js';
import { TokenRefresher } from '../../../lib/token/token-refresher.js';
import { CLIENT, configOf, requestFor } from './endpoint/token-endpoint.fixture.js';

const HOUR = 3_600_000;

/** A token request under way, to be answered by the test. It does not listen to its signal. */
interface Sent {
  readonly scope: string;
  readonly arrive: (value: string, more?: Partial<IssuedToken>) => void;
  readonly fail: () => void;
  readonly break: (reason: unknown) => void;
}

interface Setting {
  readonly clock: ManualClock;
  readonly cache: TokenCache;
  readonly refresher: TokenRefresher;
  readonly sent: Sent[];
  readonly entry: (scope: string) => CacheEntry;
  /** Asks as a caller; what becomes of it is found in the list of results. */
  readonly call: (scope: string) => PendingRequest | undefined;
  readonly results: string[];
}

function setting(slots = 8): Setting {
  const clock = new ManualClock();
  const config = configOf({ maxConcurrentTokenRequests: slots });
  const cache = new TokenCache(config, () => {});
  const sent: Sent[] = [];
  const fetch = ({ request }: Pick<TokenAttempt, 'request'>): Promise<IssuedToken> =>
    new Promise((resolve, reject: (reason: unknown) => void) => {
      const issuedAt = instantOf(clock);
      sent.push({
        scope: request.scopes?.[0] ?? '',
        arrive: (value, more) => {
          resolve({
            value,
            issuedAt,
            lifeMs: HOUR,
            requestMs: 0,
            difference: undefined,
            generation: undefined,
            ...more,
          });
        },
        fail: () => {
          const context = { request, config: CLIENT };
          reject(
            tokenRequestFailure(context, 'ASSET_TOKEN_UNAVAILABLE', { what: 'down', fault: 'unavailable' }),
          );
        },
        break: reject,
      });
    });
  const refresher = new TokenRefresher({
    config,
    clock,
    random: () => 0,
    cache,
    limiter: new RequestLimiter(clock, slots, config.tokenTimeoutMs, () => false),
    endpoint: { fetch },
    events: new EventPublisher(config),
    plan: () => {},
  });
  const entry = (scope: string): CacheEntry => cache.keepToken(requestFor({ scopes: [scope] }));
  const results: string[] = [];
  const call = (scope: string): PendingRequest | undefined => {
    let pending: ReturnType<TokenRefresher['request']>;
    try {
      pending = refresher.request(entry(scope), { reason: 'caller' });
    } catch {
      results.push(`${scope} refused`);
      return undefined;
    }
    const token = pending instanceof PendingRequest ? pending.token : pending;
    token.then(
      ({ value }) => results.push(`${scope} ${value}`),
      (error: unknown) => results.push(`${scope} ${(error as { code?: string }).code ?? String(error)}`),
    );
    return pending instanceof PendingRequest ? pending : undefined;
  };
  return { clock, cache, refresher, sent, entry, call, results };
}

beforeEach(() => {
  Logger.overrideLogger(false);
});
afterAll(() => {
  Logger.overrideLogger(false);
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What becomes of a call that gets this answer, after the given time. */
async function answered(
  at: Setting,
  value: string,
  { tookMs = 0, ...more }: Partial<IssuedToken> & { readonly tookMs?: number } = {},
): Promise<string | undefined> {
  at.call('a');
  await turn();
  await at.clock.advance(tookMs);
  at.sent.at(-1)!.arrive(value, more);
  await turn();
  return at.results.at(-1);
}

/** Holds tokens that are stale by now. */
async function holdStale({ clock, call, sent }: Setting, scopes: readonly string[]): Promise<void> {
  for (const scope of scopes) {
    call(scope);
    await turn();
    sent.pop()!.arrive(`first-${scope}`);
    await turn();
  }
  await clock.advance(3_000_000);
}

describe('a token that arrives', () => {
  it('T28 is refused when it took longer to arrive than it lives', async () => {
    const at = setting();
    expect(await answered(at, 'late', { lifeMs: 10_000, tookMs: 10_000 })).toBe('a ASSET_TOKEN_MALFORMED');
    expect(at.entry('a').isHeld(at.clock)).toBe(false);
  });

  it('T28 has lived for the time that it took to arrive', async () => {
    const at = setting();
    await answered(at, 'one', { tookMs: 4000 });
    expect(at.entry('a').remainingMs(at.clock)).toBe(HOUR - 4000);
  });

  it('T24 is refreshed early enough for two more requests as slow as its own', async () => {
    const at = setting();
    await answered(at, 'one', { lifeMs: 1000, requestMs: 200, tookMs: 200 });
    expect(at.entry('a').windowMs).toBe(400);
  });

  it('does not take the place of a usable one when it has already expired', async () => {
    const at = setting();
    await answered(at, 'one');
    expect(await answered(at, 'two', { lifeMs: 10_000, tookMs: 10_000 })).toBe('a ASSET_TOKEN_MALFORMED');
    expect((await at.entry('a').settled)?.value).toBe('one');
  });

  it('T25 keeps its end if it was held before', async () => {
    const at = setting();
    await answered(at, 'sticky');
    await at.clock.advance(HOUR * 0.8);
    expect(await answered(at, 'sticky')).toBe('a sticky');
    expect(at.entry('a').remainingMs(at.clock)).toBe(HOUR * 0.2);
    expect(at.entry('a').sameTokenForNow(at.clock)).toBeDefined();
  });

  it('T25 takes an earlier end at its word', async () => {
    const at = setting();
    await answered(at, 'sticky');
    await answered(at, 'sticky', { lifeMs: 60_000 });
    expect(at.entry('a').remainingMs(at.clock)).toBe(60_000);
  });

  it('T25 is refused if it was held before and has expired since', async () => {
    const at = setting();
    await answered(at, 'sticky');
    await at.clock.advance(HOUR);
    // A gateway that caches answers may be past it: tried three times, like any unreadable answer.
    await answered(at, 'sticky');
    for (let i = 0; i < 2; i += 1) {
      await at.clock.advance(100);
      at.sent.at(-1)!.arrive('sticky');
      await turn();
    }
    expect(at.results.at(-1)).toBe('a ASSET_TOKEN_MALFORMED');
  });

  it('is asked for as usual again once it is another one', async () => {
    const at = setting();
    await answered(at, 'sticky');
    await answered(at, 'sticky');
    await at.clock.advance(HOUR * 0.6);
    await answered(at, 'another');
    expect(at.entry('a').remainingMs(at.clock)).toBe(HOUR);
    expect(at.entry('a').sameTokenForNow(at.clock)).toBeUndefined();
  });

  it('T18 is kept with one warning if it grants something else', async () => {
    const warnings: string[] = [];
    Logger.overrideLogger({ log() {}, error() {}, warn: (line: unknown) => warnings.push(String(line)) });
    const at = setting();
    await answered(at, 'narrower', { difference: 'it was granted without report:read' });
    await answered(at, 'other', { difference: 'it was granted without report:read' });
    expect(at.results).toEqual(['a narrower', 'a other']);
    expect(warnings).toEqual([expect.stringContaining('without report:read')]);
  });
});

describe('a pending request', () => {
  it('T50 keeps the process alive while a caller waits, and no longer', async () => {
    const { clock, call } = setting();
    const pending = call('a')!;
    call('a');
    await turn();
    const keepsAlive = (): boolean => clock.timers.some(({ ref }) => ref);
    pending.leave();
    expect(keepsAlive()).toBe(true);
    pending.leave();
    expect([keepsAlive(), pending.isAwaited]).toEqual([false, false]);
    pending.join();
    expect(keepsAlive()).toBe(true);
  });

  it('T51 ends with the background once all callers have left', async () => {
    const { call, refresher, sent, results } = setting();
    const pending = call('a')!;
    await turn();
    pending.leave();
    refresher.stopBackground();
    sent[0]!.arrive('late');
    await turn();
    expect(results).toEqual(['a ASSET_CLOSED']);
  });

  it('is dropped once no caller waits for it, if it was not sent and replaces no token', async () => {
    const { call, sent } = setting(1);
    call('busy');
    const left = call('left')!;
    call('wanted');
    await turn();
    left.leave();
    sent[0]!.arrive('one');
    await turn();
    sent[1]!.arrive('two');
    await turn();
    expect(sent.map(({ scope }) => scope)).toEqual(['busy', 'wanted']);
  });

  it('leaves a request that took its place, also when it ends late', async () => {
    const at = setting();
    await holdStale(at, ['a']);
    const { request } = at.entry('a');
    at.refresher.refreshAhead(at.entry('a'));
    await turn();
    at.refresher.stopBackground();
    const next = at.call('a');
    await turn();
    at.sent[0]!.arrive('late');
    await turn();
    expect(at.refresher.isPending(request)).toBe(true);
    expect(at.call('a')).toBe(next);
    at.sent[1]!.arrive('second');
    await turn();
    expect(at.refresher.isPending(request)).toBe(false);
  });

  it('T51 keeps nothing of an answer that comes after the end', async () => {
    const { clock, cache, refresher, call, sent, results } = setting();
    call('a');
    await turn();
    refresher.close();
    sent[0]!.arrive('too late');
    await turn();
    expect(results).toEqual(['a ASSET_CLOSED']);
    expect(cache.entries().map((entry) => entry.isHeld(clock))).toEqual([false]);
  });

  it('rejects with an unexpected error as it is, and holds it against nobody', async () => {
    const { clock, call, sent, results, entry } = setting(1);
    call('a');
    call('b');
    await turn();
    sent[0]!.break(new RangeError('a mistake'));
    await turn();
    expect(results).toEqual(['a RangeError: a mistake']);
    expect(entry('a').failureInForce(clock)).toBeUndefined();
    sent[1]!.arrive('one');
    await turn();
    expect(results).toContain('b one');
  });
});

describe('five refreshes that fail in a row', () => {
  it('T33 let callers go on one at a time, and none gets stuck', async () => {
    const at = setting(6);
    const held = ['r1', 'r2', 'r3', 'r4', 'r5'];
    await holdStale(at, held);
    for (const scope of held) at.refresher.refreshAhead(at.entry(scope));
    const callers = Array.from({ length: 9 }, (_, i) => `c${i}`);
    for (const caller of callers) at.call(caller);
    at.results.length = 0;
    await turn();
    expect(at.sent.map(({ scope }) => scope)).toEqual([...held, 'c0']);

    for (let i = 0; i < 5; i += 1) {
      at.sent[i]!.fail();
      await turn();
    }
    // Four took the slots of refreshes before the circuit opened. The next one is the probe, and the others fail fast.
    expect(at.sent.slice(5).map(({ scope }) => scope)).toEqual(['c0', 'c1', 'c2', 'c3', 'c4', 'c5']);
    at.sent[5]!.fail();
    await turn();
    expect(at.sent).toHaveLength(11);
    expect(at.results.sort()).toEqual(
      callers
        .slice(6)
        .concat('c0')
        .map((scope) => `${scope} ASSET_TOKEN_UNAVAILABLE`)
        .sort(),
    );

    // The probe fails, and gives way to another after a step.
    at.sent[10]!.fail();
    await turn();
    at.call('d');
    expect(at.results.at(-1)).toBe('d refused');
    await at.clock.advance(500);
    at.call('e');
    await turn();
    expect(at.sent.at(-1)!.scope).toBe('e');
    at.sent.at(-1)!.arrive('recovered');
    await turn();
    expect(at.results).toContain('e recovered');
  });
});
