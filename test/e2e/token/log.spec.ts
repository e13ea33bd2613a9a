import { inspect } from 'node:util';
import { AssetAuthModule } from 'nestjs-asset-auth';
import { expectNoSecrets } from 'nestjs-asset-auth/testing';
import { type RunningApplication, startApplication } from '../../support/application.js';
import { recordingLogger, type RecordingLogger } from '../../support/recording-logger.js';
import { startSandbox } from '../../support/sandbox.js';
import { pass, passToStale, refreshed, rejectionOf } from '../../support/token-time.js';
import { throughAttempts } from '../../support/through-attempts.js';

const SCOPES = { scopes: ['ledger:read'] };

interface Logged extends RunningApplication {
  readonly logger: RecordingLogger;
}

async function startLogged(options = {}): Promise<Logged> {
  const logger = recordingLogger();
  const application = await startApplication({ logger, options });
  logger.clear();
  return { ...application, logger };
}

const warnings = ({ logger }: Logged): string[] =>
  logger.lines.filter(({ level }) => level === 'warn').map(({ text }) => text);

describe('the log of tokens', () => {
  it('says a trouble of the endpoint once, and once that it is over', async () => {
    const at = await startLogged();
    const { tokens, sandbox, clock, logger } = at;
    sandbox.fail('token', { status: 429 }, 6);
    for (let second = 0; second < 120; second += 1) {
      await Promise.allSettled([
        tokens.getAccessToken(SCOPES),
        tokens.getAccessToken({ scopes: ['report:read'] }),
      ]);
      await clock.advance(1000);
    }
    expect(warnings(at)).toEqual([
      expect.stringMatching(/Token requests for what never had a token pause.*429/),
    ]);
    expect(logger.lines.filter(({ text }) => text.includes('succeed again'))).toHaveLength(1);
  });

  it('says each kind of trouble once, for instance rejected credentials after an outage', async () => {
    const at = await startLogged();
    const { tokens, sandbox, clock } = at;
    for (const status of [429, 429, 401, 401]) sandbox.fail('token', { status });
    for (let i = 0; i < 4; i += 1) {
      await rejectionOf(tokens.getAccessToken(SCOPES));
      await clock.advance(300_000);
    }
    expect(warnings(at)).toEqual([expect.stringContaining('429'), expect.stringContaining('401')]);
    await tokens.getAccessToken(SCOPES);

    sandbox.fail('token', { status: 429 });
    await rejectionOf(tokens.getAccessToken(SCOPES, { forceRefresh: true }));
    expect(warnings(at)).toHaveLength(3);
  });

  it('says that a trouble is over also where the endpoint refuses in substance', async () => {
    const { tokens, sandbox, clock, logger } = await startLogged();
    sandbox.fail('token', { status: 429 });
    await rejectionOf(tokens.getAccessToken(SCOPES));
    await clock.advance(1000);
    await rejectionOf(tokens.getAccessToken({ scopes: ['not:granted'] }));
    expect(logger.text()).toContain('log Token requests succeed again');
  });

  it('says nothing above debug of what concerns a single key', async () => {
    const { tokens, sandbox, clock, logger } = await startLogged();
    const token = await tokens.getAccessToken(SCOPES);
    await passToStale({ tokens, clock }, token);
    sandbox.fail('token', { status: 500 });
    tokens.peekAccessToken(SCOPES);
    await sandbox.waitForRequest('token', { count: 2, until: 'answered' });
    await refreshed({ tokens, clock });
    await rejectionOf(tokens.getAccessToken({ scopes: ['not:granted'] }));

    expect(logger.lines.length).toBeGreaterThan(0);
    expect(new Set(logger.lines.map(({ level }) => level))).toEqual(new Set(['debug']));
    expect(logger.text()).toContain('The present token goes on serving');
  });

  it('tells at boot where each client leads, and with which client id, in its own context', async () => {
    const logger = recordingLogger();
    const eu = await startSandbox();
    const { sandbox } = await startApplication({
      logger,
      imports: [AssetAuthModule.forRoot({ ...eu.moduleOptions(), name: 'eu' })],
    });
    const lines = logger.lines.filter(({ text }) => text.includes('client id'));
    expect(lines).toEqual([
      {
        level: 'log',
        text: `Default client → ${sandbox.url}, client id ${sandbox.clientId} AssetAuthModule`,
      },
      { level: 'log', text: `Client eu → ${eu.url}, client id ${eu.clientId} AssetAuthModule eu` },
    ]);
  });

  it('names the environment, where it is one of Asset', async () => {
    const logger = recordingLogger();
    const account = { clientId: 'platform', clientSecret: 'a-secret-of-no-value' };
    await startApplication({ logger, options: { ...account, environment: 'sandbox', baseUrl: undefined } });
    expect(logger.text()).toMatch(/Default client → https:\S+ \(sandbox\), client id platform/);
  });

  it('tells the fetch of a token from its renewal', async () => {
    const { tokens, clock, logger } = await startLogged();
    const token = await tokens.getAccessToken(SCOPES);
    await passToStale({ tokens, clock }, token);
    tokens.peekAccessToken(SCOPES);
    await refreshed({ tokens, clock });
    expect(logger.lines.map(({ level, text }) => `${level} ${text}`)).toEqual([
      expect.stringMatching(/^debug Fetched an access token for scopes ledger:read, valid until 2/),
      expect.stringMatching(/^debug Renewed the access token for scopes ledger:read, valid until 2/),
    ]);
  });

  it('T131 costs a line, and neither a token nor the process, where the logger throws', async () => {
    const logger = recordingLogger();
    const { tokens, sandbox, clock } = await startApplication({ logger });
    const broken = (): never => {
      throw new Error('the log is full');
    };
    Object.assign(logger, { log: broken, warn: broken, debug: broken, error: broken });
    const token = await tokens.getAccessToken(SCOPES);
    sandbox.fail('token', { status: 429, retryAfter: 1 });
    await passToStale({ tokens, clock }, token);
    tokens.peekAccessToken(SCOPES);
    await refreshed({ tokens, clock });
    await pass({ tokens, clock }, 2000);
    expect(tokens.snapshot()).toMatchObject([{ state: 'fresh', lastError: undefined }]);
  });

  it('holds no secret at any level, and neither do errors, snapshots and the service itself', async () => {
    const { tokens, sandbox, clock, logger } = await startLogged({ startup: 'warm' });
    const secret = sandbox.clientSecret;
    const token = await tokens.getAccessToken(SCOPES);
    const errors: unknown[] = [];
    const faults = [
      { status: 500, body: { message: `wrong: ${secret}` } },
      { status: 400, body: { error: 'invalid_scope', error_description: secret } },
      { body: { access_token: token.value, token_type: 'mac' } },
      { reset: true } as const,
      { truncated: true } as const,
      { status: 429, body: secret },
      { status: 401, body: { detail: `${sandbox.clientId}:${secret}` } },
    ];
    for (const fault of faults) {
      // A kept socket that is reset says nothing: the request goes out again, on another.
      sandbox.fail('token', fault, 'reset' in fault ? Infinity : 1);
      errors.push(
        await throughAttempts(clock, rejectionOf(tokens.getAccessToken(SCOPES, { forceRefresh: true }))),
      );
      errors.push(await rejectionOf(tokens.getAccessToken(SCOPES, { forceRefresh: true })));
      sandbox.clearFaults();
      await pass({ tokens, clock }, 61_000);
    }
    for (const level of logger.lines.map(({ level }) => level))
      expect(['log', 'warn', 'debug']).toContain(level);
    const everything = [logger.lines, errors, tokens.snapshot(), tokens, inspect(tokens, { depth: 10 })];
    expectNoSecrets(everything, [secret, ...sandbox.issuedTokens], { clientId: sandbox.clientId });
  });
});
