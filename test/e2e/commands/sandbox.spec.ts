import { spawnSync } from 'node:child_process';
import { expectNoSecrets } from 'nestjs-asset-auth/testing';
import { startSandbox } from '../../support/sandbox.js';
import { command, CommandProcess } from './command.fixture.js';

const LISTENS = /listens on (http:\/\/127\.0\.0\.1:(\d+)), until Ctrl-C\. A business of it: (biz_\w+)\n/;

/** A sandbox of the command, on a free port. */
async function startCommand(...args: string[]) {
  const running = new CommandProcess(['sandbox', '--port', '0', ...args]);
  await running.told(LISTENS);
  const [, url = '', port = '', businessId = ''] = LISTENS.exec(running.errors) ?? [];
  return { running, url, port, businessId };
}

/** The variables as a shell has them that evaluates what was printed. */
function inShell(output: string): Readonly<Record<string, string>> {
  const script = `set -eu; ${output}env`;
  const { stdout, status } = spawnSync('/bin/sh', ['-c', script], { encoding: 'utf8', env: {} });
  expect(status).toBe(0);
  const pairs = stdout.split('\n').filter((line) => line.startsWith('ASSET_'));
  return Object.fromEntries(pairs.map((line) => line.split(/=(.*)/s, 2) as [string, string]));
}

interface TokenAnswer {
  readonly access_token: string;
}

const credentials = { client_id: 'sandbox-client', client_secret: 'sandbox-secret' };

const askForToken = (url: string, fields: Readonly<Record<string, string>> = {}): Promise<Response> =>
  fetch(`${url}/v0/auth/token`, { method: 'POST', body: new URLSearchParams({ ...credentials, ...fields }) });

const tokenIn = async (answer: Response): Promise<string> =>
  ((await answer.json()) as TokenAnswer).access_token;

describe('nestjs-asset-auth sandbox', () => {
  it('prints variables for a shell, with which an application gets its token there', async () => {
    const { running, url, businessId } = await startCommand();
    const variables = inShell(running.output);
    expect(variables).toEqual({
      ASSET_BASE_URL: url,
      ASSET_CLIENT_ID: credentials.client_id,
      ASSET_CLIENT_SECRET: credentials.client_secret,
    });
    const args = ['check', '--scopes', 'ledger:read', '--business', businessId];
    expect((await command(args, variables)).output).toMatch(/^Result: {5}as asked$/m);
  });

  it('tells of each request what it was for, but no token', async () => {
    const { running, url, businessId } = await startCommand();
    const token = await tokenIn(await askForToken(url, { scope: 'ledger:read', business_id: businessId }));
    await askForToken(url, { scope: 'nobody:knows' });
    const path = `/v0/business/${businessId}/ledger`;
    const headers = { authorization: `Bearer ${token}` };
    await fetch(`${url}${path}?access_token=${token}`, { headers });
    await fetch(`${url}/v0/business`, { headers: { authorization: `Bearer x${token}` } });
    await running.told(/GET \/v0\/business 401\n/);
    const narrowed = `scopes ledger:read business ${businessId}`;
    expect(running.errors.split('\n').slice(1)).toEqual([
      `POST /v0/auth/token 200 ${narrowed}`,
      'POST /v0/auth/token 400 asked for scopes nobody:knows',
      `GET ${path} 200 ${narrowed}`,
      'GET /v0/business 401',
      '',
    ]);
    expectNoSecrets(running.errors, [token, credentials.client_secret]);
  });

  it('plays faults in their order: as often as they say, or for good', async () => {
    const { running, url } = await startCommand(
      '--fail',
      'token=503x2',
      '--fail',
      'api=hangx1',
      '--fail',
      'api=500',
    );
    const answers = [await askForToken(url), await askForToken(url), await askForToken(url)];
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 200]);
    const caller = new AbortController();
    const hanging = fetch(`${url}/v0/business`, { signal: caller.signal });
    await running.told(/GET \/v0\/business no answer\n/);
    for (let call = 0; call < 3; call += 1) expect((await fetch(`${url}/v0/business`)).status).toBe(500);
    caller.abort();
    await expect(hanging).rejects.toThrow();
  });

  it('hands out tokens that live as long as it is told', async () => {
    const { url } = await startCommand('--lifetime', '10');
    const token = await tokenIn(await askForToken(url, { expires_in: '3600' }));
    const claims = Buffer.from(token.split('.')[1]!, 'base64url').toString();
    const { iat, exp } = JSON.parse(claims) as { readonly iat: number; readonly exp: number };
    expect(exp - iat).toBeGreaterThanOrEqual(9);
    expect(exp - iat).toBeLessThanOrEqual(11);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('ends with 0 on %s, also while a request hangs', async (signal) => {
    const { running, url } = await startCommand('--fail', 'token=hang');
    const hanging = expect(askForToken(url)).rejects.toThrow();
    await running.told(/POST \/v0\/auth\/token no answer/);
    expect((await running.stop(signal)).code).toBe(0);
    await hanging;
  });

  it('says that its port is taken, and how to choose another one', async () => {
    const { url } = await startSandbox();
    const { port } = new URL(url);
    expect(await command(['sandbox', '--port', port])).toEqual({
      code: 2,
      output: '',
      errors: `nestjs-asset-auth sandbox: Port ${port} is taken by another process. Choose another one with --port, or any free one with --port 0.\n`,
    });
  });

  it.each([
    ['--port', ['65536', '-1', 'http', '0x10', ''], '--port takes a whole number from 0 to 65535.'],
    ['--lifetime', ['0', '1.5', 'long', '1e3'], '--lifetime takes a whole number of seconds'],
    [
      '--fail',
      ['token', 'token=200', 'tokens=503', 'api=503x0', 'api=503 x2', 'api=reset'],
      '--fail takes token or api',
    ],
  ])('starts nothing with a %s that cannot be', async (option, values, problem) => {
    const ended = await Promise.all(values.map((value) => command(['sandbox', `${option}=${value}`])));
    for (const { code, output, errors } of ended) {
      expect({ code, output }).toEqual({ code: 2, output: '' });
      expect(errors).toContain(`nestjs-asset-auth sandbox: ${problem}`);
    }
  });
});
