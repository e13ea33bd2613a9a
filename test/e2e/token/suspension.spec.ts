import { AsyncLocalStorage } from 'node:async_hooks';
import { ManualClock } from 'nestjs-asset-auth/testing';
import { startApplication } from '../../support/application.js';
import { eventually } from '../../support/eventually.js';
import { outcome } from '../../support/token-time.js';

const key = (id: number | string): { resource: string } => ({ resource: `https://example.com/${id}` });

describe('after the machine slept', () => {
  it.each([1, 2, 8])('T98 requests of others from before it hold none of %i slots', async (slots) => {
    const { tokens, sandbox, clock } = await startApplication({
      options: { maxConcurrentTokenRequests: slots },
    });
    sandbox.fail('token', { hang: true }, slots);
    const before = Array.from({ length: slots }, (_, i) => tokens.getAccessToken(key(i)));
    await sandbox.waitForRequest('token', { count: slots });
    clock.suspend(60_000);
    const later = tokens.getAccessToken(key('later'));
    expect(await outcome(later)).toMatch(/^ey/);
    for (const call of before) expect(await outcome(call)).toMatch(/^ey/);
  });

  it.each([1, 3])('T98 T99 the secret is read anew, where it was being read %i time(s)', async (calls) => {
    let reads = 0;
    const sleeps = new Promise<string>(() => {});
    const secret: { value: string } = { value: '' };
    const { tokens, sandbox, clock } = await startApplication({
      options: { clientSecret: () => ((reads += 1) === 1 ? sleeps : secret.value) },
    });
    secret.value = sandbox.moduleOptions().clientSecret;
    const before = Array.from({ length: calls }, (_, i) => tokens.getAccessToken(key(i)));
    await eventually(() => reads > 0);
    clock.suspend(60_000);
    expect(await outcome(tokens.getAccessToken(key('later')))).toMatch(/^ey/);
    for (const call of before) expect(await outcome(call)).toMatch(/^ey/);
  });
});

describe('timers of token requests', () => {
  it('T50 keep no process alive for a refresh, also while the secret is being read', async () => {
    let reading = (): Promise<string> => Promise.resolve('');
    const { tokens, sandbox, clock } = await startApplication({ options: { clientSecret: () => reading() } });
    const secret = sandbox.moduleOptions().clientSecret;
    reading = () => Promise.resolve(secret);
    const token = await tokens.getAccessToken();
    let isHanging = false;
    reading = () => {
      isHanging = true;
      return new Promise(() => {});
    };
    await clock.advance(token.refreshAt.getTime() + 1 - clock.now());
    tokens.peekAccessToken();
    await eventually(() => isHanging);
    expect(clock.timers.filter(({ ref }) => ref)).toEqual([]);
    const call = tokens.getAccessToken({}, { forceRefresh: true });
    expect(clock.timers.filter(({ ref }) => ref)).toHaveLength(1);
    reading = () => Promise.resolve(secret);
    await clock.advance(5000);
    expect(await outcome(call)).toMatch(/^ey/);
  });

  it('T113 belong to no caller, whoever joins or leaves', async () => {
    const context = new AsyncLocalStorage<string>();
    const found = new Set<string>();
    class Watched extends ManualClock {
      override setTimeout(...timer: Parameters<ManualClock['setTimeout']>): () => void {
        const owner = context.getStore();
        if (owner !== undefined) found.add(owner);
        return super.setTimeout(...timer);
      }
    }
    const { tokens, sandbox } = await startApplication({
      clock: new Watched(),
      options: { maxConcurrentTokenRequests: 1 },
    });
    const hold = sandbox.hold('token');
    const leaving = new AbortController();
    const first = context.run('first', () =>
      outcome(tokens.getAccessToken(key(1), { signal: leaving.signal })),
    );
    const queued = context.run('queued', () => outcome(tokens.getAccessToken(key(2))));
    await sandbox.waitForRequest('token');
    context.run('leaving', () => {
      leaving.abort();
    });
    await first;
    const joins = context.run('joining', () => outcome(tokens.getAccessToken(key(1))));
    hold.release();
    await Promise.all([queued, joins]);
    expect([...found]).toEqual([]);
  });
});
