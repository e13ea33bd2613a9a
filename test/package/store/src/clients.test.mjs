// Every client that is known, in each of its major versions, from the packages themselves.
import { after, before } from 'node:test';
import { Redis as Upstash } from '@upstash/redis';
import { GlideClient } from '@valkey/valkey-glide';
import * as ioredis6 from 'ioredis';
import * as ioredis5 from 'ioredis-5';
import iovalkey from 'iovalkey';
import * as redis6 from 'redis';
import * as redis4 from 'redis-4';
import * as redis5 from 'redis-5';
import { contractOfClient } from './contract.mjs';
import { startRedis, startRest } from './servers.mjs';

let server;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

const onServer = (Client, options) => async () => {
  const client = new Client({ host: '127.0.0.1', port: server.port, ...options });
  return [client, () => client.disconnect()];
};

const connected =
  (create, view = (client) => client) =>
  async () => {
    const client = create(`redis://127.0.0.1:${server.port}`);
    client.on('error', () => {});
    await client.connect();
    return [view(client), () => (client.close ?? client.disconnect).call(client)];
  };

const inBuffers =
  ({ RESP_TYPES }) =>
  (client) =>
    client.withTypeMapping({
      [RESP_TYPES.BLOB_STRING]: Buffer,
      [RESP_TYPES.SIMPLE_STRING]: Buffer,
      [RESP_TYPES.NUMBER]: String,
    });

contractOfClient('ioredis 5', onServer(ioredis5.Redis));
contractOfClient('ioredis 6', onServer(ioredis6.Redis));
contractOfClient(
  'ioredis 6 that sends commands in pipelines by itself',
  onServer(ioredis6.Redis, { enableAutoPipelining: true }),
);
contractOfClient('iovalkey', onServer(iovalkey));

contractOfClient(
  'node-redis 4',
  connected((url) => redis4.createClient({ url })),
);
contractOfClient(
  'node-redis 4 in legacy mode',
  connected((url) => redis4.createClient({ url, legacyMode: true })),
);
for (const [name, redis] of [
  ['node-redis 5', redis5],
  ['node-redis 6', redis6],
]) {
  for (const RESP of [2, 3]) {
    contractOfClient(
      `${name}, RESP ${RESP}`,
      connected((url) => redis.createClient({ url, RESP })),
    );
  }
  contractOfClient(
    `${name}, a pool`,
    connected((url) => redis.createClientPool({ url }, { minimum: 2, maximum: 5 })),
  );
  contractOfClient(
    `${name}, in buffers`,
    connected((url) => redis.createClient({ url }), inBuffers(redis)),
  );
}

contractOfClient('valkey-glide', async () => {
  const client = await GlideClient.createClient({ addresses: [{ host: '127.0.0.1', port: server.port }] });
  return [client, () => client.close()];
});

contractOfClient('@upstash/redis', async () => {
  const behind = new ioredis6.Redis({ port: server.port });
  const rest = await startRest((command) => behind.call(...command));
  const stop = () => {
    rest.stop();
    behind.disconnect();
  };
  return [new Upstash({ url: rest.url, token: 'token' }), stop];
});

contractOfClient('a function', async () => {
  const client = new ioredis6.Redis({ port: server.port });
  return [(command) => client.call(...command), () => client.disconnect()];
});
