// Compiled, never run: each client is taken as it is, and so is a function in any of the usual forms.
import type { PGlite } from '@electric-sql/pglite';
import type { Redis as Upstash } from '@upstash/redis';
import type { GlideClient, GlideClusterClient } from '@valkey/valkey-glide';
import type { Cluster, Redis } from 'ioredis';
import type { Redis as Redis5 } from 'ioredis-5';
import type { Redis as Valkey } from 'iovalkey';
import { AssetAuthModule } from 'nestjs-asset-auth';
import { type AssetTokenStore, type RedisSendCommand, redisTokenStore } from 'nestjs-asset-auth/store';
import { assetTokenStoreCases } from 'nestjs-asset-auth/testing';
import type { Pool } from 'pg';
import { createClient, createClientPool, createCluster, createSentinel } from 'redis';
import { createClient as createClient4, createCluster as createCluster4 } from 'redis-4';
import { createClient as createClient5, createCluster as createCluster5 } from 'redis-5';
import { postgresTokenStore } from './postgres-store.js';

export function stores(
  clients: [Redis, Cluster, Redis5, Valkey, GlideClient, GlideClusterClient, Upstash],
  postgres: [Pool, PGlite],
): AssetTokenStore[] {
  const rootNodes = [{ url: 'redis://127.0.0.1' }];
  return [
    ...clients.map(redisTokenStore),
    redisTokenStore(createClient()),
    redisTokenStore(createClient().withTypeMapping({ 36: Buffer })),
    redisTokenStore(createClientPool()),
    redisTokenStore(createCluster({ rootNodes })),
    redisTokenStore(createClient4()),
    redisTokenStore(createCluster4({ rootNodes })),
    redisTokenStore(createClient5()),
    redisTokenStore(createCluster5({ rootNodes })),
    postgresTokenStore(postgres[0]),
    postgresTokenStore(postgres[1]),
  ];
}

export function functions(redis: Redis): AssetTokenStore[] {
  const client = createClient();
  const client4 = createClient4();
  const sentinel = createSentinel({ name: 'main', sentinelRootNodes: [] });
  const named: RedisSendCommand = (command) => client.sendCommand(command);
  return [
    redisTokenStore(named),
    redisTokenStore((command) => redis.call(...command)),
    redisTokenStore(([name, ...args]) => redis.call(name, ...args)),
    redisTokenStore((command) => client4.sendCommand(command)),
    redisTokenStore((args: readonly string[], key: string) => client.sendCommand([...args, key])),
    redisTokenStore((command) => sentinel.sendCommand(false, command)),
  ];
}

export const withStore = (store: AssetTokenStore) =>
  AssetAuthModule.forRoot({
    environment: 'production',
    clientId: 'platform',
    clientSecret: 'secret',
    store,
    storeKeys: ['key'],
  });

export const contractOf = (store: AssetTokenStore) =>
  assetTokenStoreCases.map(([title, run]) => ({ title, run: () => run(store, () => 'key') }));
