import { ManualClock } from 'nestjs-asset-auth/testing';
import { firstValueFrom } from 'rxjs';
import { eventually } from '../../support/eventually.js';
import { startSandbox } from '../../support/sandbox.js';
import { type Fleet, settled, startFleet } from './fleet.fixture.js';

const HOUR = 3_600_000;
const MINUTE = 60_000;

describe('T69 a fleet asks for each token once', () => {
  it('when ten cold applications ask for it at the same moment', async () => {
    const fleet = await startFleet({ size: 10 });
    const hold = fleet.sandbox.hold('token');
    const asked = Promise.all(fleet.members.map(({ tokens }) => tokens.getAccessToken()));
    await fleet.sandbox.waitForRequest('token');
    await fleet.clock.advance(2000);
    hold.release();
    await settled();
    await eventually(async () => {
      await fleet.clock.advance(100);
      return fleet.members.every(({ tokens }) => tokens.peekAccessToken() !== undefined);
    });
    expect(new Set((await asked).map(({ value }) => value)).size).toBe(1);
    expect(fleet.sandbox.tokenRequests).toHaveLength(1);
    const shared = fleet.members.filter(({ tokens }) => tokens.snapshot()[0]!.shared);
    expect(shared).toHaveLength(9);
  });

  it('through three lifetimes of two keys that are used all the time', async () => {
    const fleet = await startFleet({ size: 4 });
    const keys = [{ scopes: 'ledger:read' }, { scopes: 'report:read' }] as const;
    for (let minute = 0; minute < 180; minute += 3) {
      for (const { tokens } of fleet.members) for (const key of keys) await tokens.getAccessToken(key);
      await fleet.pass(3 * MINUTE);
      for (const { tokens } of fleet.members)
        for (const key of keys) expect(tokens.peekAccessToken(key)).toBeDefined();
    }
    // A token of an hour is refreshed after 42 to 45 minutes.
    expect(fleet.sandbox.tokenRequests.length).toBeGreaterThanOrEqual(6);
    expect(fleet.sandbox.tokenRequests.length).toBeLessThanOrEqual(10);
  });

  it('and the calls of all carry it', async () => {
    const fleet = await startFleet({ size: 3 });
    for (const { asset } of fleet.members)
      expect((await firstValueFrom(asset.get('/v0/echo'))).status).toBe(200);
    const sent = fleet.sandbox.apiRequests.map(({ headers }) => headers.authorization);
    expect(new Set(sent).size).toBe(1);
    expect(fleet.sandbox.tokenRequests).toHaveLength(1);
  });

  it('and the log tells where a token comes from', async () => {
    const { one, other, logger } = await startFleet();
    await one.tokens.getAccessToken();
    expect(logger.text()).toContain('Fetched an access token for the full grant, valid until');
    expect(logger.text()).not.toContain('of another process');
    await other.tokens.getAccessToken();
    expect(logger.text()).toContain(
      'Took over an access token of another process for the full grant, valid until',
    );
  });
});

describe('T70 each key has an entry of its own', () => {
  it('which is written, read and taken out without another', async () => {
    const { one, other, store, sandbox } = await startFleet();
    const kept = await one.tokens.getAccessToken({ scopes: 'ledger:read' });
    const [name] = store.tokens;
    const before = store.peek(name!);
    const given = await one.tokens.getAccessToken({ scopes: 'report:read' });
    await one.tokens.getAccessToken({ scopes: 'report:read', businessId: sandbox.businesses[0]!.id });
    expect(store.tokens).toHaveLength(3);
    one.tokens.invalidate(given);
    await settled();
    expect(store.tokens).toHaveLength(2);
    expect(store.peek(name!)).toEqual(before);
    expect((await other.tokens.getAccessToken({ scopes: 'ledger:read' })).value).toBe(kept.value);
  });
});

