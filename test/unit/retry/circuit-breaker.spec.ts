import fc from 'fast-check';
import { ManualClock } from 'nestjs-asset-auth/testing';
import { heapInMegabytes } from '../../support/heap.js';
import type { Fault } from '../../../lib/retry/backoff.js';
import {
  CircuitBreaker,
  type FailedRequest,
  type Probe,
  type Urgency,
} from '../../../lib/retry/circuit-breaker.js';

interface Failure {
  readonly error: Error;
  readonly fault: Fault;
  readonly orderedWaitMs?: number;
}

const unavailable: Failure = { error: new Error('no answer'), fault: 'unavailable' };
const malformed: Failure = { error: new Error('not JSON'), fault: 'unclear' };
const rejectedScope: Failure = { error: new Error('403'), fault: 'request' };
const THROTTLED = new Error('429');
const throttled = (orderedWaitMs?: number): Failure => ({
  error: THROTTLED,
  fault: 'endpoint',
  ...(orderedWaitMs !== undefined && { orderedWaitMs }),
});

const QUIET_MS = 10_000;

type Circumstances = Partial<FailedRequest<Error>>;

interface Setting {
  readonly clock: ManualClock;
  readonly circuit: CircuitBreaker<Error>;
  readonly fail: (failure: Failure, more?: Circumstances) => boolean;
  /** Admits a probe and returns it. */
  readonly probe: (urgency?: Urgency) => Probe;
  readonly waitOf: (urgency: Urgency) => number | undefined;
}

function setting({ random = 0 } = {}): Setting {
  const clock = new ManualClock();
  let failures = 0;
  const circuit = new CircuitBreaker<Error>(clock, () => random, QUIET_MS);
  return {
    clock,
    circuit,
    fail: (failure, more = {}) =>
      circuit.failed({
        key: `key ${(failures += 1)}`,
        sentAt: clock.monotonic(),
        orderedWaitMs: undefined,
        probe: undefined,
        urgency: 'awaited',
        remainingMs: 0,
        failuresOfKey: 1,
        ...failure,
        ...more,
      }),
    probe: (urgency = 'awaited') => {
      const admission = circuit.admit({ key: 'a key', urgency });
      if (!('probe' in admission) || admission.probe === undefined)
        throw new Error('It was not admitted as a probe.');
      return admission.probe;
    },
    waitOf: (urgency) => circuit.refusal({ key: 'a key', urgency })?.waitMs,
  };
}

/** Five unavailable answers in a row. */
function silence({ fail }: Setting, more: Circumstances = {}): void {
  for (let i = 0; i < 5; i += 1) fail(unavailable, more);
}

describe('a closed circuit', () => {
  it('admits every request, and none as a probe', () => {
    const { circuit } = setting();
    expect(circuit.admit({ key: 'a key', urgency: 'awaited' })).toEqual({ probe: undefined });
    expect(circuit.admit({ key: 'a key', urgency: 'background' })).toEqual({ probe: undefined });
    expect(circuit.cause).toBeUndefined();
  });

  it('stays closed through four unavailable answers in a row, and opens at the fifth', () => {
    const { circuit, fail } = setting();
    expect([1, 2, 3, 4].map(() => fail(unavailable))).toEqual([false, false, false, false]);
    expect(circuit.cause).toBeUndefined();
    expect(fail(unavailable)).toBe(true);
    expect(circuit.cause).toBe(unavailable.error);
  });

  it.each([
    [
      'a success',
      (at: Setting) => {
        at.circuit.succeeded(undefined);
      },
    ],
    ['a refusal of one request', (at: Setting) => at.fail(rejectedScope)],
  ])('counts unavailable answers anew after %s', (_, answer) => {
    const at = setting();
    for (let i = 0; i < 4; i += 1) at.fail(unavailable);
    answer(at);
    for (let i = 0; i < 4; i += 1) expect(at.fail(unavailable)).toBe(false);
    expect(at.fail(unavailable)).toBe(true);
  });

  it('counts a malformed answer neither as unavailable nor as a success in between', () => {
    const { fail } = setting();
    for (let i = 0; i < 20; i += 1) expect(fail(malformed)).toBe(false);
    for (let i = 0; i < 4; i += 1) expect(fail(unavailable)).toBe(false);
    expect(fail(malformed)).toBe(false);
    expect(fail(unavailable)).toBe(true);
  });

  it('T43 stays closed when one key is refused its scope, however often', () => {
    const { circuit, fail } = setting();
    for (let i = 0; i < 20; i += 1) expect(fail(rejectedScope)).toBe(false);
    expect(circuit.admit({ key: 'a key', urgency: 'awaited' })).toEqual({ probe: undefined });
  });

  it("opens at once for a failure that is the endpoint's own, and says which", () => {
    const { circuit, fail } = setting();
    expect(fail(throttled())).toBe(true);
    expect(circuit.refusal({ key: 'a key', urgency: 'awaited' })).toMatchObject({ error: THROTTLED });
    expect(circuit.refusal({ key: 'a key', urgency: 'background' })).toMatchObject({ error: THROTTLED });
  });
});

