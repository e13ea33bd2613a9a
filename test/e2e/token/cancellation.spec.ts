import { startApplication } from '../../support/application.js';
import type { AssetTokenRequest } from 'nestjs-asset-auth';
import { eventually } from '../../support/eventually.js';
import { passToStale, rejectionOf } from '../../support/token-time.js';
import { throughAttempts } from '../../support/through-attempts.js';

const SCOPES = { scopes: ['ledger:read'] };

describe('a caller that aborts', () => {
  it('T47 leaves alone and at once, with its own reason; the others get their token from the same request', async () => {
    const { tokens, sandbox } = await startApplication();
    const hold = sandbox.hold('token');
    const leaving = new AbortController();
    const reason = new Error('the user closed the page');
    // It is the first, whose call started the pending request.
    const left = rejectionOf(tokens.getAccessToken(SCOPES, { signal: leaving.signal }));
    const joiners = Array.from({ length: 10 }, () => tokens.getAccessToken(SCOPES));
    await sandbox.waitForRequest('token');

    leaving.abort(reason);
    expect(await left).toBe(reason);
    expect(hold.waiting).toBe(1);
    hold.release();

    expect(new Set(await Promise.all(joiners)).size).toBe(1);
    expect(sandbox.tokenRequests).toHaveLength(1);
  });

  it('T47 may be a joiner, and leaves the first one undisturbed', async () => {
    const { tokens, sandbox } = await startApplication();
    const hold = sandbox.hold('token');
    const first = tokens.getAccessToken(SCOPES);
    const leaving = new AbortController();
    const left = rejectionOf(tokens.getAccessToken(SCOPES, { signal: leaving.signal }));
    await sandbox.waitForRequest('token');
    leaving.abort();
    expect(await left).toBe(leaving.signal.reason);
    hold.release();
    await expect(first).resolves.toBeDefined();
  });

  it('T47 is told its reason whatever that is', async () => {
    const { tokens, sandbox } = await startApplication();
    sandbox.hold('token');
    for (const reason of ['a string', 42, null, { some: 'object' }]) {
      const leaving = new AbortController();
      const left = rejectionOf(tokens.getAccessToken(SCOPES, { signal: leaving.signal }));
      leaving.abort(reason);
      expect(await left).toBe(reason);
    }
  });

  it('before it asked gets nothing, not even a token that is at hand, and nothing is sent', async () => {
    const { tokens, sandbox } = await startApplication();
    const signal = AbortSignal.abort('too late');
    expect(await rejectionOf(tokens.getAccessToken(SCOPES, { signal }))).toBe('too late');
    expect(sandbox.tokenRequests).toEqual([]);
    await tokens.getAccessToken(SCOPES);
    expect(await rejectionOf(tokens.getAccessToken(SCOPES, { signal }))).toBe('too late');
    expect(await rejectionOf(tokens.getAccessToken(SCOPES, { signal, forceRefresh: true }))).toBe('too late');
    expect(sandbox.tokenRequests).toHaveLength(1);
  });

  it('while it queues for a slot leaves at once, too', async () => {
    const { tokens, sandbox } = await startApplication({ options: { maxConcurrentTokenRequests: 1 } });
    const hold = sandbox.hold('token');
    const busy = tokens.getAccessToken(SCOPES);
    await sandbox.waitForRequest('token');
    const leaving = new AbortController();
    const left = rejectionOf(tokens.getAccessToken({ scopes: ['report:read'] }, { signal: leaving.signal }));
    leaving.abort('gone');
    expect(await left).toBe('gone');
    hold.release();
    await busy;
  });

  it('while a stale token is held gets its reason and not that token', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const token = await tokens.getAccessToken(SCOPES);
    await clock.advance(token.expiresAt.getTime() - clock.now() - 1000);
    sandbox.hold('token');
    const leaving = new AbortController();
    const left = rejectionOf(
      tokens.getAccessToken(SCOPES, { signal: leaving.signal, minimumLifeMs: 60_000 }),
    );
    await sandbox.waitForRequest('token', { count: 2 });
    leaving.abort('gone');
    expect(await left).toBe('gone');
  });

  it('leaves no listener behind on a signal that lives long', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    let listeners = 0;
    const { signal } = new AbortController();
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners += 1;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners -= 1;
      remove(...args);
    };
    await Promise.all(Array.from({ length: 10 }, () => tokens.getAccessToken(SCOPES, { signal })));
    sandbox.fail('token', { status: 500 }, 3);
    await throughAttempts(clock, rejectionOf(tokens.getAccessToken({ scopes: ['report:read'] }, { signal })));
    await eventually(() => listeners === 0);
  });
});

