import { Logger } from '@nestjs/common';
import { ManualClock } from 'nestjs-asset-auth/testing';
import { AssetAuthConfig } from '../../../lib/config/asset-auth.config.js';
import { failure } from '../../../lib/token/endpoint/token-response.js';
import type { TokenOutcome } from '../../../lib/token/endpoint/token.errors.js';
import type { FetchedToken } from '../../../lib/token/endpoint/token-endpoint.client.js';
import { TokenGate } from '../../../lib/retry/request-limiter.js';
import { AccessTokenRequest } from '../../../lib/token/token-request.js';
import { TokenCache } from '../../../lib/token/token-cache.js';
import type { TokenEntry } from '../../../lib/token/cache-entry.js';
import { TokenFlight } from '../../../lib/token/pending-request.js';
import { TokenFlights } from '../../../lib/token/token-refresher.js';
import { TokenJournal } from '../../../lib/token/token.events.js';

/** A token request under way, to be answered by the test. It does not listen to its signal, unless it is told to. */
interface Sent {
  readonly scope: string;
  readonly arrive: (value: string) => void;
  readonly fail: () => void;
  readonly break: (reason: unknown) => void;
}

interface Setting {
  readonly clock: ManualClock;
  readonly cache: TokenCache;
  readonly flights: TokenFlights;
  readonly sent: Sent[];
  readonly entry: (scope: string) => TokenEntry;
  /** Joins a flight as a caller; what becomes of it is found in the list of results. */
  readonly call: (scope: string) => void;
  readonly results: string[];
}

function setting(slots: number): Setting {
  const clock = new ManualClock();
  const config = new AssetAuthConfig({
    environment: 'sandbox',
    clientId: 'client',
    clientSecret: 'the-client-secret',
    maxConcurrentTokenRequests: slots,
  });
  const cache = new TokenCache(100, () => {});
  const sent: Sent[] = [];
  const fetch = (request: AccessTokenRequest): Promise<TokenOutcome<FetchedToken>> =>
    new Promise((resolve, reject) => {
      const instant = { wall: clock.now(), monotonic: clock.monotonic() };
      sent.push({
        scope: request.scopes?.[0] ?? '',
        arrive: (value) => {
          const granted = {
            value,
            expiresIn: 3600,
            claims: {},
            serverDate: undefined,
          } as FetchedToken['granted'];
          const reply = { status: 200, headers: {}, body: '', sent: instant, receivedAt: clock.now() };
          resolve({ token: { granted, reply } });
        },
        fail: () => {
          resolve({
            failure: failure({ request, environment: 'sandbox' }, 'ASSET_TOKEN_UNAVAILABLE', {
              what: 'down',
              unavailable: true,
            }),
          });
        },
        break: reject,
      });
    });
  const flights = new TokenFlights({
    config,
    clock,
    random: () => 0,
    cache,
    gate: new TokenGate(clock, { slots, queueTimeoutMs: config.tokenTimeoutMs }),
    fetcher: { fetch },
    journal: new TokenJournal(),
    plan: () => {},
  });
  const request = (scope: string): AccessTokenRequest =>
    new AccessTokenRequest(config, { scopes: [scope], businessId: undefined, resource: undefined });
  const entry = (scope: string): TokenEntry => cache.findOrCreate(request(scope));
  const results: string[] = [];
  const call = (scope: string): void => {
    const flight = flights.forCaller(entry(scope));
    if (!(flight instanceof TokenFlight)) {
      results.push(`${scope} refused`);
      return;
    }
    flight.landed.then(
      (token) => results.push(`${scope} ${token.value}`),
      (error: unknown) => results.push(`${scope} ${(error as { code?: string }).code ?? String(error)}`),
    );
  };
  return { clock, cache, flights, sent, entry, call, results };
}

