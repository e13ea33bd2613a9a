import { expectNoSecrets } from 'nestjs-asset-auth/testing';
import type { StoreFault } from '../../support/store-faults.js';
import { eventually } from '../../support/eventually.js';
import { failureOf } from '../../support/failure-of.js';
import { type Fleet, movedUntil, settled, startFleet } from './fleet.fixture.js';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const STORE_TIMEOUT_MS = 250;

const down = { reject: new Error('connect ECONNREFUSED 127.0.0.1:6379') };

const DEAD: readonly (readonly [string, StoreFault])[] = [
  ['refuses', down],
  ['hangs', { hang: true }],
  ['answers late', { lateMs: 5000 }],
  ['answers garbage', { returns: Promise.resolve({ value: 5 }) }],
  ['throws', { throw: new Error('The client is closed') }],
];

/** Uses the token every minute, and looks that there is always one. */
async function used(fleet: Fleet, minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute += 3) {
    for (const { tokens } of fleet.members) expect(tokens.peekAccessToken()).toBeDefined();
    // A refresh that begins at the end of a minute still waits for the store.
    await flow(fleet, 3 * MINUTE, MINUTE);
  }
}

/** Lets time pass in steps, also while the store has yet to answer. */
async function flow({ clock, sandbox }: Fleet, ms: number, stepMs = ms): Promise<void> {
  for (let left = ms; left > 0; left -= stepMs) {
    await clock.advance(stepMs);
    await settled();
    await eventually(() => sandbox.tokenRequests.every(({ status }) => status !== undefined));
    await settled();
  }
}

describe.each(DEAD)('T45 a store that %s', (_what, fault) => {
  it('holds up a caller once, for its time at most, and then nobody', async () => {
    const { one, store, sandbox, clock, saidOfStore } = await startFleet({ size: 1 });
    store.fail(fault);
    const first = await movedUntil(clock, one.tokens.getAccessToken(), 10_000);
    expect(first).toBeLessThanOrEqual(STORE_TIMEOUT_MS);
    for (const scopes of ['ledger:read', 'report:read', 'bill:create']) {
      const token = one.tokens.getAccessToken({ scopes });
      // Nothing needs the clock any more.
      expect((await token).value).toBe(sandbox.issuedTokens.at(-1));
    }
    expect(sandbox.tokenRequests).toHaveLength(4);
    expect(saidOfStore()).toHaveLength(1);
    expect(saidOfStore()[0]).toMatch(
      /^warn The token store is out of use, and this process fetches its own tokens: /,
    );
  });

  it('is no worse than none: each application asks for itself, and always has a token', async () => {
    const fleet = await startFleet();
    fleet.store.fail(fault);
    for (const { tokens } of fleet.members)
      await movedUntil(fleet.clock, tokens.getAccessToken(), STORE_TIMEOUT_MS);
    await used(fleet, 120);
    expect(fleet.sandbox.tokenRequests.length).toBeGreaterThanOrEqual(2 * 3);
    expect(fleet.sandbox.tokenRequests.length).toBeLessThanOrEqual(2 * 4);
    expect(fleet.saidOfStore().filter((line) => line.startsWith('log'))).toEqual([]);
    expect(fleet.saidOfStore()).toHaveLength(2);
  });

  it('is used again once it works, which is said once', async () => {
    const fleet = await startFleet();
    fleet.store.fail(fault);
    for (const { tokens } of fleet.members)
      await movedUntil(fleet.clock, tokens.getAccessToken(), STORE_TIMEOUT_MS);
    await used(fleet, 10);
    fleet.store.heal();
    await used(fleet, 120);
    const before = fleet.sandbox.tokenRequests.length;
    await used(fleet, 120);
    expect(fleet.sandbox.tokenRequests.length - before).toBeLessThanOrEqual(4);
    expect(fleet.saidOfStore().filter((line) => line.startsWith('log'))).toEqual(
      Array(2).fill('log The token store is in use again AssetAuthModule'),
    );
    expect(fleet.saidOfStore()).toHaveLength(4);
  });
});

describe('T45 a store that loses or refuses', () => {
  it('everything: nobody notices who holds a token, and the next refresh is shared', async () => {
    const fleet = await startFleet({ size: 3 });
    for (const { tokens } of fleet.members) await tokens.getAccessToken();
    await used(fleet, 12);
    fleet.store.lose();
    expect(fleet.sandbox.tokenRequests).toHaveLength(1);
    await used(fleet, 42);
    expect(fleet.sandbox.tokenRequests).toHaveLength(2);
    expect(fleet.saidOfStore()).toEqual([]);
  });

  it('writes, as a replica or when it is full: each asks for itself, and says so once in an hour of attempts', async () => {
    const fleet = await startFleet();
    fleet.store.fail({ reject: new Error('READONLY You can’t write against a read only replica.') }, [
      'set',
      'add',
      'delete',
    ]);
    for (const { tokens } of fleet.members) await tokens.getAccessToken();
    for (let business = 0; business < 20; business += 1) {
      const businessId = fleet.sandbox.addBusiness().id;
      for (const { tokens } of fleet.members) await tokens.getAccessToken({ businessId });
      await used(fleet, 3);
    }
    expect(fleet.sandbox.tokenRequests.length).toBeGreaterThanOrEqual(42);
    expect(fleet.saidOfStore()).toHaveLength(2);
    expect(fleet.saidOfStore()[0]).toContain('READONLY');
  });

  it('writes, and still holds a token: that is adopted', async () => {
    const { one, other, store, sandbox } = await startFleet();
    const { value } = await one.tokens.getAccessToken();
    await settled();
    store.fail({ reject: new Error('OOM') }, ['set', 'add', 'delete']);
    expect((await other.tokens.getAccessToken()).value).toBe(value);
    expect(sandbox.tokenRequests).toHaveLength(1);
  });
});