describe('a pending request that all callers have left', () => {
  it('still arrives, and serves the next caller', async () => {
    const { tokens, sandbox } = await startApplication();
    const hold = sandbox.hold('token');
    const leaving = new AbortController();
    const left = rejectionOf(tokens.getAccessToken(SCOPES, { signal: leaving.signal }));
    await sandbox.waitForRequest('token');
    leaving.abort();
    await left;
    hold.release();
    await eventually(() => tokens.snapshot().length === 1);
    expect(tokens.peekAccessToken(SCOPES)?.value).toBe(sandbox.issuedTokens[0]);
    expect(sandbox.tokenRequests).toHaveLength(1);
  });

  it('still fails, and is remembered', async () => {
    const { tokens, sandbox } = await startApplication();
    const hold = sandbox.hold('token');
    sandbox.fail('token', { status: 500 });
    const leaving = new AbortController();
    const left = rejectionOf(tokens.getAccessToken(SCOPES, { signal: leaving.signal }));
    await sandbox.waitForRequest('token');
    leaving.abort();
    await left;
    hold.release();
    await eventually(() => tokens.snapshot()[0]?.lastError !== undefined);
    expect(await rejectionOf(tokens.getAccessToken(SCOPES))).toMatchObject({
      code: 'ASSET_TOKEN_UNAVAILABLE',
    });
    expect(sandbox.tokenRequests).toHaveLength(1);
  });

  it('stores its token anew if its key left the memory meanwhile', async () => {
    const { tokens, sandbox, clock } = await startApplication({ options: { maxTokens: 1 } });
    const first = await tokens.getAccessToken(SCOPES);
    await passToStale({ tokens, clock }, first);
    const hold = sandbox.hold(
      'token',
      (request) => request.kind === 'token' && request.form.scope === 'ledger:read',
    );
    tokens.peekAccessToken(SCOPES);
    await sandbox.waitForRequest('token', { count: 2 });
    await tokens.getAccessToken({ scopes: ['report:read'] });
    expect(tokens.snapshot()).toMatchObject([{ scopes: ['report:read'] }]);
    hold.release();
    await eventually(() => tokens.snapshot()[0]?.scopes?.[0] === 'ledger:read');
    expect(tokens.snapshot()).toHaveLength(1);
    expect(tokens.peekAccessToken(SCOPES)?.value).not.toBe(first.value);
  });
});

describe('a call that cannot be made', () => {
  it.each([
    ['a scope that is none', { scopes: ['two scopes'] }, 'ASSET_SCOPE_INVALID'],
    ['an empty list of scopes', { scopes: [] }, 'ASSET_SCOPE_INVALID'],
    ['a misspelled name', { scope: 'ledger:read' } as AssetTokenRequest, 'ASSET_SCOPE_INVALID'],
    ['text', 'ledger:read' as AssetTokenRequest, 'ASSET_SCOPE_INVALID'],
    ['an empty text', '' as AssetTokenRequest, 'ASSET_SCOPE_INVALID'],
    ['a list', ['ledger:read'] as AssetTokenRequest, 'ASSET_SCOPE_INVALID'],
    ['null', null as unknown as AssetTokenRequest, 'ASSET_SCOPE_INVALID'],
    ['a business that is none', { businessId: '../other' }, 'ASSET_BUSINESS_INVALID'],
  ])('with %s rejects instead of throwing, and nothing is sent', async (_, request, code) => {
    const { tokens, sandbox } = await startApplication();
    const call = tokens.getAccessToken(request);
    await expect(call).rejects.toMatchObject({ code });
    expect(sandbox.tokenRequests).toEqual([]);
  });

  it('T11 with a request that reads otherwise the next time gets no token of what it read as before', async () => {
    const { tokens, sandbox } = await startApplication();
    let reads = 0;
    const shifty = {
      get scopes(): string {
        reads += 1;
        return reads <= 2 ? 'ledger:create' : 'ledger:read';
      },
    };
    await tokens.getAccessToken(shifty);
    await tokens.getAccessToken({ scopes: 'ledger:read' });
    expect(sandbox.tokenRequests.at(-1)?.form.scope).toBe('ledger:read');
  });

  it('with a request that cannot even be read rejects, too', async () => {
    const { tokens } = await startApplication();
    const hostile = {
      get scopes(): string[] {
        throw new Error('no');
      },
    };
    expect(String(await rejectionOf(tokens.getAccessToken(hostile)))).toContain('no');
  });
});
