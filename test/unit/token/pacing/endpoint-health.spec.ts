import fc from 'fast-check';
import { ManualClock } from 'nestjs-asset-auth/testing';
import { failure } from '../../../../lib/token/endpoint/token-response.js';
import type { TokenFailure } from '../../../../lib/token/endpoint/token.errors.js';
import { AccessTokenRequest } from '../../../../lib/token/token-request.js';
import {
  EndpointHealth,
  type FailedRequest,
  type Ground,
  type Probe,
} from '../../../../lib/retry/circuit-breaker.js';

const request = new AccessTokenRequest(
  { clientId: 'client', tokenTtlSeconds: 3600 },
  { scopes: ['ledger:read'], businessId: undefined, resource: undefined },
);
const context = { request, environment: 'sandbox' };
const unavailable = failure(context, 'ASSET_TOKEN_UNAVAILABLE', { what: 'no answer', unavailable: true });
const malformed = failure(context, 'ASSET_TOKEN_MALFORMED', { what: 'not JSON' });
const rejectedScope = failure(context, 'ASSET_SCOPE_REJECTED', { what: '403', endpointIsWell: true });
const rejectedCredentials = failure(context, 'ASSET_CREDENTIALS_REJECTED', {
  what: '401',
  blame: 'endpoint',
});
const throttled = (orderedWait?: number): TokenFailure =>
  failure(context, 'ASSET_TOKEN_THROTTLED', { what: '429', blame: 'endpoint', orderedWait });

interface Setting {
  readonly clock: ManualClock;
  readonly health: EndpointHealth;
  readonly fail: (failed: TokenFailure, more?: Partial<FailedRequest>) => boolean;
  /** Admits and returns the probe. */
  readonly probe: (ground?: Ground) => Probe;
  readonly waitOf: (ground: Ground) => number | undefined;
}

function setting({ random = 0, secretRotates = false } = {}): Setting {
  const clock = new ManualClock();
  const health = new EndpointHealth(clock, () => random, secretRotates);
  return {
    clock,
    health,
    fail: (failed, more = {}) =>
      health.failed({
        failure: failed,
        probe: undefined,
        ground: 'foreground',
        remainingMs: 0,
        failuresOfKey: 1,
        ...more,
      }),
    probe: (ground = 'foreground') => {
      const admission = health.admit(ground);
      if (!('probe' in admission) || admission.probe === undefined)
        throw new Error('It was not admitted as a probe.');
      return admission.probe;
    },
    waitOf: (ground) => health.refusal(ground)?.waitMs,
  };
}

/** Five unavailable answers in a row. */
function silence({ fail }: Setting, more: Partial<FailedRequest> = {}): void {
  for (let i = 0; i < 5; i += 1) fail(unavailable, more);
}

describe('an endpoint that is well', () => {
  it('admits everybody, and nobody as a probe', () => {
    const { health } = setting();
    expect(health.admit('foreground')).toEqual({ probe: undefined });
    expect(health.admit('background')).toEqual({ probe: undefined });
    expect(health.trouble).toBeUndefined();
  });

  it('stays so through four unavailable answers in a row, and not through five', () => {
    const { health, fail } = setting();
    expect([1, 2, 3, 4].map(() => fail(unavailable))).toEqual([false, false, false, false]);
    expect(health.trouble).toBeUndefined();
    expect(fail(unavailable)).toBe(true);
    expect(health.trouble).toBe(unavailable.error);
  });

  it.each([
    [
      'a success',
      (at: Setting) => {
        at.health.succeeded(undefined);
      },
    ],
    ['a failure in substance', (at: Setting) => at.fail(rejectedScope)],
  ])('counts anew after %s', (_, answer) => {
    const at = setting();
    for (let i = 0; i < 4; i += 1) at.fail(unavailable);
    answer(at);
    for (let i = 0; i < 4; i += 1) expect(at.fail(unavailable)).toBe(false);
    expect(at.fail(unavailable)).toBe(true);
  });

  it('does not count malformed answers among the unavailable ones, nor are they a success between', () => {
    const { fail } = setting();
    for (let i = 0; i < 20; i += 1) expect(fail(malformed)).toBe(false);
    for (let i = 0; i < 4; i += 1) expect(fail(unavailable)).toBe(false);
    expect(fail(malformed)).toBe(false);
    expect(fail(unavailable)).toBe(true);
  });

  it('T43 is not blamed for a scope that one key was refused', () => {
    const { health, fail } = setting();
    for (let i = 0; i < 20; i += 1) expect(fail(rejectedScope)).toBe(false);
    expect(health.admit('foreground')).toEqual({ probe: undefined });
  });
});

