import { AsyncLocalStorage } from 'node:async_hooks';
import { eventually } from '../../support/eventually.js';
import { movedUntil, settled, startFleet } from './fleet.fixture.js';

const MINUTE = 60_000;

describe('a token that the application gives up', () => {
  it('leaves the store, so that nobody else gets it, and the next is there at once', async () => {
    const { one, other, store, sandbox, clock } = await startFleet();
    const given = await one.tokens.getAccessToken();
    await settled();
    one.tokens.invalidate(given);
    await settled();
    expect(store.tokens).toEqual([]);
    const next = other.tokens.getAccessToken();
    // Not after the lease of the first has lapsed.
    expect(await movedUntil(clock, next, 10_000)).toBeLessThan(500);
    expect((await next).value).not.toBe(given.value);
    expect((await one.tokens.getAccessToken()).value).toBe((await next).value);
    expect(sandbox.tokenRequests).toHaveLength(2);
  });

  it('takes no newer one of another process with it', async () => {
    const fleet = await startFleet();
    const given = await fleet.one.tokens.getAccessToken();
    await fleet.other.tokens.getAccessToken();
    const newer = await fleet.other.tokens.getAccessToken({}, { forceRefresh: true });
    await settled();
    fleet.one.tokens.invalidate(given);
    await settled();
    expect(fleet.store.tokens).toHaveLength(1);
    expect((await fleet.one.tokens.getAccessToken()).value).toBe(newer.value);
    expect(fleet.sandbox.tokenRequests).toHaveLength(2);
  });

  it('does not come into the store afterwards, when the store was down as it was fetched', async () => {
    const { one, store, clock } = await startFleet({ size: 1 });
    store.fail({ reject: new Error('down') });
    const given = await one.tokens.getAccessToken();
    await settled();
    one.tokens.invalidate(given);
    store.heal();
    await clock.advance(MINUTE);
    expect(store.count('set')).toBe(1);
    expect(store.tokens).toEqual([]);
  });

  it.each(['get', 'delete'] as const)(
    'leaves it once that is back, when it was down as the token was given up: no %s',
    async (operation) => {
      const { one, store, clock, pass } = await startFleet({ size: 1 });
      const given = await one.tokens.getAccessToken();
      await settled();
      store.fail({ reject: new Error('down') }, [operation]);
      one.tokens.invalidate(given);
      await pass(10_000, 500);
      expect(store.tokens).toHaveLength(1);
      store.heal();
      await pass(30_000, 500);
      expect(store.tokens).toEqual([]);
      expect(clock.timers.filter(({ ref }) => ref)).toEqual([]);
    },
  );

  it('leaves it also if it was still on its way there', async () => {
    const { one, store, clock } = await startFleet({ size: 1 });
    store.fail({ lateMs: 900 }, ['set'], 1);
    const given = await one.tokens.getAccessToken();
    await settled();
    one.tokens.invalidate(given);
    await clock.advance(3000);
    await settled();
    expect(store.count('set')).toBe(1);
    expect(store.tokens).toEqual([]);
  });
});

describe('T113 the store is asked in nobody’s async context', () => {
  it('whatever a caller does', async () => {
    const span = new AsyncLocalStorage<string>();
    const { one, store, sandbox, clock } = await startFleet({ size: 1 });
    const seen = new Set<string | undefined>();
    store.onCall = () => seen.add(span.getStore());
    await span.run('caller', async () => {
      const token = await one.tokens.getAccessToken();
      await one.tokens.getAccessToken({}, { forceRefresh: true });
      await settled();
      one.tokens.invalidate(await one.tokens.getAccessToken());
      one.tokens.invalidate(token);
      await settled();
    });
    const hold = sandbox.hold('token');
    const slow = span.run('another', () => one.tokens.getAccessToken());
    await sandbox.waitForRequest('token', { count: 3 });
    await clock.advance(2500);
    hold.release();
    await span.run('third', () => one.tokens.getAccessToken());
    await slow;
    await eventually(() => store.count('delete') > 0 && store.count('add') > 2);
    expect([...seen]).toEqual([undefined]);
  });
});
