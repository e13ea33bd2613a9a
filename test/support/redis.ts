import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A Redis of a test file's own. */
export interface RunningRedis {
  /** The path of its socket. It has no port, so that no two tests can want the same. */
  readonly path: string;
  stop(): Promise<void>;
}

/** Starts `redis-server` on a socket in a folder of its own, with nothing kept on disk. */
export async function startRedis(): Promise<RunningRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'redis-'));
  const path = join(folder, 'redis.sock');
  const server = spawn(
    'redis-server',
    ['--port', '0', '--unixsocket', path, '--dir', folder, '--save', '', '--appendonly', 'no'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const exited = once(server, 'exit');
  for await (const line of createInterface(server.stdout)) {
    if (/ready to accept connections/i.test(line)) break;
  }
  server.stdout.resume();
  if (server.exitCode !== null) throw new Error('redis-server ended before it was ready.');
  return {
    path,
    stop: async () => {
      server.kill();
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