describe('an endpoint in trouble', () => {
  it.each([
    ['throttling', throttled()],
    ['rejected credentials', rejectedCredentials],
    [
      'an unreadable secret',
      failure(context, 'ASSET_TOKEN_UNAVAILABLE', { what: 'no secret', blame: 'endpoint' }),
    ],
  ])('is blamed at once for %s', (_, failed) => {
    const { health, fail } = setting();
    expect(fail(failed)).toBe(true);
    expect(health.refusal('foreground')).toMatchObject({ error: failed.error });
    expect(health.refusal('background')).toMatchObject({ error: failed.error });
  });

  it('refuses with the real cause and the time left, then admits one probe and refuses the others', async () => {
    const { clock, health, fail, waitOf } = setting();
    fail(throttled());
    expect(waitOf('foreground')).toBe(500);
    await clock.advance(499);
    expect(waitOf('foreground')).toBe(1);
    expect(health.admit('foreground')).toHaveProperty('refusal');
    await clock.advance(1);

    expect(health.admit('foreground')).toEqual({ probe: { ground: 'foreground' } });
    expect(health.admit('foreground')).toHaveProperty('refusal.waitMs', 0);
    expect(health.admit('background')).toHaveProperty('refusal.waitMs', 0);
  });

  it('lets the foreground try while a probe of the background is out, but not the other way round', async () => {
    const at = setting();
    at.fail(throttled());
    await at.clock.advance(500);
    at.probe('background');
    expect(at.health.admit('background')).toHaveProperty('refusal');
    at.probe('foreground');
    expect(at.health.admit('foreground')).toHaveProperty('refusal');
  });

  it('goes through growing steps with each probe that fails', async () => {
    const at = setting();
    at.fail(throttled());
    for (const step of [500, 1000, 2000, 4000, 8000, 15_000, 15_000]) {
      expect(at.waitOf('foreground')).toBe(step);
      await at.clock.advance(step);
      at.fail(throttled(), { probe: at.probe() });
    }
  });

  it('goes on where the backoff of the key had got to, on the ground where it did', () => {
    const at = setting();
    silence(at, { ground: 'background', remainingMs: 1e9, failuresOfKey: 5 });
    expect(at.waitOf('background')).toBe(8000);
    // Failures in the background must not hold back those who have nothing in hand.
    expect(at.waitOf('foreground')).toBeUndefined();
    at.fail(unavailable, { probe: at.probe() });
    expect(at.waitOf('foreground')).toBe(500);
  });

  it('holds the background back at least as long as the foreground', () => {
    const at = setting();
    silence(at, { failuresOfKey: 4 });
    expect(at.waitOf('foreground')).toBe(4000);
    expect(at.waitOf('background')).toBe(4000);
  });

  it('waits in the background at most a quarter of what is left of the token that was to be refreshed', () => {
    const at = setting();
    silence(at, { ground: 'background', remainingMs: 1600, failuresOfKey: 5 });
    expect(at.waitOf('background')).toBe(400);
  });

  it('counts those that were under way when the trouble began once', () => {
    const at = setting();
    at.fail(throttled());
    for (let i = 0; i < 7; i += 1) expect(at.fail(throttled())).toBe(true);
    expect(at.waitOf('foreground')).toBe(500);
    silence(at);
    expect(at.waitOf('foreground')).toBe(500);
  });

  it('admits another probe after one that was never sent, with no further step', async () => {
    const at = setting();
    at.fail(throttled());
    await at.clock.advance(500);
    at.health.abandoned(at.probe());
    at.fail(throttled(), { probe: at.probe() });
    expect(at.waitOf('foreground')).toBe(1000);
  });

  it('keeps a probe admitted that asks a second time', async () => {
    const at = setting();
    at.fail(throttled());
    await at.clock.advance(500);
    const probe = at.probe();
    expect(at.health.admit('foreground', probe)).toEqual({ probe });
    expect(at.health.admit('foreground', { ground: 'foreground' })).toHaveProperty('refusal');
  });

  it('takes any failure of a probe as its own, whatever it would mean otherwise', async () => {
    const at = setting();
    at.fail(throttled());
    await at.clock.advance(500);
    expect(at.fail(malformed, { probe: at.probe() })).toBe(true);
    expect(at.health.trouble).toBe(malformed.error);
  });

  it('is over when a probe succeeds, or is refused in substance', async () => {
    for (const end of ['success', 'refusal']) {
      const at = setting();
      at.fail(throttled());
      await at.clock.advance(500);
      const probe = at.probe();
      if (end === 'success') at.health.succeeded(probe);
      else expect(at.fail(rejectedScope, { probe })).toBe(false);
      expect(at.health.trouble).toBeUndefined();
      expect(at.health.admit('foreground')).toEqual({ probe: undefined });
      // The steps begin anew.
      at.fail(throttled());
      expect(at.waitOf('foreground')).toBe(500);
    }
  });

  it('is not over when a request succeeds that was sent before the endpoint stated it', () => {
    const at = setting();
    at.fail(throttled(30_000));
    at.health.succeeded(undefined);
    expect(at.waitOf('foreground')).toBe(30_000);
  });

  it('is over at any success when it was inferred from silence', () => {
    const at = setting();
    silence(at);
    at.health.succeeded(undefined);
    expect(at.health.trouble).toBeUndefined();
  });

  it('knows its probe by identity: one of an earlier trouble says nothing of a later one', async () => {
    const at = setting();
    silence(at);
    await at.clock.advance(500);
    const stale = at.probe();
    at.health.succeeded(undefined);
    at.fail(throttled());
    await at.clock.advance(500);
    at.probe();

    at.health.abandoned(stale);
    expect(at.health.admit('foreground')).toHaveProperty('refusal');
    at.health.succeeded(stale);
    expect(at.health.trouble).toBeDefined();
    at.fail(throttled(), { probe: stale });
    expect(at.waitOf('foreground')).toBe(0);
  });
});

