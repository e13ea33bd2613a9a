import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const MOST_TRIES = 5;
/** The port of a cluster's own messages is that of its clients and 10,000. */
const HIGHEST_PORT = 65_535 - 10_000;

/** A Redis on a port of 127.0.0.1, with nothing kept on disk. Tried again if somebody else takes the port meanwhile. */
export async function startRedis(...options) {
  for (let tries = 1; ; tries += 1) {
    const port = await freePort();
    const folder = await mkdtemp(join(tmpdir(), 'redis-'));
    const settings = ['--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'];
    const server = spawn('redis-server', ['--port', String(port), ...settings, ...options], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(server, 'exit');
    const stop = async () => {
      server.kill();
      await exited;
      await rm(folder, { recursive: true, force: true });
    };
    if (await isReady(server)) return { port, stop };
    await stop();
    if (tries === MOST_TRIES) throw new Error('redis-server did not start.');
  }
}

/** Three masters of one cluster. */
export async function startCluster() {
  const nodes = await Promise.all([1, 2, 3].map(() => startRedis('--cluster-enabled', 'yes')));
  const stop = () => Promise.all(nodes.map((node) => node.stop()));
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  redisCli('--cluster', 'create', ...addresses, '--cluster-yes');
  for (const { port } of nodes) {
    while (!redisCli('-p', String(port), 'cluster', 'info').includes('cluster_state:ok')) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  return { ports: nodes.map(({ port }) => port), stop };
}

/** What `@upstash/redis` talks to: a command as a JSON list, its reply as JSON, or base64 where that is asked for. */
export async function startRest(sendCommand) {
  const base64 = (reply) => (typeof reply === 'string' && reply !== 'OK' ? btoa(reply) : reply);
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const command = JSON.parse(Buffer.concat(parts).toString()).map(String);
    const isEncoded = request.headers['upstash-encoding'] === 'base64';
    const answer = await sendCommand(command).then(
      (reply) => [200, { result: isEncoded ? base64(reply) : reply }],
      (error) => [400, { error: error.message }],
    );
    response.writeHead(answer[0], { 'content-type': 'application/json' }).end(JSON.stringify(answer[1]));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, stop };
}

async function isReady({ stdout }) {
  for await (const line of createInterface(stdout)) {
    if (!/ready to accept connections/i.test(line)) continue;
    stdout.resume();
    return true;
  }
  return false;
}

async function freePort() {
  const server = createTcpServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port <= HIGHEST_PORT ? port : freePort();
}

function redisCli(...args) {
  const { status, stdout, stderr } = spawnSync('redis-cli', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`redis-cli ${args.join(' ')}\n${stdout}${stderr}`);
  return stdout;
}
