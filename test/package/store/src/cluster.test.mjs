// Clients of a cluster, where each command must go to the server that holds its key.
import { after, before } from 'node:test';
import { GlideClusterClient } from '@valkey/valkey-glide';
import * as ioredis6 from 'ioredis';
import * as ioredis5 from 'ioredis-5';
import iovalkey from 'iovalkey';
import * as redis6 from 'redis';
import * as redis4 from 'redis-4';
import * as redis5 from 'redis-5';
import { contractOfClient } from './contract.mjs';
import { startCluster } from './servers.mjs';

let cluster;
before(async () => {
  cluster = await startCluster();
});
after(() => cluster.stop());

const addresses = () => cluster.ports.map((port) => ({ host: '127.0.0.1', port }));

for (const [name, { Cluster }] of [
  ['ioredis 5', ioredis5],
  ['ioredis 6', ioredis6],
  ['iovalkey', iovalkey],
]) {
  contractOfClient(name, async () => {
    const client = new Cluster(addresses());
    return [client, () => client.disconnect()];
  });
}

for (const [name, { createCluster }] of [
  ['node-redis 4', redis4],
  ['node-redis 5', redis5],
  ['node-redis 6', redis6],
]) {
  contractOfClient(name, async () => {
    const rootNodes = cluster.ports.map((port) => ({ url: `redis://127.0.0.1:${port}` }));
    const client = createCluster({ rootNodes });
    client.on('error', () => {});
    await client.connect();
    return [client, () => (client.close ?? client.disconnect).call(client)];
  });
}

contractOfClient('valkey-glide', async () => {
  const client = await GlideClusterClient.createClient({ addresses: addresses() });
  return [client, () => client.close()];
});
