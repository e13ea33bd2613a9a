import { AsyncLocalStorage } from 'node:async_hooks';
import type { AssetAuthOptions } from 'nestjs-asset-auth';
import { ManualClock } from 'nestjs-asset-auth/testing';
import { firstValueFrom } from 'rxjs';
import { startApplication } from '../../support/application.js';
import { eventually } from '../../support/eventually.js';
import { startSandbox } from '../../support/sandbox.js';

/** As tracers and request stores use it: the span or request for which something is done. */
const span = new AsyncLocalStorage<string>();

/** A clock that knows for which span each background timer was set. */
class WatchedClock extends ManualClock {
  readonly spansOfTimers: (string | undefined)[] = [];

  override setTimeout(callback: () => void, ms: number, options: { readonly ref: boolean }): () => void {
    if (!options.ref) this.spansOfTimers.push(span.getStore());
    return super.setTimeout(callback, ms, options);
  }
}

async function open(options: Partial<AssetAuthOptions> = {}) {
  const clock = new WatchedClock();
  const sandbox = await startSandbox({ clock });
  const { clientSecret } = sandbox.moduleOptions();
  const readFor: (string | undefined)[] = [];
  const read = async (): Promise<string> => {
    readFor.push(span.getStore());
    await Promise.resolve();
    readFor.push(span.getStore());
    return clientSecret;
  };
  const application = await span.run('start', () =>
    startApplication({ sandbox, clock, options: { scopes: 'ledger:read', ...options, clientSecret: read } }),
  );
  return { ...application, clock, readFor };
}

describe('T113 A token request runs in nobody’s async context', () => {
  it.each(['warm', 'required'] as const)('not in that of the start, with %s', async (startup) => {
    const { tokens, readFor, clock } = await open({ startup });
    await eventually(() => tokens.peekAccessToken() !== undefined);
    expect(readFor).toEqual([undefined, undefined]);
    expect(clock.spansOfTimers.length).toBeGreaterThan(0);
    expect(new Set(clock.spansOfTimers)).toEqual(new Set([undefined]));
  });

  it('not in that of the first call, and the call goes on in its own', async () => {
    const { asset, tokens, readFor, clock } = await open();
    await span.run('first', async () => {
      await firstValueFrom(asset.get('/v0/business'));
      expect(span.getStore()).toBe('first');
    });
    await span.run('second', () => tokens.getAccessToken({ scopes: 'report:read' }));
    expect(readFor).toEqual(Array(4).fill(undefined));
    expect(new Set(clock.spansOfTimers)).toEqual(new Set([undefined]));
  });

  it('not in that of whoever uses a token that is renewed in the background', async () => {
    const { tokens, readFor, clock, sandbox } = await open({ tokenTtlSeconds: 100 });
    const token = await span.run('first', () => tokens.getAccessToken());
    await clock.advance(token.refreshAt.getTime() - clock.now() + 1);
    span.run('second', () => tokens.peekAccessToken());
    await eventually(() => sandbox.tokenRequests.length === 2);
    await eventually(() => readFor.length >= 4);
    expect(new Set(readFor)).toEqual(new Set([undefined]));
    expect(new Set(clock.spansOfTimers)).toEqual(new Set([undefined]));
  });

  it('and callers of different contexts that wait on one request each go on in their own', async () => {
    const { tokens, readFor } = await open();
    const seen = await Promise.all(
      ['a', 'b', 'c'].map((name) =>
        span.run(name, async () => {
          await tokens.getAccessToken();
          return span.getStore();
        }),
      ),
    );
    expect(seen).toEqual(['a', 'b', 'c']);
    expect(readFor).toEqual([undefined, undefined]);
  });
});
