import type { SandboxRequest } from 'nestjs-asset-auth/testing';
import { failureOf } from '../../support/failure-of.js';
import { eventually } from '../../support/eventually.js';
import { movedUntil, settled, startFleet } from './fleet.fixture.js';

const MINUTE = 60_000;
const TOKEN_TIMEOUT_MS = 10_000;

describe('T73 whoever asks the endpoint holds a lease', () => {
  it('a holder that dies is succeeded within three seconds and a bit', async () => {
    const fleet = await startFleet();
    fleet.sandbox.fail('token', { hang: true });
    void fleet.one.tokens.getAccessToken().catch(() => {});
    await fleet.sandbox.waitForRequest('token');
    const asked = fleet.other.tokens.getAccessToken();
    await fleet.clock.advance(500);
    // Nothing gives the lease back: as when a process is killed.
    fleet.store.fail({ hang: true }, ['delete'], 1);
    fleet.store.fail({ hang: true }, ['set'], 1);
    await fleet.one.app.close();
    const took = await movedUntil(fleet.clock, asked, TOKEN_TIMEOUT_MS);
    expect(took).toBeLessThan(3500);
    expect(took).toBeGreaterThan(2000);
    expect(fleet.sandbox.tokenRequests).toHaveLength(2);
  });

  it('a holder that is slow keeps it by renewing it', async () => {
    const fleet = await startFleet({ size: 3 });
    const hold = fleet.sandbox.hold('token');
    const asked = fleet.members.map(({ tokens }) => tokens.getAccessToken());
    await fleet.sandbox.waitForRequest('token');
    await fleet.clock.advance(4500);
    expect(fleet.store.leases).toHaveLength(1);
    expect(fleet.sandbox.tokenRequests).toHaveLength(1);
    hold.release();
    await movedUntil(fleet.clock, Promise.all(asked), 1000);
    expect(new Set((await Promise.all(asked)).map(({ value }) => value)).size).toBe(1);
    expect(fleet.sandbox.tokenRequests).toHaveLength(1);
  });

  it('one that may have lost it neither renews it nor gives it back', async () => {
    const fleet = await startFleet({ size: 1 });
    fleet.sandbox.fail('token', { hang: true });
    const asked = failureOf(fleet.one.tokens.getAccessToken());
    await fleet.sandbox.waitForRequest('token');
    // The renewal is carried out by nobody, and the lease lapses.
    fleet.store.fail({ lateMs: 2600 }, ['set'], 1);
    await fleet.clock.advance(3000);
    const [name] = fleet.store.calls.filter(({ operation }) => operation === 'add').map(({ key }) => key);
    fleet.store.put(name!, 'of another process', 3000);
    await movedUntil(fleet.clock, asked, TOKEN_TIMEOUT_MS);
    await settled();
    expect(fleet.store.count('delete')).toBe(0);
  });

  it('a renewal that is carried out after the failure of its holder keeps nobody waiting', async () => {
    const fleet = await startFleet({ size: 1 });
    const hold = fleet.sandbox.hold('token');
    fleet.sandbox.fail('token', { status: 400, body: { error: 'invalid_request' } });
    const failed = failureOf(fleet.one.tokens.getAccessToken());
    await fleet.sandbox.waitForRequest('token');
    fleet.store.fail({ lateMs: 200 }, ['set'], 1);
    await fleet.clock.advance(1000);
    hold.release();
    await failed;
    await fleet.clock.advance(200);
    await settled();
    expect(fleet.store.leases).toEqual([]);
  });

  it('a failure of the holder lets another try at once', async () => {
    const fleet = await startFleet();
    const hold = fleet.sandbox.hold('token');
    fleet.sandbox.fail('token', { status: 400, body: { error: 'invalid_request' } });
    const failed = failureOf(fleet.one.tokens.getAccessToken());
    await fleet.sandbox.waitForRequest('token');
    const asked = fleet.other.tokens.getAccessToken();
    await fleet.clock.advance(300);
    hold.release();
    await failed;
    expect(await movedUntil(fleet.clock, asked, TOKEN_TIMEOUT_MS)).toBeLessThan(1000);
    expect(fleet.sandbox.tokenRequests).toHaveLength(2);
  });

  it('where a holder never comes to an end, callers go alone after half of tokenTimeoutMs', async () => {
    const fleet = await startFleet({ size: 1 });
    await fleet.one.tokens.getAccessToken();
    await settled();
    const name = fleet.store.calls.find(({ operation }) => operation === 'add')!.key;
    fleet.store.lose();
    fleet.store.put(name, 'of a process that renews it for ever', 3_600_000);
    const other = await fleet.add();
    const took = await movedUntil(fleet.clock, other.tokens.getAccessToken(), TOKEN_TIMEOUT_MS);
    expect(took).toBeGreaterThanOrEqual(TOKEN_TIMEOUT_MS / 2);
    expect(took).toBeLessThan(TOKEN_TIMEOUT_MS / 2 + 600);
    expect(fleet.sandbox.tokenRequests).toHaveLength(2);
    expect(fleet.store.peek(name)!.value).toBe('of a process that renews it for ever');
  });

  it('callers with nothing in hand look again, ever less often', async () => {
    const fleet = await startFleet();
    const hold = fleet.sandbox.hold('token');
    const asked = fleet.members.map(({ tokens }) => tokens.getAccessToken());
    await fleet.sandbox.waitForRequest('token');
    fleet.store.calls.length = 0;
    await fleet.clock.advance(4000);
    const gets = fleet.store.calls.filter(({ operation }) => operation === 'get').map(({ at }) => at);
    expect(gets.length).toBeGreaterThan(8);
    expect(gets.length).toBeLessThan(25);
    hold.release();
    await movedUntil(fleet.clock, Promise.all(asked), 1000);
  });
});

