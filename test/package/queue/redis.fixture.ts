import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';

/** A Redis of this test's own: on a socket in a folder of its own, with nothing kept on disk. */
export interface RunningRedis {
  /** A new connection. Made here, as BullMQ cannot load its driver by itself in an ES module under jest. */
  connect(): Redis;
  stop(): Promise<void>;
}

export async function startRedis(): Promise<RunningRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'redis-'));
  const path = join(folder, 'redis.sock');
  const server = spawn(
    'redis-server',
    ['--port', '0', '--unixsocket', path, '--dir', folder, '--save', '', '--appendonly', 'no'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await ready(server);
  const connections: Redis[] = [];
  return {
    connect: () => {
      const connection = new Redis({ path, maxRetriesPerRequest: null });
      connections.push(connection);
      return connection;
    },
    stop: async () => {
      for (const connection of connections) connection.disconnect();
      const exited = once(server, 'exit');
      server.kill();
      await exited;
      await rm(folder, { recursive: true });
    },
  };
}

async function ready({ stdout }: ChildProcess): Promise<void> {
  if (stdout === null) return;
  for await (const line of createInterface(stdout)) {
    if (!/ready to accept connections/i.test(line)) continue;
    stdout.resume();
    return;
  }
  throw new Error('redis-server ended before it was ready.');
}