describe('T71 what is stored is bounded', () => {
  it('each name expires before its token does, and no lease outlives three seconds', async () => {
    const { one, store, clock } = await startFleet({ size: 1 });
    const token = await one.tokens.getAccessToken();
    const left = token.expiresAt.getTime() - clock.now();
    expect(store.names.length).toBeGreaterThan(0);
    for (const name of store.tokens) expect(store.peek(name)!.remainingMs).toBeLessThan(left);
    for (const name of store.leases) expect(store.peek(name)!.remainingMs).toBeLessThanOrEqual(3000);
    await clock.advance(HOUR);
    expect(store.names).toEqual([]);
  });

  it('a fresh token costs the store no operation', async () => {
    const { one, store } = await startFleet({ size: 1 });
    await one.tokens.getAccessToken();
    await settled();
    const before = store.calls.length;
    for (let call = 0; call < 1000; call += 1) await one.tokens.getAccessToken();
    one.tokens.snapshot();
    expect(store.calls).toHaveLength(before);
  });

  it('a refreshed token takes the place of the one before', async () => {
    const fleet = await startFleet();
    for (let minute = 0; minute < 120; minute += 3) {
      for (const { tokens } of fleet.members) await tokens.getAccessToken();
      await fleet.pass(3 * MINUTE);
    }
    expect(fleet.sandbox.tokenRequests.length).toBeGreaterThan(1);
    expect(fleet.store.tokens).toHaveLength(1);
  });
});

describe('T72 clocks of several machines', () => {
  it('hours apart, they share one token, and each knows how long it has left', async () => {
    const start = Date.UTC(2026, 0, 1);
    const clocks = [-HOUR, 0, HOUR, 400 * 24 * HOUR].map((ms) => new ManualClock(start + ms));
    const fleet = await startFleet({
      size: 4,
      clockOf: (place) => clocks[place]!,
      // How long a token lives is said in seconds: a timestamp of the endpoint is another matter.
      sandboxOptions: { expiresIn: 'seconds', date: 'off', jwtClaims: 'documented' },
    });
    await fleet.one.tokens.getAccessToken();
    await fleet.pass(10 * MINUTE);
    for (const [place, { tokens }] of fleet.members.entries()) {
      const { expiresAt } = await tokens.getAccessToken();
      const left = expiresAt.getTime() - clocks[place]!.now();
      expect(left).toBeLessThanOrEqual(50 * MINUTE);
      expect(left).toBeGreaterThan(50 * MINUTE - 1001);
    }
    expect(fleet.sandbox.tokenRequests).toHaveLength(1);
  });

  it('and none serves a token that has expired, through two lifetimes', async () => {
    const start = Date.UTC(2026, 0, 1);
    const clocks = [-HOUR, HOUR].map((ms) => new ManualClock(start + ms));
    const fleet = await startFleet({ clockOf: (place) => clocks[place]! });
    for (let minute = 0; minute < 120; minute += 2) {
      for (const { asset } of fleet.members)
        expect((await firstValueFrom(asset.get('/v0/echo'))).status).toBe(200);
      await fleet.pass(2 * MINUTE);
    }
    expect(fleet.sandbox.apiRequests.every(({ authorized }) => authorized)).toBe(true);
    expect(fleet.sandbox.tokenRequests.length).toBeLessThanOrEqual(4);
  });
});

describe('T85 whose tokens never meet', () => {
  const namesAskedFor = ({ store }: Fleet): number =>
    new Set(store.calls.map(({ key }) => key.split(':', 3).join())).size;

  it.each([
    ['another client id', { clientId: 'another' }],
    ['another path of the token endpoint', { tokenPath: '/v0/auth/another' }],
    ['another lifetime', { tokenTtlSeconds: 100 }],
    ['another prefix in the store', { storePrefix: 'other:' }],
  ])('those of %s', async (_what, options) => {
    const fleet = await startFleet({ optionsOf: (place) => (place === 0 ? {} : options) });
    const { value } = await fleet.one.tokens.getAccessToken();
    const its = await fleet.other.tokens.getAccessToken().catch(() => undefined);
    expect(its?.value).not.toBe(value);
    expect(namesAskedFor(fleet)).toBe(2);
  });

  it('those of another address', async () => {
    const fleet = await startFleet({ size: 1 });
    const { clientId, clientSecret } = fleet.sandbox;
    const elsewhere = await startSandbox({ clientId, clientSecret, clock: fleet.clock });
    await fleet.one.tokens.getAccessToken();
    const other = await fleet.add(elsewhere.moduleOptions());
    await other.tokens.getAccessToken();
    expect(elsewhere.tokenRequests).toHaveLength(1);
    expect(fleet.store.tokens).toHaveLength(2);
  });

  it('but a new secret of the same client renames nothing', async () => {
    const { one, add, sandbox } = await startFleet({ size: 1 });
    const { value } = await one.tokens.getAccessToken();
    const other = await add({ clientSecret: sandbox.rotateSecret() });
    expect((await other.tokens.getAccessToken()).value).toBe(value);
    expect(sandbox.tokenRequests).toHaveLength(1);
  });
});