describe('a refresh that nobody waits on', () => {
  it('ends when another process is at it, and adopts what that fetched', async () => {
    const fleet = await startFleet();
    await fleet.one.tokens.getAccessToken();
    await fleet.other.tokens.getAccessToken();
    await fleet.pass(46 * MINUTE);
    const hold = fleet.sandbox.hold('token');
    fleet.one.tokens.peekAccessToken();
    fleet.other.tokens.peekAccessToken();
    await fleet.sandbox.waitForRequest('token', { count: 2 });
    await eventually(() => fleet.members.some(({ tokens }) => !tokens.snapshot()[0]!.refreshing));
    hold.release();
    await fleet.pass(2000, 100);
    const values = fleet.members.map(({ tokens }) => tokens.peekAccessToken()?.value);
    expect(values[0]).toBe(values[1]);
    expect(values[0]).toBe(fleet.sandbox.issuedTokens.at(-1));
    expect(fleet.sandbox.tokenRequests).toHaveLength(2);
  });

  it('is joined by callers at any moment of its end, and none of them fails', async () => {
    const fleet = await startFleet();
    await fleet.one.tokens.getAccessToken();
    await fleet.other.tokens.getAccessToken();
    await fleet.pass(46 * MINUTE);
    const hold = fleet.sandbox.hold('token');
    fleet.one.tokens.peekAccessToken();
    await fleet.sandbox.waitForRequest('token', { count: 2 });
    fleet.other.tokens.peekAccessToken();
    const joined: Promise<unknown>[] = [];
    for (let turn = 0; turn < 60; turn += 1) {
      joined.push(fleet.other.tokens.getAccessToken({}, { forceRefresh: true }));
      await Promise.resolve();
    }
    await fleet.clock.advance(200);
    hold.release();
    const all = Promise.all(joined);
    await movedUntil(fleet.clock, all, TOKEN_TIMEOUT_MS);
    expect(new Set(await all).size).toBe(1);
    expect(fleet.sandbox.tokenRequests).toHaveLength(2);
  });
});

describe('whoever wins the lease looks again', () => {
  it('since its turn may have come long after it looked', async () => {
    const fleet = await startFleet({ size: 1, options: { maxConcurrentTokenRequests: 1 } });
    const isFirst = (request: SandboxRequest): boolean => request.body.includes('ledger');
    const hold = fleet.sandbox.hold('token', isFirst);
    const first = fleet.one.tokens.getAccessToken({ scopes: 'ledger:read' });
    await fleet.sandbox.waitForRequest('token');
    // Looks, finds nothing, and queues behind the first.
    const second = fleet.one.tokens.getAccessToken({ scopes: 'report:read' });
    await settled();
    const other = await fleet.add();
    const fetched = other.tokens.getAccessToken({ scopes: 'report:read' });
    await fetched;
    // The lease of that fetch is over.
    await fleet.clock.advance(3001);
    hold.release();
    await first;
    await movedUntil(fleet.clock, second, TOKEN_TIMEOUT_MS);
    expect((await second).value).toBe((await fetched).value);
    expect(fleet.sandbox.tokenRequests).toHaveLength(2);
  });

  it('and leaves no lease behind that keeps others waiting once the token is given up', async () => {
    const fleet = await startFleet({ size: 1, options: { maxConcurrentTokenRequests: 1 } });
    const isFirst = (request: SandboxRequest): boolean => request.body.includes('ledger');
    const hold = fleet.sandbox.hold('token', isFirst);
    const first = fleet.one.tokens.getAccessToken({ scopes: 'ledger:read' });
    await fleet.sandbox.waitForRequest('token');
    const second = fleet.one.tokens.getAccessToken({ scopes: 'report:read' });
    await settled();
    const other = await fleet.add();
    await other.tokens.getAccessToken({ scopes: 'report:read' });
    await settled();
    hold.release();
    await first;
    await movedUntil(fleet.clock, second, TOKEN_TIMEOUT_MS);
    other.tokens.invalidate(await second);
    await settled();
    const next = other.tokens.getAccessToken({ scopes: 'report:read' });
    expect(await movedUntil(fleet.clock, next, TOKEN_TIMEOUT_MS)).toBeLessThan(500);
    expect((await next).value).not.toBe((await second).value);
  });
});
