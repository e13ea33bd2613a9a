// The two clients of Redis that most applications have, connected. An error without a listener would end the process.

import { once } from 'node:events';
import { Redis } from 'ioredis';
import { createClient } from 'redis';

export const REDIS_CLIENTS = {
  async ioredis(path) {
    const client = new Redis({ path });
    client.on('error', () => {});
    await once(client, 'ready');
    return client;
  },
  async redis(path) {
    const client = createClient({ socket: { path } });
    client.on('error', () => {});
    await client.connect();
    return client;
  },
};
