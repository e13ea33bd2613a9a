import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { AssetSandbox } from 'nestjs-asset-auth/testing';
import { startSandbox } from '../../support/sandbox.js';

const LONGEST_MS = 30_000;
const fromSource = new URL('../../support/from-source.mjs', import.meta.url).href;

interface Ended {
  /** `null` if it had to be killed, since it did not end by itself. */
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs a script of the folder `processes` in a Node process of its own, and waits until it ends by itself. */
async function run(sandbox: AssetSandbox, script: string, ...args: string[]): Promise<Ended> {
  const file = fileURLToPath(new URL(`./processes/${script}.mjs`, import.meta.url));
  const child = spawn(
    process.execPath,
    ['--unhandled-rejections=strict', '--import', fromSource, file, ...args],
    {
      env: {
        PATH: process.env.PATH,
        ASSET_BASE_URL: sandbox.url,
        ASSET_CLIENT_ID: sandbox.clientId,
        ASSET_CLIENT_SECRET: sandbox.clientSecret,
      },
      timeout: LONGEST_MS,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  child.stderr.on('data', (chunk) => (errors += String(chunk)));
  await once(child, 'close');
  return { code: child.exitCode, output, errors };
}

describe('a process that uses the library', () => {
  it(
    'T50 ends by itself after one call and the end of its application',
    async () => {
      const sandbox = await startSandbox();
      expect(await run(sandbox, 'one-call')).toEqual({ code: 0, output: 'businesses: 3\n', errors: '' });
      expect(sandbox.tokenRequests).toHaveLength(1);
    },
    LONGEST_MS,
  );

  it(
    'T50 ends by itself even if it never ends its application',
    async () => {
      const sandbox = await startSandbox();
      expect(await run(sandbox, 'one-call', 'open', 'required')).toEqual({
        code: 0,
        output: 'businesses: 3\n',
        errors: '',
      });
    },
    LONGEST_MS,
  );

  it(
    'T49 sees no unhandled rejection, however its refreshes fail and its callers leave',
    async () => {
      const sandbox = await startSandbox();
      expect(await run(sandbox, 'failing-refreshes')).toEqual({
        code: 0,
        output: 'refreshes failed\na caller left\nclosed\n',
        errors: '',
      });
    },
    LONGEST_MS,
  );

  it(
    'stays alive while a caller waits, also on a refresh that began without one',
    async () => {
      const sandbox = await startSandbox();
      expect(await run(sandbox, 'joined-refresh')).toEqual({
        code: 0,
        output: 'stale, secret read 2 times\nserved with the last good secret, read 2 times\n',
        errors: '',
      });
    },
    LONGEST_MS,
  );

  it(
    'T29 gets no warning about timers for a token of ten years',
    async () => {
      const sandbox = await startSandbox();
      expect(await run(sandbox, 'long-life')).toEqual({ code: 0, output: 'fresh\n', errors: '' });
      expect(sandbox.tokenRequests).toHaveLength(1);
    },
    LONGEST_MS,
  );
});