describe('an open circuit', () => {
  it('refuses with the time left, then admits one probe and refuses all others', async () => {
    const { clock, circuit, fail, waitOf } = setting();
    fail(throttled());
    expect(waitOf('awaited')).toBe(500);
    await clock.advance(499);
    expect(waitOf('awaited')).toBe(1);
    expect(circuit.admit({ key: 'a key', urgency: 'awaited' })).toHaveProperty('refusal');
    await clock.advance(1);

    expect(circuit.admit({ key: 'a key', urgency: 'awaited' })).toEqual({
      probe: { key: 'a key', urgency: 'awaited' },
    });
    expect(circuit.admit({ key: 'a key', urgency: 'awaited' })).toHaveProperty('refusal.waitMs', 0);
    expect(circuit.admit({ key: 'a key', urgency: 'background' })).toHaveProperty('refusal.waitMs', 0);
  });

  it('admits an awaited probe while one of the background is out, but not the other way round', async () => {
    const at = setting();
    at.fail(throttled());
    await at.clock.advance(500);
    at.probe('background');
    expect(at.circuit.admit({ key: 'a key', urgency: 'background' })).toHaveProperty('refusal');
    at.probe('awaited');
    expect(at.circuit.admit({ key: 'a key', urgency: 'awaited' })).toHaveProperty('refusal');
  });

  it('waits longer after each probe that fails', async () => {
    const at = setting();
    at.fail(throttled());
    for (const step of [500, 1000, 2000, 4000, 8000, 15_000, 15_000]) {
      expect(at.waitOf('awaited')).toBe(step);
      await at.clock.advance(step);
      at.fail(throttled(), { probe: at.probe() });
    }
  });

  it('continues the backoff of the key, for requests of its urgency only', () => {
    const at = setting();
    silence(at, { urgency: 'background', remainingMs: 1e9, failuresOfKey: 5 });
    expect(at.waitOf('background')).toBe(8000);
    // Failures in the background must not hold back those who have nothing in hand.
    expect(at.waitOf('awaited')).toBeUndefined();
    at.fail(unavailable, { probe: at.probe() });
    expect(at.waitOf('awaited')).toBe(500);
  });

  it('holds the background back at least as long as callers', () => {
    const at = setting();
    silence(at, { failuresOfKey: 4 });
    expect(at.waitOf('awaited')).toBe(4000);
    expect(at.waitOf('background')).toBe(4000);
  });

  it('waits in the background at most a quarter of what is left of the token that was to be refreshed', () => {
    const at = setting();
    silence(at, { urgency: 'background', remainingMs: 1600, failuresOfKey: 5 });
    expect(at.waitOf('background')).toBe(400);
  });

  it('counts the failures of requests that were under way when it opened once', () => {
    const at = setting();
    at.fail(throttled());
    for (let i = 0; i < 7; i += 1) expect(at.fail(throttled())).toBe(true);
    expect(at.waitOf('awaited')).toBe(500);
    silence(at);
    expect(at.waitOf('awaited')).toBe(500);
  });

  it('admits another probe after one that was never sent, with no further step', async () => {
    const at = setting();
    at.fail(throttled());
    await at.clock.advance(500);
    at.circuit.abandoned(at.probe());
    at.fail(throttled(), { probe: at.probe() });
    expect(at.waitOf('awaited')).toBe(1000);
  });

  it('admits its probe a second time', async () => {
    const at = setting();
    at.fail(throttled());
    await at.clock.advance(500);
    const probe = at.probe();
    expect(at.circuit.admit({ key: 'a key', urgency: 'awaited' }, probe)).toEqual({ probe });
    expect(
      at.circuit.admit({ key: 'a key', urgency: 'awaited' }, { key: 'a key', urgency: 'awaited' }),
    ).toHaveProperty('refusal');
  });

  it('stays open after any failure of a probe, whatever it would mean otherwise', async () => {
    const at = setting();
    at.fail(throttled());
    await at.clock.advance(500);
    expect(at.fail(malformed, { probe: at.probe() })).toBe(true);
    expect(at.circuit.cause).toBe(malformed.error);
  });

  it('closes when a probe succeeds, or is refused for what it asks', async () => {
    for (const end of ['success', 'refusal']) {
      const at = setting();
      at.fail(throttled());
      await at.clock.advance(500);
      const probe = at.probe();
      if (end === 'success') at.circuit.succeeded(probe);
      else expect(at.fail(rejectedScope, { probe })).toBe(false);
      expect(at.circuit.cause).toBeUndefined();
      expect(at.circuit.admit({ key: 'a key', urgency: 'awaited' })).toEqual({ probe: undefined });
      // The steps begin anew.
      at.fail(throttled());
      expect(at.waitOf('awaited')).toBe(500);
    }
  });

  it('stays open when a request succeeds that was sent before the endpoint said so', () => {
    const at = setting();
    at.fail(throttled(30_000));
    at.circuit.succeeded(undefined);
    expect(at.waitOf('awaited')).toBe(30_000);
  });

  it('closes at any success when it was inferred from silence', () => {
    const at = setting();
    silence(at);
    at.circuit.succeeded(undefined);
    expect(at.circuit.cause).toBeUndefined();
  });

  it('knows its probe by identity: one of an earlier outage says nothing of a later one', async () => {
    const at = setting();
    silence(at);
    await at.clock.advance(500);
    const stale = at.probe();
    at.circuit.succeeded(undefined);
    at.fail(throttled());
    await at.clock.advance(500);
    at.probe();

    at.circuit.abandoned(stale);
    expect(at.circuit.admit({ key: 'a key', urgency: 'awaited' })).toHaveProperty('refusal');
    at.circuit.succeeded(stale);
    expect(at.circuit.cause).toBeDefined();
    at.fail(throttled(), { probe: stale });
    expect(at.waitOf('awaited')).toBe(0);
  });
});

