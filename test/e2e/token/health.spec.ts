import { startApplication } from '../../support/application.js';
import { passToExpiry, passToStale, outcome, refreshed, rejectionOf } from '../../support/token-time.js';
import { throughAttempts } from '../../support/through-attempts.js';

const LEDGERS = { scopes: ['ledger:read'] };
const REPORTS = { scopes: ['report:read'] };

describe('The health of a client', () => {
  it('is up before any token was asked for, and while tokens come', async () => {
    const { tokens } = await startApplication();
    expect(tokens.health()).toEqual({
      client: undefined,
      status: 'up',
      error: undefined,
      storeInUse: undefined,
      usableTokens: 0,
      staleTokens: 0,
      usableUntil: undefined,
      uses: { fresh: 0, stale: 0 },
    });
    const token = await tokens.getAccessToken(LEDGERS);
    expect(tokens.health()).toMatchObject({ usableTokens: 1, usableUntil: token.expiresAt });
  });

  it('is degraded while requests pause and tokens serve, down when they ran out, and up again by the first that comes', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    await tokens.getAccessToken(LEDGERS);
    const token = await tokens.getAccessToken(REPORTS);
    tokens.peekAccessToken(REPORTS);
    sandbox.fail('token', { status: 429, retryAfter: 1 }, Infinity);
    await passToStale({ tokens, clock }, token);
    tokens.peekAccessToken(REPORTS);
    await refreshed({ tokens, clock });
    expect(tokens.health()).toMatchObject({
      status: 'degraded',
      error: 'ASSET_TOKEN_THROTTLED',
      usableTokens: 2,
    });
    await passToExpiry({ tokens, clock }, token);
    await throughAttempts(clock, outcome(tokens.getAccessToken(REPORTS)));
    expect(tokens.health()).toMatchObject({ status: 'down', usableTokens: 0, usableUntil: undefined });

    sandbox.clearFaults();
    await clock.advance(60_000);
    await tokens.getAccessToken(REPORTS);
    expect(tokens.health()).toMatchObject({ status: 'up', error: undefined });
  });

  it('is degraded when the credentials are rejected and tokens serve, and down once they ran out', async () => {
    const { tokens, sandbox } = await startApplication();
    await tokens.getAccessToken(LEDGERS);
    sandbox.rotateSecret();
    await rejectionOf(tokens.getAccessToken(LEDGERS, { forceRefresh: true }));
    const rejected = { error: 'ASSET_CREDENTIALS_REJECTED' };
    expect(tokens.health()).toMatchObject({ ...rejected, status: 'degraded', usableTokens: 1 });
    tokens.invalidateAll();
    expect(tokens.health()).toMatchObject({ ...rejected, status: 'down', usableTokens: 0 });
  });

  it('is down with a single token too, once it ran out in an outage, although one key opens no circuit', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const token = await tokens.getAccessToken(LEDGERS);
    sandbox.fail('token', { status: 503 }, Infinity);
    await passToStale({ tokens, clock }, token);
    tokens.peekAccessToken(LEDGERS);
    await refreshed({ tokens, clock });
    const failing = { error: 'ASSET_TOKEN_UNAVAILABLE' };
    expect(tokens.health()).toMatchObject({ ...failing, status: 'degraded', usableTokens: 1 });
    await passToExpiry({ tokens, clock }, token);
    await throughAttempts(clock, outcome(tokens.getAccessToken(LEDGERS)));
    expect(tokens.health()).toMatchObject({ ...failing, status: 'down', usableTokens: 0 });
    sandbox.clearFaults();
    await clock.advance(30_000);
    await tokens.getAccessToken(LEDGERS);
    expect(tokens.health()).toMatchObject({ status: 'up', error: undefined });
  });

  it('is up again a minute after the pause, where nobody asks: without callers it would stay out of rotation', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    await tokens.getAccessToken(LEDGERS);
    sandbox.rotateSecret();
    await rejectionOf(tokens.getAccessToken(LEDGERS, { forceRefresh: true }));
    tokens.invalidateAll();
    await clock.advance(70_000);
    expect(tokens.health().status).toBe('down');
    await clock.advance(2000);
    expect(tokens.health()).toMatchObject({ status: 'up', error: undefined });
  });

  it('is down where the credentials are wrong from the start, also if no token was asked for then', async () => {
    const { tokens } = await startApplication({ options: { clientSecret: 'not-the-secret-of-the-sandbox' } });
    await rejectionOf(tokens.getAccessToken(LEDGERS));
    expect(tokens.health()).toMatchObject({ status: 'down', error: 'ASSET_CREDENTIALS_REJECTED' });
  });

  it('is not down for one business that fails in a quiet hour', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const [ill, well] = sandbox.businesses.map(({ id }) => ({ ...LEDGERS, businessId: id }));
    await tokens.getAccessToken(ill);
    await tokens.getAccessToken(well);
    await clock.advance(3 * 3_600_000);
    sandbox.fail('token', { status: 503 }, Infinity);
    await throughAttempts(clock, outcome(tokens.getAccessToken(ill)));
    expect(tokens.health().status).toBe('up');
  });

  it('is degraded where several keys fail, although one that nobody uses has a token', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const [idle, ...busy] = sandbox.businesses.map(({ id }) => ({ ...LEDGERS, businessId: id }));
    for (const key of busy) await tokens.getAccessToken(key);
    await clock.advance(1_800_000);
    await tokens.getAccessToken(idle);
    sandbox.fail('token', { status: 503 }, Infinity);
    await clock.advance(1_810_000);
    for (const key of busy) await throughAttempts(clock, outcome(tokens.getAccessToken(key)));
    expect(tokens.health()).toMatchObject({ status: 'degraded', error: 'ASSET_TOKEN_UNAVAILABLE' });
  });

  it('is not down for callers that name unknown businesses, whatever these are answered', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    await tokens.getAccessToken(LEDGERS);
    tokens.invalidateAll();
    for (const fault of [
      { status: 404 },
      { status: 401, body: { error: 'invalid_client' } },
      { status: 500 },
    ]) {
      sandbox.fail('token', fault, Infinity);
      for (let i = 0; i < 10; i += 1) {
        const businessId = `biz_${fault.status}x${i}`;
        await throughAttempts(clock, outcome(tokens.getAccessToken({ businessId })));
      }
      expect(tokens.health()).toMatchObject({ usableTokens: 0 });
      expect(tokens.health().status).not.toBe('down');
      sandbox.clearFaults();
      await clock.advance(60_000);
    }
  });

  it('holds counts and codes only, and is no use of a token', async () => {
    const { tokens } = await startApplication();
    await tokens.getAccessToken(LEDGERS);
    tokens.health();
    expect(tokens.snapshot()).toMatchObject([{ uses: 0 }]);
    expect(JSON.stringify(tokens.health())).not.toContain('ledger');
  });

  it('counts how often tokens were served from memory, those included that left it', async () => {
    const { tokens, sandbox, clock } = await startApplication({ options: { maxTokens: 1 } });
    await tokens.getAccessToken(LEDGERS);
    await tokens.getAccessToken(LEDGERS);
    const token = await tokens.getAccessToken(REPORTS);
    expect(tokens.snapshot()).toHaveLength(1);
    expect(tokens.health().uses).toEqual({ fresh: 1, stale: 0 });
    sandbox.fail('token', { status: 500 }, Infinity);
    await passToStale({ tokens, clock }, token);
    tokens.peekAccessToken(REPORTS);
    expect(tokens.health()).toMatchObject({ staleTokens: 1, uses: { fresh: 1, stale: 1 } });
  });
});