it('T45 the health of a client says whether its store is in use, and is degraded without', async () => {
  const { one, store, pass } = await startFleet({ size: 1 });
  await one.tokens.getAccessToken();
  expect(one.tokens.health()).toMatchObject({ status: 'up', storeInUse: true });
  store.fail({ reject: new Error('down') });
  await one.tokens.getAccessToken({ scopes: ['ledger:read'] });
  expect(one.tokens.health()).toMatchObject({ status: 'degraded', storeInUse: false, error: undefined });
  store.heal();
  await pass(10_000, 500);
  await one.tokens.getAccessToken({ scopes: ['report:read'] });
  await settled();
  expect(one.tokens.health()).toMatchObject({ status: 'up', storeInUse: true });
});

describe('a store that is slow', () => {
  it('too slow for callers, it still serves refreshes', async () => {
    const fleet = await startFleet({ sandboxOptions: { expiresIn: 'seconds' } });
    fleet.store.fail({ lateMs: 600 });
    for (const { tokens } of fleet.members)
      await movedUntil(fleet.clock, tokens.getAccessToken(), STORE_TIMEOUT_MS);
    await flow(fleet, 2 * MINUTE, 1000);
    for (const { tokens } of fleet.members) tokens.peekAccessToken();
    await flow(fleet, 39 * MINUTE, 10 * MINUTE);
    await flow(fleet, 8 * MINUTE, 1000);
    // Each had asked for itself when it was cold; the refresh is shared.
    expect(fleet.sandbox.tokenRequests).toHaveLength(3);
    const values = fleet.members.map(({ tokens }) => tokens.peekAccessToken()!.value);
    expect(new Set(values).size).toBe(1);
  });

  it('a hang in the background takes no token away, also from one of ten seconds', async () => {
    const fleet = await startFleet({ size: 1, options: { tokenTtlSeconds: 10 } });
    await fleet.one.tokens.getAccessToken();
    fleet.store.fail({ hang: true });
    for (let ms = 0; ms < 60_000; ms += 100) {
      expect(fleet.one.tokens.peekAccessToken()).toBeDefined();
      await flow(fleet, 100);
    }
  });
});

describe('the end of an application', () => {
  it('gives its lease back, and swallows what the store makes of it', async () => {
    const fleet = await startFleet();
    fleet.sandbox.fail('token', { hang: true });
    const asked = failureOf(fleet.one.tokens.getAccessToken());
    await fleet.sandbox.waitForRequest('token');
    expect(fleet.store.leases).toHaveLength(1);
    fleet.store.fail(down, ['set', 'get']);
    await fleet.one.app.close();
    expect((await asked).code).toBe('ASSET_CLOSED');
    await settled();
    expect(fleet.store.leases).toEqual([]);
    expect(fleet.clock.timers).toEqual([]);
  });

  it('ends the wait for a store that hangs', async () => {
    const { one, store, clock } = await startFleet({ size: 1 });
    store.fail({ hang: true });
    const asked = failureOf(one.tokens.getAccessToken());
    await settled();
    await one.app.close();
    expect((await asked).code).toBe('ASSET_CLOSED');
    expect(clock.timers).toEqual([]);
  });

  it('no timer of the store keeps a process alive that nobody waits in', async () => {
    const fleet = await startFleet({ size: 1 });
    fleet.store.fail({ hang: true }, ['set']);
    await fleet.one.tokens.getAccessToken();
    await settled();
    expect(fleet.clock.timers.length).toBeGreaterThan(0);
    expect(fleet.clock.timers.filter(({ ref }) => ref)).toEqual([]);
  });
});

describe('T54 what is logged of a store', () => {
  it.each([
    ['an error', new Error('connect ECONNREFUSED redis://:hunter2hunter2@10.0.0.1:6379')],
    ['a text', 'cannot reach rediss://user:hunter2hunter2@host'],
    ['an object', { message: 'redis://user:hunter2hunter2@host', url: 'redis://user:hunter2hunter2@host' }],
  ])('holds no password of its URL: %s', async (_what, reject) => {
    const { one, store, storeKeys, logger } = await startFleet({ size: 1 });
    store.fail({ reject });
    await one.tokens.getAccessToken();
    expect(logger.text()).toContain('[redacted]@');
    expectNoSecrets(logger.lines, ['hunter2hunter2', ...storeKeys]);
  });

  it('T131 costs nothing if the logger throws', async () => {
    const { one, other, store, logger } = await startFleet();
    Object.assign(logger, {
      warn: () => {
        throw new Error('disk full');
      },
    });
    store.fail(down, ['get'], 1);
    const { value } = await one.tokens.getAccessToken();
    store.put(store.tokens[0] ?? store.calls[0]!.key, 'garbage', HOUR);
    expect((await other.tokens.getAccessToken()).value).not.toBe(value);
  });
});
