import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';

/** A Redis of this test's own: on a socket in a folder of its own, with nothing kept on disk. */
export interface RunningRedis {
  /** Of its socket; a restart keeps it. */
  readonly path: string;
  /** A new connection. Made here, as BullMQ cannot load its driver by itself in an ES module under jest. */
  connect(): Redis;
  /** Stops it as it stands (SIGSTOP): its connections stay open, and nothing is answered. */
  freeze(): void;
  thaw(): void;
  /** Ends it without a farewell (SIGKILL). */
  kill(): Promise<void>;
  /** After {@link kill}: starts it at the same place, empty. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startRedis(): Promise<RunningRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'redis-'));
  const path = join(folder, 'redis.sock');
  const start = async (): Promise<ChildProcess> => {
    const started = spawn(
      'redis-server',
      ['--port', '0', '--unixsocket', path, '--dir', folder, '--save', '', '--appendonly', 'no'],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await ready(started);
    return started;
  };
  let server = await start();
  const kill = async (): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, 'exit');
    server.kill('SIGKILL');
    await exited;
  };
  const connections: Redis[] = [];
  return {
    path,
    connect: () => {
      const connection = new Redis({ path, maxRetriesPerRequest: null });
      connections.push(connection);
      return connection;
    },
    freeze: () => {
      server.kill('SIGSTOP');
    },
    thaw: () => {
      server.kill('SIGCONT');
    },
    kill,
    restart: async () => {
      server = await start();
    },
    stop: async () => {
      for (const connection of connections) connection.disconnect();
      await kill();
      await rm(folder, { recursive: true });
    },
  };
}

const MISSING =
  'This test needs the program redis-server, which is not installed. Install it: apt-get install redis-server (macOS: brew install redis).';

async function ready(server: ChildProcess): Promise<void> {
  const { stdout } = server;
  const isMissing = once(server, 'error').then(([error]) => {
    throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? new Error(MISSING) : error;
  });
  await Promise.race([isMissing, untilReady()]);

  async function untilReady(): Promise<void> {
    if (stdout === null) return;
    for await (const line of createInterface(stdout)) {
      if (!/ready to accept connections/i.test(line)) continue;
      stdout.resume();
      return;
    }
    throw new Error('redis-server ended before it was ready.');
  }
}