describe('a wait that the endpoint orders', () => {
  it('holds for callers and for the background, and is not shortened for the sake of a token', () => {
    const at = setting();
    at.fail(throttled(20_000), { urgency: 'background', remainingMs: 1000 });
    expect(at.waitOf('awaited')).toBe(20_000);
    expect(at.waitOf('background')).toBe(20_000);
  });

  it('is never shorter than the first step: servers order milliseconds, too', () => {
    const at = setting();
    at.fail(throttled(20));
    expect(at.waitOf('awaited')).toBe(500);
  });

  it('takes precedence over a longer step of the backoff', async () => {
    const at = setting();
    at.fail(throttled(), { failuresOfKey: 6 });
    await at.clock.advance(15_000);
    at.fail(throttled(2000), { probe: at.probe() });
    expect(at.waitOf('awaited')).toBe(2000);
  });

  it('counts also from requests that were under way, and the longest one holds', () => {
    const at = setting();
    at.fail(throttled(5000));
    at.fail(throttled(9000));
    at.fail(throttled(1000));
    expect(at.waitOf('awaited')).toBe(9000);
    expect(at.waitOf('background')).toBe(9000);
  });

  it('outlives the probe that was sent before it', async () => {
    for (const outcome of ['success', 'failure']) {
      const at = setting();
      silence(at);
      await at.clock.advance(500);
      const probe = at.probe();
      at.fail(throttled(9000));
      if (outcome === 'success') at.circuit.succeeded(probe);
      else at.fail(unavailable, { probe });
      expect(at.waitOf('awaited')).toBe(9000);
      expect(at.circuit.cause).toBe(THROTTLED);
    }
  });

  it('T42 holds anew after each probe that brings it again, however long it is', async () => {
    const at = setting({ random: 0.5 });
    at.fail(throttled(300_000));
    for (let i = 0; i < 3; i += 1) {
      expect(at.waitOf('awaited')).toBe(300_000);
      expect(at.waitOf('background')).toBe(300_000);
      await at.clock.advance(300_000);
      at.fail(throttled(300_000), { probe: at.probe() });
    }
  });
});

describe('whatever the endpoint does', () => {
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
    urgency: fc.constantFrom<Urgency>('awaited', 'background'),
    pick: fc.nat(),
    afterMs: fc.nat(40_000),
  });
  const failures: Record<string, Failure> = {
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
        for (const { what, urgency, pick, afterMs } of acts) {
          await at.clock.advance(afterMs);
          if (what === 'admit') {
            const admission = at.circuit.admit({ key: 'a key', urgency });
            if ('probe' in admission && admission.probe !== undefined) out.push(admission.probe);
          } else {
            const probe = out.length > 0 && pick % 3 > 0 ? out.splice(pick % out.length, 1)[0] : undefined;
            if (what === 'succeed') at.circuit.succeeded(probe);
            else if (what !== 'abandon') at.fail(failures[what]!, { probe, urgency, remainingMs: 5000 });
            else if (probe !== undefined) at.circuit.abandoned(probe);
          }
          for (const its of ['awaited', 'background'] as const) {
            expect(at.waitOf(its) ?? 0).toBeLessThanOrEqual(60_000);
          }
        }
        // Once all that went out has come back, and the longest wait is over, somebody may try.
        for (const probe of out) at.circuit.abandoned(probe);
        await at.clock.advance(60_000);
        expect(at.circuit.admit({ key: 'a key', urgency: 'background' })).toHaveProperty('probe');
      }),
      { numRuns: 150 },
    );
  });
});

