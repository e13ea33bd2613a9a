import { firstValueFrom } from 'rxjs';
import { failureOf } from '../../support/failure-of.js';
import { eventually } from '../../support/eventually.js';
import { throughAttempts } from '../../support/through-attempts.js';
import { movedUntil, settled, startFleet } from './fleet.fixture.js';

const MINUTE = 60_000;

describe('T76 an older token that was written over a newer one', () => {
  it('is not taken in place of it, and is replaced in time', async () => {
    const fleet = await startFleet();
    const { one, other, store, sandbox } = fleet;
    const older = await one.tokens.getAccessToken();
    await other.tokens.getAccessToken();
    await settled();
    const [name] = store.tokens;
    const { value, remainingMs } = store.peek(name!)!;
    await fleet.pass(20 * MINUTE);
    const newer = await other.tokens.getAccessToken({}, { forceRefresh: true });
    // Its lease is named after the older one as well.
    await fleet.pass(4000);
    store.put(name!, value, remainingMs - 20 * MINUTE);
    // Neither at a refresh that is wished for, nor at one that is due.
    const newest = await other.tokens.getAccessToken({}, { forceRefresh: true });
    await settled();
    other.tokens.peekAccessToken();
    await fleet.pass(39 * MINUTE);
    store.put(name!, value, 10 * MINUTE);
    await fleet.pass(8 * MINUTE, MINUTE);
    const last = await other.tokens.getAccessToken();
    expect(new Set([older, newer, newest, last].map((token) => token.value)).size).toBe(4);
    expect(sandbox.tokenRequests).toHaveLength(4);
  });
});

