import type { AssetSandbox } from 'nestjs-asset-auth/testing';
import { freePort } from '../../support/free-port.js';
import { keepSecret } from '../../support/no-secrets.js';
import { startSandbox } from '../../support/sandbox.js';
import { command, type Ended, variablesFor } from './command.fixture.js';

const JUNIPER = 'biz_GA6EG2qFxA97NZHtxeLPUy';
const NORTHWIND = 'biz_7Qm2ZsK9pT4vXc8RbN1wYd';

interface Report {
  readonly outcome: string;
  readonly code?: string;
  readonly reason?: string;
  readonly [name: string]: unknown;
}

/** Runs the check against a sandbox, with more variables, or others. */
const check = (
  sandbox: AssetSandbox,
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Promise<Ended> => command(['check', ...args], { ...variablesFor(sandbox), ...variables });

/** The exit code and the one line of JSON. */
async function reported(running: Promise<Ended>): Promise<Report & { readonly exitCode: number | null }> {
  const { code, output, errors } = await running;
  expect(errors).toBe('');
  expect(output).toMatch(/^\{.*\}\n$/);
  return { ...(JSON.parse(output) as Report), exitCode: code };
}

const jwt = (claims: object): string =>
  ['{"alg":"none"}', JSON.stringify(claims), 'signature']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.');

describe('nestjs-asset-auth check', () => {
  it('says whom it asked for what, and what came back, and ends with 0 if that is as asked', async () => {
    const sandbox = await startSandbox({ expiresIn: 'seconds' });
    const args = ['--scopes', 'report:read ledger:read', '--business', JUNIPER];
    const { code, output, errors } = await check(sandbox, args);
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    expect(output.split('\n')).toEqual([
      `Endpoint:   ${sandbox.url}`,
      `Client id:  ${sandbox.clientId}`,
      `Asked for:  scopes ledger:read report:read, business ${JUNIPER}`,
      expect.stringMatching(/^Came back: {2}a token for 3600 s, until 20\d\d-.*Z, after \d+ ms$/),
      `It grants:  scopes ledger:read report:read, business ${JUNIPER}`,
      'Result:     as asked',
      '',
    ]);
  });

  it('reports the same as one line of JSON, also where the client id looks like a token', async () => {
    const clientId = 'b4ZQ81mKx0RtVn27LsYpWc93HdEgUa65';
    const sandbox = await startSandbox({ expiresIn: 'seconds', clientId });
    const { environment, ...report } = await reported(
      check(sandbox, ['--scopes', 'ledger:read', '--json'], { ASSET_ENVIRONMENT: 'sandbox' }),
    );
    expect(environment).toBe('sandbox');
    expect(report).toEqual({
      exitCode: 0,
      outcome: 'as-asked',
      origin: sandbox.url,
      clientId,
      asked: { scopes: ['ledger:read'] },
      token: {
        lifetimeSeconds: 3600,
        expiresAt: expect.stringMatching(/Z$/) as string,
        requestMs: expect.any(Number) as number,
        kind: 'jwt',
        scopes: ['ledger:read'],
        audience: [sandbox.url],
      },
    });
  });

  it('takes what is left out from the environment', async () => {
    const sandbox = await startSandbox();
    const variables = {
      ASSET_SCOPES: 'ledger:read',
      ASSET_BUSINESS_ID: JUNIPER,
      ASSET_RESOURCE: 'https://one.example/mcp',
    };
    const given = ['--scopes', 'report:read', '--business', NORTHWIND];
    const resources = ['--resource', 'https://a.example', '--resource', 'https://b.example'];
    expect((await check(sandbox, [], variables)).code).toBe(0);
    expect((await check(sandbox, [...given, ...resources], variables)).code).toBe(0);
    expect(sandbox.tokenRequests.map(({ form }) => form)).toMatchObject([
      { scope: 'ledger:read', business_id: JUNIPER, resource: 'https://one.example/mcp' },
      { scope: 'report:read', business_id: NORTHWIND, resource: ['https://a.example', 'https://b.example'] },
    ]);
  });

  it('needs neither the store of the application nor what it fetches at its start', async () => {
    const sandbox = await startSandbox();
    const storeKey = Buffer.alloc(32).toString('base64');
    const variables = { ASSET_STORE_KEYS: storeKey, ASSET_STARTUP: 'required' };
    expect((await check(sandbox, ['--scopes', 'ledger:read'], variables)).code).toBe(0);
  });

  it('does not claim more than the token tells', async () => {
    const opaque = await startSandbox({ tokenFormat: 'opaque' });
    const documented = await startSandbox({ jwtClaims: 'documented' });
    const args = ['--scopes', 'ledger:read'];
    const [one, other] = await Promise.all([check(opaque, args), check(documented, args)]);
    expect([one.code, other.code]).toEqual([0, 0]);
    expect(one.output).toMatch(/^It grants: {2}not told, since the token is opaque$/m);
    expect(other.output).toMatch(/^It grants: {2}not told by the claims of the token$/m);
    for (const { output } of [one, other]) {
      expect(output).toMatch(/^Result: {5}as asked, as far as the token tells: it names no scopes\.$/m);
    }
  });

  const API = 'https://api.example/mcp';
  const OTHER = 'https://other.example';
  const scope = 'ledger:read';

  it.each([
    ['no business', { scope, aud: API }, ['business'], 'it names no business.'],
    ['no audience', { scope, business_id: JUNIPER }, ['resource'], 'it names no audience.'],
    ['an odd audience', { scope, business_id: JUNIPER, aud: 7 }, ['resource'], 'it names no audience.'],
    [
      'another audience, and nothing else',
      { aud: [OTHER] },
      ['scopes', 'business', 'resource'],
      `it names no scopes and names no business and has the audience ${OTHER}, without ${API}.`,
    ],
  ])('says so, in a word of its own, where a token names %s', async (_what, claims, untold, reason) => {
    const sandbox = await startSandbox();
    const args = ['--scopes', scope, '--business', JUNIPER, '--resource', API];
    sandbox.fail('token', { fields: { access_token: jwt(claims) } }, 2);
    const [json, plain] = [await reported(check(sandbox, [...args, '--json'])), await check(sandbox, args)];
    expect(json).toMatchObject({ exitCode: 0, outcome: 'as-asked-as-far-as-told', untold, reason });
    expect(plain.code).toBe(0);
    expect(plain.output).toContain(`\nResult:     as asked, as far as the token tells: ${reason}\n`);
  });

  it.each([
    ['text', API],
    ['a list', [OTHER, API]],
  ])('claims it where a token tells all that was asked for, with its audience as %s', async (_what, aud) => {
    const sandbox = await startSandbox();
    const args = ['--scopes', scope, '--business', JUNIPER, '--resource', API, '--json'];
    sandbox.fail('token', { fields: { access_token: jwt({ scope, aud, business_id: JUNIPER }) } });
    const report = await reported(check(sandbox, args));
    expect(report).toMatchObject({ exitCode: 0, outcome: 'as-asked' });
    expect(report).not.toHaveProperty('untold');
  });

  it('asks again where an application would, for an outage of a moment', async () => {
    const sandbox = await startSandbox();
    sandbox.fail('token', { status: 503 });
    expect((await check(sandbox, ['--scopes', 'ledger:read'])).code).toBe(0);
    expect(sandbox.tokenRequests.map(({ status }) => status)).toEqual([503, 200]);
  });
});

describe('nestjs-asset-auth check ends with 1', () => {
  it('if less is granted than asked for, whatever an application would do with that token', async () => {
    const sandbox = await startSandbox({ scopes: ['ledger:read'], missingScope: 'narrow' });
    const args = ['--scopes', 'ledger:read report:read'];
    const [plain, strict] = await Promise.all([
      check(sandbox, args),
      check(sandbox, args, { ASSET_GRANTED_SCOPES: 'error' }),
    ]);
    for (const { code, output, errors } of [plain, strict]) {
      expect(code).toBe(1);
      expect(output).toMatch(/^It grants: {2}scopes ledger:read$/m);
      expect(errors).toBe('Result:     granted otherwise: it was granted without report:read.\n');
    }
  });

  it('if the token is of another business, or its answer names other scopes', async () => {
    const sandbox = await startSandbox({ tokenFormat: 'opaque' });
    sandbox.fail('token', { fields: { access_token: jwt({ business_id: NORTHWIND }) } });
    const args = ['--scopes', 'ledger:read', '--business', JUNIPER, '--json'];
    const business = await reported(check(sandbox, args));
    expect(business).toMatchObject({ exitCode: 1, outcome: 'granted-otherwise' });
    expect(business.reason).toContain(`it was granted for business ${NORTHWIND}`);
    sandbox.fail('token', { fields: { scope: 'ledger:read report:read' } });
    const scopes = await reported(check(sandbox, args));
    expect(scopes).toMatchObject({ exitCode: 1, outcome: 'granted-otherwise' });
    expect(scopes.reason).toBe('it was granted with report:read besides.');
  });

  it.each([
    ['wrong credentials', ['--scopes', 'ledger:read'], 'ASSET_CREDENTIALS_REJECTED'],
    ['a scope that it lacks', ['--scopes', 'nobody:knows'], 'ASSET_SCOPE_REJECTED'],
    [
      'an unknown business',
      ['--scopes', 'ledger:read', '--business', 'biz_Unknown'],
      'ASSET_BUSINESS_UNKNOWN',
    ],
  ])('if the client is refused for %s', async (what, args, reason) => {
    const sandbox = await startSandbox();
    sandbox.fail('token', { headers: { 'x-request-id': 'req-1' } });
    const secret = what === 'wrong credentials' ? 'not the secret of this client' : sandbox.clientSecret;
    keepSecret(secret);
    const report = await reported(check(sandbox, [...args, '--json'], { ASSET_CLIENT_SECRET: secret }));
    expect(report).toMatchObject({ exitCode: 1, outcome: 'refused', code: reason, requestId: 'req-1' });
  });
});

describe('nestjs-asset-auth check ends with 2', () => {
  it('if nobody answers, or not in time', async () => {
    const sandbox = await startSandbox();
    sandbox.fail('token', { hang: true });
    const args = ['--scopes', 'ledger:read', '--json'];
    const startedAt = performance.now();
    const slow = await reported(check(sandbox, args, { ASSET_TOKEN_TIMEOUT_MS: '400' }));
    expect(slow).toMatchObject({ exitCode: 2, outcome: 'unavailable', code: 'ASSET_TOKEN_UNAVAILABLE' });
    // Far above its time, for a process that starts on a busy machine.
    expect(performance.now() - startedAt).toBeLessThan(20_000);
    expect(slow.reason).toContain('no complete answer within tokenTimeoutMs (400 ms)');
    const gone = { ASSET_BASE_URL: `http://127.0.0.1:${await freePort()}` };
    const { code, output, errors } = await check(sandbox, args.slice(0, 2), gone);
    expect(code).toBe(2);
    expect(output).toMatch(/^Asked for: {2}scopes ledger:read\n$/m);
    expect(errors).toMatch(/^Result: {5}unavailable: .*ECONNREFUSED/);
  });

  it('if Asset has no time for it', async () => {
    const sandbox = await startSandbox();
    sandbox.fail('token', { status: 429, retryAfter: 30 });
    const report = await reported(check(sandbox, ['--scopes', 'ledger:read', '--json']));
    expect(report).toMatchObject({ exitCode: 2, outcome: 'unavailable', code: 'ASSET_TOKEN_THROTTLED' });
  });

  it('if the configuration is wrong, with each variable that is', async () => {
    const variables = { ASSET_CLIENT_ID: '', ASSET_ENVIRONMENT: 'prod', ASSET_TOKEN_TTL_SECONDS: 'soon' };
    const [plain, json] = await Promise.all([
      command(['check', '--scopes', 'ledger:read'], variables),
      reported(command(['check', '--scopes', 'ledger:read', '--json'], variables)),
    ]);
    expect(plain).toMatchObject({ code: 2, output: '' });
    expect(plain.errors).toMatch(/^Result: {5}bad configuration: /);
    for (const name of [...Object.keys(variables), 'ASSET_CLIENT_SECRET']) {
      expect(plain.errors).toContain(`(${name})`);
    }
    expect(json).toMatchObject({ exitCode: 2, outcome: 'bad-configuration', code: 'ASSET_CONFIG_INVALID' });
  });

  it.each([
    ['no scopes', [], 'Name them with --scopes "ledger:read report:read", or in ASSET_SCOPES.'],
    [
      'no business id',
      ['--scopes', 'ledger:read', '--business', 'juniper'],
      '"juniper" is not a business id',
    ],
    ['a scope beyond ASSET_ALLOWED_SCOPES', ['--scopes', 'bill:create'], 'bill:create is beyond the option'],
    ['scopes in no quotes', ['--scopes', 'ledger:read', 'report:read'], 'Put scopes in quotes'],
    ['scopes between commas', ['--scopes', 'ledger:read,report:read'], 'Separate the scopes by spaces'],
    ['no resource', ['--scopes', 'ledger:read', '--resource', 'mcp'], 'must be an absolute URI'],
  ])('if the arguments are wrong: %s, and sends nothing', async (_what, args, problem) => {
    const sandbox = await startSandbox();
    const variables = { ASSET_ALLOWED_SCOPES: 'ledger:read report:read' };
    const { code, errors } = await check(sandbox, args, variables);
    expect(code).toBe(2);
    expect(errors).toContain(problem);
    expect(sandbox.requests).toEqual([]);
  });
});

// What is printed is searched for the secrets after each test.
describe('nestjs-asset-auth check shows no secret', () => {
  it.each([
    ['like a scope', 'ledger:read-but-secret'],
    ['of odd characters', `' " \\ $HOME \`id\` +/&=% %2B schlüssel-🔑`],
    ['that is long', 'long '.repeat(400).trim()],
  ])('%s, though the server echoes it', async (_what, clientSecret) => {
    const sandbox = await startSandbox({ clientSecret });
    const forms = [
      clientSecret,
      encodeURIComponent(clientSecret),
      Buffer.from(clientSecret).toString('base64'),
    ];
    sandbox.fail('token', {
      status: 401,
      body: { error: 'invalid_client', message: forms.join(' | ') },
      headers: { 'x-request-id': Buffer.from(clientSecret).toString('base64url').slice(0, 80) },
    });
    const refused = await check(sandbox, ['--scopes', 'ledger:read']);
    expect(refused).toMatchObject({ code: 1, errors: expect.stringContaining('[redacted]') as string });
    sandbox.fail('token', {
      fields: { access_token: jwt({ scope: `ledger:read ${forms.join(' ')}`, business_id: clientSecret }) },
    });
    const granted = await check(sandbox, ['--scopes', 'ledger:read', '--json']);
    expect(granted).toMatchObject({ code: 1, output: expect.stringContaining('[redacted]') as string });
  });

  it('that somebody put where something else belongs', async () => {
    const clientSecret = 'biz_secretInTheWrongPlace';
    const sandbox = await startSandbox({ clientSecret, clientId: clientSecret });
    const args = ['--scopes', `ledger:read ${clientSecret}`, '--business', clientSecret];
    const plain = await check(sandbox, args);
    expect(plain).toMatchObject({ code: 1, output: expect.stringContaining('[redacted]') as string });
    const json = await check(sandbox, [...args, '--json']);
    expect(json).toMatchObject({ code: 1, output: expect.stringContaining('[redacted]') as string });
    const misplaced = await check(sandbox, ['--business', `x${clientSecret}`, clientSecret]);
    expect(misplaced.code).toBe(2);
  });
});
