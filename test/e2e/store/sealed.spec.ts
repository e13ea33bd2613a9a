import { randomBytes } from 'node:crypto';
import { expectNoSecrets } from 'nestjs-asset-auth/testing';
import { newStoreKey, settled, startFleet } from './fleet.fixture.js';

const HOUR = 3_600_000;
const MINUTE = 60_000;

describe('T75 the store knows nothing', () => {
  it('of tokens, scopes, businesses and the client, neither in names nor in values', async () => {
    const fleet = await startFleet({ size: 1 });
    const { one, store, sandbox, clock, storeKeys } = fleet;
    const businessId = sandbox.businesses[0]!.id;
    const token = await one.tokens.getAccessToken({ scopes: 'ledger:read', businessId });
    await one.tokens.getAccessToken({ scopes: 'report:read', resource: 'https://asset.example/ledger' });
    await one.tokens.getAccessToken({ scopes: 'ledger:read', businessId }, { forceRefresh: true });
    one.tokens.invalidate(await one.tokens.getAccessToken());
    await settled();
    const secrets = [
      ...sandbox.issuedTokens,
      sandbox.clientSecret,
      sandbox.clientId,
      businessId,
      'ledger:read',
      'report:read',
      'asset.example',
      sandbox.url,
      ...storeKeys,
    ];
    expect(token.value).toBe(sandbox.issuedTokens[0]);
    expectNoSecrets(store.calls, secrets);
    for (const { operation, key, value, ttlMs } of store.calls) {
      expect(key).toMatch(/^asset-auth:v1:[\w-]{32}(:[\w-]{1,32})?$/);
      if (operation === 'set' || operation === 'add') {
        expect(value).toMatch(/^[\w.-]+$/);
        expect(ttlMs).toBeGreaterThan(0);
        expect(Number.isInteger(ttlMs)).toBe(true);
      }
    }
    await clock.advance(HOUR);
    expect(store.names).toEqual([]);
  });

  it('and no dump of the application holds the keys', async () => {
    const { one, storeKeys, store, logger } = await startFleet({ size: 1 });
    await one.tokens.getAccessToken();
    store.fail({ reject: new Error('down') });
    await one.tokens.getAccessToken({ scopes: 'report:read' });
    const bytes = storeKeys.map((key) => Buffer.from(key, 'base64').toString('hex'));
    expectNoSecrets([one.tokens, one.asset, logger.text(), one.tokens.snapshot()], [...storeKeys, ...bytes]);
  });
});

describe('T74 what somebody else has put there', () => {
  const ours = 'a token of ours';
  it.each([
    ['random bytes', () => randomBytes(200).toString('base64url'), HOUR / 2],
    ['a plain token', () => JSON.stringify({ t: 'forged', g: 'x', l: HOUR, r: 1 }), HOUR / 2],
    ['half of it', (value: string) => value.slice(0, value.length / 2), HOUR / 2],
    [
      'one with a bit changed',
      (value: string) => value.slice(0, -3) + (value.at(-3) === 'A' ? 'B' : 'A') + value.slice(-2),
      HOUR / 2,
    ],
    ['nothing', () => '', HOUR / 2],
    ['a megabyte', () => 'x'.repeat(1_000_000), HOUR / 2],
    ['it, without an end', (value: string) => value, -1],
    ['it, with more time than it ever had', (value: string) => value, HOUR],
    [ours, (_value: string, other: string) => other, HOUR / 2],
  ])('is as if it were not there, and told of once: %s', async (_what, forged, ttlMs) => {
    const { one, other, store, sandbox, saidOfStore } = await startFleet();
    const requests = [{ scopes: 'ledger:read' }, { scopes: 'report:read' }] as const;
    for (const request of requests) await one.tokens.getAccessToken(request);
    await settled();
    const [first, second] = store.tokens.map((name) => ({ name, ...store.peek(name)! }));
    store.put(first!.name, forged(first!.value, second!.value), ttlMs);
    store.put(second!.name, forged(second!.value, first!.value), ttlMs);
    for (const request of requests) {
      const token = await other.tokens.getAccessToken(request);
      expect(token.value).toBe(sandbox.issuedTokens.at(-1));
    }
    expect(sandbox.tokenRequests).toHaveLength(4);
    expect(saidOfStore()).toHaveLength(1);
    expect(saidOfStore()[0]).toMatch(/^warn The token store holds a record that cannot be opened/);
    // It is replaced.
    await settled();
    const names = store.tokens.map((name) => store.peek(name)!.value);
    expect(names).not.toContain(first!.value);
    expect(store.tokens).toHaveLength(2);
    for (const name of store.tokens) expect(store.peek(name)!.remainingMs).toBeLessThan(HOUR);
  });

  it('one that asks for it succeeds, while another process is at that already, only once', async () => {
    const fleet = await startFleet();
    await fleet.one.tokens.getAccessToken();
    await settled();
    fleet.store.put(fleet.store.tokens[0]!, 'garbage', HOUR);
    const third = await fleet.add();
    const tokens = await Promise.all(
      [third, fleet.other]
        .map((member) => member.tokens.getAccessToken())
        .concat(fleet.pass(1000, 20) as never),
    );
    expect(tokens[0]!.value).toBe(tokens[1]!.value);
    expect(fleet.sandbox.tokenRequests).toHaveLength(2);
  });
});

describe('keys that are changed', () => {
  it('a new key in front, then everywhere, then without the old one: nobody fails', async () => {
    const fleet = await startFleet();
    const [old] = fleet.storeKeys;
    const storeKey = newStoreKey();
    const first = await fleet.one.tokens.getAccessToken();
    const half = await fleet.add({ storeKeys: [storeKey, old!] });
    // It opens what the old one sealed.
    expect((await half.tokens.getAccessToken()).value).toBe(first.value);
    await fleet.pass(MINUTE);
    const second = await half.tokens.getAccessToken({}, { forceRefresh: true });
    await settled();
    // Who lacks the new key asks for itself, is told so, and replaces what the others read all the same.
    const third = await fleet.other.tokens.getAccessToken();
    expect(third.value).not.toBe(second.value);
    expect(fleet.saidOfStore()).toHaveLength(1);
    await fleet.pass(MINUTE);
    const whole = await fleet.add({ storeKeys: [storeKey, old!] });
    expect((await whole.tokens.getAccessToken()).value).toBe(third.value);
    expect(fleet.sandbox.tokenRequests).toHaveLength(3);
  });

  it('once the old one is dropped, the names are new, and each key is asked for once more', async () => {
    const fleet = await startFleet({ size: 1 });
    const [old] = fleet.storeKeys;
    const storeKey = newStoreKey();
    const first = await fleet.add({ storeKeys: [storeKey, old!] });
    await first.tokens.getAccessToken();
    for (let place = 0; place < 2; place += 1) {
      const after = await fleet.add({ storeKeys: [storeKey] });
      await after.tokens.getAccessToken();
      await settled();
    }
    expect(fleet.sandbox.tokenRequests).toHaveLength(2);
  });
});
