import { once } from 'node:events';
import { Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { Redis } from 'ioredis';

/** The connection to the Redis that `REDIS_URL` names; `null` without it. */
export const REDIS = Symbol('REDIS');

/** The application opens the connection and closes it: the token store only uses it. */
@Module({
  providers: [{ provide: REDIS, useFactory: () => connection(process.env.REDIS_URL) }],
  exports: [REDIS],
})
export class RedisModule implements OnApplicationShutdown {
  constructor(@Inject(REDIS) private readonly redis: Redis | null) {}

  async onApplicationShutdown(): Promise<void> {
    // What is under way is carried out first.
    await this.redis?.quit().catch(() => this.redis?.disconnect());
  }
}

/** Connected, so that the first token is looked for in time. Without Redis, the application starts all the same. */
async function connection(url: string | undefined): Promise<Redis | null> {
  if (url === undefined) return null;
  // A queue of what could not be sent would be carried out when nobody needs it any more.
  const redis = new Redis(url, { enableOfflineQueue: false });
  // Without a listener, ioredis prints each attempt. The log says once that the store is out of use.
  redis.on('error', () => {});
  await once(redis, 'ready').catch(() => {});
  return redis;
}