describe('a wait that the endpoint orders', () => {
  it('holds for both grounds, and is not shortened for the sake of a token', () => {
    const at = setting();
    at.fail(throttled(20_000), { ground: 'background', remainingMs: 1000 });
    expect(at.waitOf('foreground')).toBe(20_000);
    expect(at.waitOf('background')).toBe(20_000);
  });

  it('is never shorter than the first step: servers order milliseconds, too', () => {
    const at = setting();
    at.fail(throttled(20));
    expect(at.waitOf('foreground')).toBe(500);
  });

  it('takes precedence over a longer step of the backoff', async () => {
    const at = setting();
    at.fail(throttled(), { failuresOfKey: 6 });
    await at.clock.advance(15_000);
    at.fail(throttled(2000), { probe: at.probe() });
    expect(at.waitOf('foreground')).toBe(2000);
  });

  it('is obeyed by those under way as well, the longest one counts', () => {
    const at = setting();
    at.fail(throttled(5000));
    at.fail(throttled(9000));
    at.fail(throttled(1000));
    expect(at.waitOf('foreground')).toBe(9000);
    expect(at.waitOf('background')).toBe(9000);
  });

  it('outlives the probe that was sent before it', async () => {
    for (const outcome of ['success', 'failure']) {
      const at = setting();
      silence(at);
      await at.clock.advance(500);
      const probe = at.probe();
      at.fail(throttled(9000));
      if (outcome === 'success') at.health.succeeded(probe);
      else at.fail(unavailable, { probe });
      expect(at.waitOf('foreground')).toBe(9000);
      expect(at.health.trouble?.code).toBe('ASSET_TOKEN_THROTTLED');
    }
  });
});

describe('credentials that were rejected', () => {
  it('T42 are tried once in five minutes if they cannot change', async () => {
    const at = setting({ random: 0.5 });
    at.fail(rejectedCredentials);
    for (let i = 0; i < 3; i += 1) {
      expect(at.waitOf('foreground')).toBe(300_000);
      expect(at.waitOf('background')).toBe(300_000);
      await at.clock.advance(300_000);
      at.fail(rejectedCredentials, { probe: at.probe() });
    }
  });

  it('T84 are read again with the usual steps if they may', () => {
    const at = setting({ secretRotates: true });
    at.fail(rejectedCredentials);
    expect(at.waitOf('foreground')).toBe(500);
  });
});

describe('whatever happens to the endpoint', () => {
  const act = fc.record({
    what: fc.constantFrom(
      'admit',
      'succeed',
      'abandon',
      'unavailable',
      'malformed',
      'throttled',
      'ordered',
      'well',
    ),
    ground: fc.constantFrom<Ground>('foreground', 'background'),
    pick: fc.nat(),
    afterMs: fc.nat(40_000),
  });
  const failures: Record<string, TokenFailure> = {
    unavailable,
    malformed,
    throttled: throttled(),
    ordered: throttled(12_000),
    well: rejectedScope,
  };

  it('no probe is lost, and no wait is longer than a minute', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 60 }), async (acts) => {
        const at = setting({ random: 0.99 });
        const out: Probe[] = [];
        for (const { what, ground, pick, afterMs } of acts) {
          await at.clock.advance(afterMs);
          if (what === 'admit') {
            const admission = at.health.admit(ground);
            if ('probe' in admission && admission.probe !== undefined) out.push(admission.probe);
          } else {
            const probe = out.length > 0 && pick % 3 > 0 ? out.splice(pick % out.length, 1)[0] : undefined;
            if (what === 'succeed') at.health.succeeded(probe);
            else if (what !== 'abandon') at.fail(failures[what]!, { probe, ground, remainingMs: 5000 });
            else if (probe !== undefined) at.health.abandoned(probe);
          }
          for (const its of ['foreground', 'background'] as const) {
            expect(at.waitOf(its) ?? 0).toBeLessThanOrEqual(60_000);
          }
        }
        // Once all that went out has come back, and the longest wait is over, somebody may try.
        for (const probe of out) at.health.abandoned(probe);
        await at.clock.advance(60_000);
        expect(at.health.admit('background')).toHaveProperty('probe');
      }),
      { numRuns: 150 },
    );
  });
});