describe('whose fault a failure is', () => {
  const newcomer = (at: Setting, failure: Failure, more: Circumstances = {}): boolean =>
    at.fail(failure, { urgency: 'newcomer', ...more });
  const isAdmitted = ({ circuit }: Setting, urgency: Urgency): boolean =>
    'probe' in circuit.admit({ key: 'another', urgency });

  it('T122 is a newcomer’s own, whatever it is told, while tokens come', () => {
    const at = setting();
    at.circuit.succeeded(undefined);
    expect(newcomer(at, throttled(60_000))).toBe(false);
    for (let i = 0; i < 100; i += 1) expect(newcomer(at, unavailable)).toBe(false);
    expect(
      (['newcomer', 'awaited', 'background'] as const).map((urgency) => isAdmitted(at, urgency)),
    ).toEqual([true, true, true]);
  });

  it('T122 holds newcomers, and them alone, when no token has come for a while', async () => {
    const at = setting();
    at.circuit.succeeded(undefined);
    await at.clock.advance(QUIET_MS + 1);
    for (let i = 0; i < 5; i += 1) newcomer(at, unavailable);
    expect(
      (['newcomer', 'awaited', 'background'] as const).map((urgency) => isAdmitted(at, urgency)),
    ).toEqual([false, true, true]);
  });

  it('T122 needs two keys that had a token to hold everybody', () => {
    const at = setting();
    at.circuit.succeeded(undefined);
    for (let i = 0; i < 8; i += 1) newcomer(at, unavailable);
    expect(at.fail(unavailable)).toBe(false);
    expect(isAdmitted(at, 'awaited')).toBe(true);
    expect(at.fail(unavailable)).toBe(true);
    expect(at.waitOf('awaited')).toBe(500);
    expect(at.waitOf('newcomer')).toBe(500);
  });

  it('T89 counts one key once', () => {
    const at = setting();
    for (let i = 0; i < 20; i += 1) expect(at.fail(unavailable, { key: 'the same' })).toBe(false);
  });

  it('T89 does not count what was sent before the last success', async () => {
    const at = setting();
    const sentAt = at.clock.monotonic();
    await at.clock.advance(1000);
    at.circuit.succeeded(undefined);
    for (let i = 0; i < 20; i += 1) expect(at.fail(unavailable, { sentAt })).toBe(false);
    for (let i = 0; i < 5; i += 1) at.fail(unavailable);
    expect(at.circuit.cause).toBeDefined();
  });

  it('T89 lets a newcomer that has not failed go as a probe beside one that keeps failing, at the start', async () => {
    const at = setting();
    for (let i = 0; i < 5; i += 1) at.fail(unavailable, { key: `failing ${i}`, urgency: 'newcomer' });
    await at.clock.advance(500);
    expect(at.circuit.admit({ key: 'failing 1', urgency: 'newcomer' })).toHaveProperty('probe.key');
    expect(at.circuit.admit({ key: 'failing 2', urgency: 'newcomer' })).toHaveProperty('refusal');
    expect(at.circuit.admit({ key: 'new', urgency: 'newcomer' })).toHaveProperty('probe.key', 'new');
    expect(at.circuit.admit({ key: 'another', urgency: 'newcomer' })).toHaveProperty('refusal');
  });

  it('T89 lets a key that has worked go as a probe beside one that keeps failing', async () => {
    const at = setting();
    for (let i = 0; i < 5; i += 1) at.fail(unavailable, { key: `failing ${i}` });
    await at.clock.advance(500);
    expect(at.circuit.admit({ key: 'failing 1', urgency: 'awaited' })).toHaveProperty('probe');
    expect(at.circuit.admit({ key: 'failing 2', urgency: 'awaited' })).toHaveProperty('refusal');
    expect(at.circuit.admit({ key: 'stranger', urgency: 'newcomer' })).toHaveProperty('refusal');
    expect(at.circuit.admit({ key: 'working', urgency: 'awaited' })).toHaveProperty('probe');
    expect(at.circuit.admit({ key: 'another', urgency: 'awaited' })).toHaveProperty('refusal');
  });

  it('T124 keeps few of the newcomers that get no answer in memory, and still hears of known keys', async () => {
    const at = setting();
    const before = await heapInMegabytes();
    for (let i = 0; i < 10_000; i += 1) newcomer(at, unavailable, { key: `${i}`.padEnd(4000, 'x') });
    expect((await heapInMegabytes()) - before).toBeLessThan(10);
    expect([at.fail(unavailable), at.fail(unavailable)].at(-1)).toBe(true);
    expect(isAdmitted(at, 'awaited')).toBe(false);
  });
});