describe('a newer token in the store', () => {
  it('is what a forced refresh brings, without a request', async () => {
    const { one, other, sandbox, pass } = await startFleet();
    await one.tokens.getAccessToken();
    await other.tokens.getAccessToken();
    await pass(MINUTE);
    const newer = await one.tokens.getAccessToken({}, { forceRefresh: true });
    await settled();
    expect((await other.tokens.getAccessToken({}, { forceRefresh: true })).value).toBe(newer.value);
    expect(sandbox.tokenRequests).toHaveLength(2);
    // And without one there, the endpoint is asked.
    const newest = await other.tokens.getAccessToken({}, { forceRefresh: true });
    expect(newest.value).not.toBe(newer.value);
    expect(sandbox.tokenRequests).toHaveLength(3);
  });

  it.each([50, MINUTE])(
    'replaces one that is rejected %i ms after it came: one request for the fleet',
    async (ms) => {
      const { members, sandbox, clock, pass } = await startFleet({ size: 4 });
      for (const { tokens } of members) await tokens.getAccessToken();
      await pass(ms);
      sandbox.revokeTokens();
      const calls = Promise.all(members.map(({ asset }) => firstValueFrom(asset.get('/v0/echo'))));
      await movedUntil(clock, calls, 10_000);
      expect((await calls).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
      expect(sandbox.tokenRequests).toHaveLength(2);
    },
  );

  it('replaces one that is rejected, also where tokens last shorter by now', async () => {
    const { members, sandbox, clock, pass } = await startFleet({ size: 4 });
    for (const { tokens } of members) await tokens.getAccessToken();
    await pass(MINUTE);
    sandbox.revokeTokens();
    sandbox.fail('token', { fields: { expires_in: 600 } }, Number.POSITIVE_INFINITY);
    const calls = Promise.all(members.map(({ asset }) => firstValueFrom(asset.get('/v0/echo'))));
    await movedUntil(clock, calls, 10_000);
    expect((await calls).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(sandbox.tokenRequests).toHaveLength(2);
  });

  it('is taken while the circuit is open', async () => {
    const { one, other, sandbox, clock } = await startFleet();
    sandbox.fail('token', { status: 401, body: { error: 'invalid_client' } }, Number.POSITIVE_INFINITY);
    await throughAttempts(clock, failureOf(other.tokens.getAccessToken({ scopes: 'report:read' })));
    const before = sandbox.tokenRequests.length;
    await failureOf(other.tokens.getAccessToken());
    expect(sandbox.tokenRequests).toHaveLength(before);
    sandbox.clearFaults();
    const { value } = await one.tokens.getAccessToken();
    await settled();
    expect((await other.tokens.getAccessToken()).value).toBe(value);
    expect(sandbox.tokenRequests).toHaveLength(before + 1);
    // It says nothing of how this process would fare.
    await failureOf(other.tokens.getAccessToken({ scopes: 'ledger:read' }));
    expect(sandbox.tokenRequests).toHaveLength(before + 1);
  });

  it('is taken while a failure of the key is in force, which each process keeps to itself', async () => {
    const { one, other, sandbox, clock } = await startFleet();
    sandbox.fail('token', { status: 400, body: { error: 'invalid_scope' } });
    await throughAttempts(clock, failureOf(other.tokens.getAccessToken()));
    await failureOf(other.tokens.getAccessToken());
    expect(sandbox.tokenRequests).toHaveLength(1);
    const { value } = await one.tokens.getAccessToken();
    await settled();
    expect((await other.tokens.getAccessToken()).value).toBe(value);
    expect(other.tokens.snapshot()[0]!.lastError).toBeUndefined();
    expect(sandbox.tokenRequests).toHaveLength(2);
  });

  it('lets an application boot that requires one, though the endpoint is down', async () => {
    const fleet = await startFleet({ size: 1 });
    const { value } = await fleet.one.tokens.getAccessToken();
    await settled();
    fleet.sandbox.fail('token', { reset: true }, Number.POSITIVE_INFINITY);
    const other = await fleet.add({ startup: 'required' });
    expect((await other.tokens.getAccessToken()).value).toBe(value);
    expect(fleet.sandbox.tokenRequests).toHaveLength(1);
  });

  it('is what a caller with a minimum life is given', async () => {
    const fleet = await startFleet();
    await fleet.one.tokens.getAccessToken();
    await fleet.other.tokens.getAccessToken();
    await fleet.pass(57 * MINUTE);
    const newer = await fleet.one.tokens.getAccessToken({}, { forceRefresh: true });
    await settled();
    const its = fleet.other.tokens.getAccessToken({}, { minimumLifeMs: 5 * MINUTE });
    expect((await its).value).toBe(newer.value);
    expect(fleet.sandbox.tokenRequests).toHaveLength(2);
  });

  it('is refreshed by its own plan in each process, and used as any other', async () => {
    const fleet = await startFleet();
    await fleet.one.tokens.getAccessToken();
    const adopted = await fleet.other.tokens.getAccessToken();
    for (const { tokens } of fleet.members) tokens.peekAccessToken();
    expect(adopted.refreshAt.getTime()).toBeLessThan(adopted.expiresAt.getTime());
    expect(adopted.scopes).toBeUndefined();
    // Used once, so it is refreshed once.
    await fleet.pass(50 * MINUTE, MINUTE);
    expect(fleet.sandbox.tokenRequests).toHaveLength(2);
    const values = fleet.members.map(({ tokens }) => tokens.peekAccessToken()!.value);
    expect(new Set(values).size).toBe(1);
  });
});

describe('a grant that differs', () => {
  it('is told of by each process, and not taken by one that refuses it', async () => {
    const fleet = await startFleet({
      size: 1,
      sandboxOptions: { missingScope: 'narrow', scopes: ['ledger:read'] },
    });
    const request = { scopes: ['ledger:read', 'report:read'] } as const;
    await fleet.one.tokens.getAccessToken(request);
    await settled();
    const mild = await fleet.add();
    fleet.logger.clear();
    await mild.tokens.getAccessToken(request);
    expect(mild.tokens.snapshot()[0]!.shared).toBe(true);
    expect(fleet.logger.text()).toContain('it was granted without report:read');
    const strict = await fleet.add({ grantedScopes: 'error' });
    const error = await failureOf(strict.tokens.getAccessToken(request));
    expect(error.code).toBe('ASSET_GRANT_MISMATCH');
    expect(fleet.sandbox.tokenRequests).toHaveLength(2);
    // Its failure is its own.
    expect((await mild.tokens.getAccessToken(request)).value).toBe(fleet.sandbox.issuedTokens[0]);
  });
});

describe('T25 an endpoint that hands out the same token again', () => {
  it('is asked once by the fleet each time, not once by each process', async () => {
    const fleet = await startFleet({
      size: 4,
      sandboxOptions: { stickyTokens: true, tokenFormat: 'opaque', expiresIn: 'seconds' },
    });
    for (const { tokens } of fleet.members) await tokens.getAccessToken();
    await fleet.pass(46 * MINUTE, MINUTE);
    for (const { tokens } of fleet.members) tokens.peekAccessToken();
    await fleet.pass(5000, 100);
    const values = fleet.members.map(({ tokens }) => tokens.peekAccessToken()!.value);
    expect(new Set(values).size).toBe(1);
    expect(fleet.sandbox.issuedTokens).toHaveLength(1);
    expect(fleet.sandbox.tokenRequests).toHaveLength(2);
  });

  it('does not bring back from the store what was given up', async () => {
    const fleet = await startFleet();
    const given = await fleet.one.tokens.getAccessToken();
    await fleet.other.tokens.getAccessToken();
    fleet.sandbox.fail('token', { fields: { access_token: given.value } });
    await fleet.other.tokens.getAccessToken({}, { forceRefresh: true });
    await settled();
    fleet.one.tokens.invalidate(given);
    await settled();
    expect((await fleet.one.tokens.getAccessToken()).value).not.toBe(given.value);
    expect(fleet.sandbox.tokenRequests).toHaveLength(3);
  });
});

describe('a newer token that is about to be due itself', () => {
  it('is not taken for the refresh that a use is worth', async () => {
    const fleet = await startFleet();
    const { one, other, store, sandbox } = fleet;
    // Out of each other's sight, so that each asks for itself, one a moment after the other.
    store.fail({ reject: new Error('down') }, ['get'], 2);
    await one.tokens.getAccessToken();
    await fleet.pass(1000);
    const newer = await other.tokens.getAccessToken();
    await settled();
    await fleet.pass(1000);
    one.tokens.peekAccessToken();
    await fleet.pass(48 * MINUTE, MINUTE);
    expect(sandbox.tokenRequests).toHaveLength(3);
    expect(one.tokens.snapshot()).toMatchObject([{ state: 'fresh', shared: false }]);
    expect(one.tokens.peekAccessToken()!.value).not.toBe(newer.value);
  });
});

describe('T128 a polluted prototype', () => {
  it('makes no token of the endpoint one of another process', async () => {
    const fleet = await startFleet();
    const polluted = { generation: 'x', d: 'x', g: 'x', remainingMs: 1e9, whose: 'elsewhere' };
    Object.assign(Object.prototype, polluted);
    try {
      const { value } = await fleet.one.tokens.getAccessToken();
      await eventually(() => fleet.store.tokens.length === 1);
      expect((await fleet.other.tokens.getAccessToken()).value).toBe(value);
      expect(fleet.members.map(({ tokens }) => tokens.snapshot()[0]!.shared)).toEqual([false, true]);
    } finally {
      for (const name of Object.keys(polluted)) Reflect.deleteProperty(Object.prototype, name);
    }
  });
});
