import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterThisTest } from './cleanup.js';

/** Another program may take the port in between. */
const MOST_STARTS = 5;

/**
 * A Redis of this test's own on 127.0.0.1, with nothing kept on disk, which is stopped after the test.
 *
 * @returns its URL, `redis://127.0.0.1:<port>`
 * @throws Error that says how to install it, where there is none
 */
export async function startRedis(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'redis-'));
  afterThisTest(() => rm(folder, { recursive: true, force: true }));
  for (let starts = 1; ; starts += 1) {
    const port = await freePort();
    const server = spawn(
      'redis-server',
      ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--save', '', '--appendonly', 'no'],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const exited = new Promise<void>((resolve) => server.once('close', resolve));
    if (await isReady(server)) {
      afterThisTest(async () => {
        server.kill('SIGKILL');
        await exited;
      });
      return `redis://127.0.0.1:${port}`;
    }
    if (starts === MOST_STARTS) throw new Error('redis-server ended before it was ready.');
  }
}

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const MISSING =
  'This test needs the program redis-server, which is not installed. Install it: apt-get install redis-server (macOS: brew install redis). All other tests run without it.';

/** @returns `false` if it ended before */
async function isReady(server: ChildProcess): Promise<boolean> {
  try {
    await once(server, 'spawn');
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? new Error(MISSING) : error;
  }
  for await (const line of createInterface(server.stdout!)) {
    if (!/ready to accept connections/i.test(line)) continue;
    server.stdout!.resume();
    return true;
  }
  return false;
}
