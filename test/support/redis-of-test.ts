import { afterThisTest } from './cleanup.js';
import { startRedis } from './redis.js';

/** A Redis that is stopped after the test: the path of its socket, which ioredis takes in place of a URL. */
export async function redisOfThisTest(): Promise<string> {
  const redis = await startRedis();
  afterThisTest(() => redis.stop());
  return redis.path;
}
