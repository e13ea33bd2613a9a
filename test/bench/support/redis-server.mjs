import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A Redis of the benchmark's own, on a socket in a folder of its own; nothing is kept on disk. Needs `redis-server`. */
export async function startRedis() {
  const folder = await mkdtemp(join(tmpdir(), 'redis-'));
  const path = join(folder, 'redis.sock');
  const server = spawn(
    'redis-server',
    ['--port', '0', '--unixsocket', path, '--dir', folder, '--save', '', '--appendonly', 'no'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await ready(server);
  return {
    path,
    async stop() {
      const exited = once(server, 'exit');
      server.kill();
      await exited;
      await rm(folder, { recursive: true });
    },
  };
}

async function ready(server) {
  const failed = once(server, 'error').then(([error]) => Promise.reject(error));
  const isReady = (async () => {
    for await (const line of createInterface(server.stdout))
      if (/ready to accept connections/i.test(line)) return server.stdout.resume();
    throw new Error('redis-server ended before it was ready.');
  })();
  await Promise.race([isReady, failed]);
}