beforeAll(() => {
  Logger.overrideLogger(false);
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

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

describe('flights', () => {
  it('keep the process alive while a caller waits, and end with the background once all have left', async () => {
    const { clock, flights, entry, call, results, sent } = setting(8);
    call('a');
    call('a');
    await turn();
    const flight = flights.underWay(entry('a').request)!;
    const keepsAlive = (): boolean => clock.timers.some(({ ref }) => ref);
    flight.leave();
    expect(keepsAlive()).toBe(true);
    flight.leave();
    expect([keepsAlive(), flight.awaited]).toEqual([false, false]);
    flight.join();
    expect(keepsAlive()).toBe(true);
    flight.leave();
    flights.stopBackground();
    sent[0]!.arrive('late');
    await turn();
    expect(results).toEqual(['a ASSET_CLOSED', 'a ASSET_CLOSED']);
  });

  it('that queue for a slot let others go first once nobody waits for them', async () => {
    const { flights, entry, call, sent } = setting(1);
    call('busy');
    call('left');
    call('wanted');
    await turn();
    flights.underWay(entry('left').request)!.leave();
    sent[0]!.arrive('one');
    await turn();
    sent[1]!.arrive('two');
    await turn();
    expect(sent.map(({ scope }) => scope)).toEqual(['busy', 'wanted', 'left']);
  });

  it('are one per key', async () => {
    const { call, sent, results } = setting(8);
    call('a');
    call('a');
    call('b');
    await turn();
    expect(sent.map(({ scope }) => scope)).toEqual(['a', 'b']);
    sent[0]!.arrive('one');
    await turn();
    expect(results).toEqual(['a one', 'a one']);
  });

  it('T25 do not take off while the endpoint hands out what is held, unless that serves no longer', async () => {
    for (const end of ['expired', 'given up'] as const) {
      const at = setting(8);
      await holdStale(at, ['a']);
      const entry = at.entry('a');
      entry.sameTokenUntil = 1e9;
      expect(at.flights.forCaller(entry)).toEqual({ held: entry.settled });
      if (end === 'expired') await at.clock.advance(600_000);
      else entry.invalidated = true;
      expect(at.flights.forCaller(entry)).toBeInstanceOf(TokenFlight);
    }
  });

  it('T51 keep nothing of an answer that comes after the end', async () => {
    const { cache, flights, call, sent, results } = setting(8);
    call('a');
    await turn();
    flights.close();
    sent[0]!.arrive('too late');
    await turn();
    expect(results).toEqual(['a ASSET_CLOSED']);
    expect(cache.entries().map(({ token }) => token)).toEqual([undefined]);
  });

  it('make way by identity: one that ended late leaves the one that took its place', async () => {
    const at = setting(8);
    await holdStale(at, ['a']);
    at.flights.inBackground(at.entry('a'));
    await turn();
    at.flights.stopBackground();
    const next = at.flights.forCaller(at.entry('a'));
    await turn();
    at.sent[0]!.arrive('late');
    await turn();
    expect(at.flights.underWay(at.entry('a').request)).toBe(next);
    at.sent[1]!.arrive('second');
    await turn();
    expect(at.flights.underWay(at.entry('a').request)).toBeUndefined();
  });

  it('that break for a reason of nobody’s say so, and do not blame the endpoint', async () => {
    const { call, sent, results, entry } = setting(1);
    call('a');
    call('b');
    await turn();
    sent[0]!.break(new RangeError('a mistake'));
    await turn();
    expect(results).toEqual(['a RangeError: a mistake']);
    expect(entry('a').failure).toBeUndefined();
    sent[1]!.arrive('one');
    await turn();
    expect(results).toContain('b one');
  });

  it('T33 of callers go on one at a time after five refreshes failed in a row, and none gets stuck', async () => {
    const at = setting(6);
    const held = ['r1', 'r2', 'r3', 'r4', 'r5'];
    await holdStale(at, held);
    held.forEach((scope) => {
      at.flights.inBackground(at.entry(scope));
    });
    const callers = Array.from({ length: 9 }, (_, i) => `c${i}`);
    callers.forEach(at.call);
    at.results.length = 0;
    await turn();
    expect(at.sent.map(({ scope }) => scope)).toEqual([...held, 'c0']);

    for (let i = 0; i < 5; i += 1) {
      at.sent[i]!.fail();
      await turn();
    }
    // Four took the slots of refreshes before there was trouble. The next one tries, and the others queue no longer.
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

    // The one that tries fails, and gives way to another after a step.
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
