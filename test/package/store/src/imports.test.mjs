// What is loaded: the store's files by who uses a store, and no client of Redis by anybody but the application.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { createRequire, register } from 'node:module';
import { after, before, test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';

const HOOKS = `
  let port;
  export const initialize = (data) => (port = data.port);
  export const load = (url, context, next) => (port.postMessage(url), next(url, context));
`;
const STORE = /nestjs-asset-auth\/dist\/\w+\/store\//;
const CLIENT = /node_modules\/(?:ioredis|redis|iovalkey|@valkey|@upstash|@redis|@electric-sql|pg)\b/;
const KEY = Buffer.alloc(32, 7).toString('base64');

const { port1, port2 } = new MessageChannel();
const loaded = [];
port1.on('message', (url) => loaded.push(url)).unref();
register(`data:text/javascript,${encodeURIComponent(HOOKS)}`, {
  parentURL: import.meta.url,
  data: { port: port2 },
  transferList: [port2],
});

const require = createRequire(import.meta.url);
const { Module } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');

/** The two builds: how each is loaded, and what is loaded by now. */
const BUILDS = {
  imported: [
    (name) => import(name),
    async () => {
      // What was posted last arrives last.
      await new Promise((resolve) => setTimeout(resolve, 100));
      return loaded;
    },
  ],
  required: [(name) => require(name), () => Object.keys(require.cache)],
};

let server;
before(async () => {
  const { startRedis } = await import('./servers.mjs');
  server = await startRedis();
});
after(() => server.stop());

for (const [build, [load, loadedNow]] of Object.entries(BUILDS)) {
  test(`${build}, an application without a store loads nothing of it, and with one no client but its own`, async (t) => {
    const { AssetAuthModule, AssetTokenService } = await load('nestjs-asset-auth');
    const { AssetSandbox } = await load('nestjs-asset-auth/testing');
    const sandbox = await AssetSandbox.start();
    t.after(() => sandbox.close());
    const tokenOf = async (options) => {
      class AppModule {}
      Module({
        imports: [
          AssetAuthModule.forRoot({ ...sandbox.moduleOptions(), undeclaredScopes: 'allow', ...options }),
        ],
      })(AppModule);
      const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
      const { value } = await app.get(AssetTokenService).getAccessToken();
      await app.close();
      return value;
    };

    await tokenOf({});
    const without = await loadedNow();
    assert(without.some((path) => /nestjs-asset-auth\/dist\/\w+\/index\.js/.test(path)));
    assert.deepEqual(
      without.filter((path) => STORE.test(path) || CLIENT.test(path)),
      [],
    );

    const before = new Set(without);
    const { redisTokenStore } = await load('nestjs-asset-auth/store');
    const ofStore = (await loadedNow()).filter((path) => !before.has(path));
    assert(ofStore.some((path) => STORE.test(path)));
    assert.deepEqual(
      ofStore.filter((path) => !path.includes('nestjs-asset-auth') && !path.startsWith('node:')),
      [],
    );

    const { Redis } = require('ioredis');
    const client = new Redis({ port: server.port });
    t.after(() => client.disconnect());
    const sharing = { store: redisTokenStore(client), storeKeys: [KEY], storePrefix: `${build}:` };
    assert.equal(await tokenOf(sharing), await tokenOf(sharing), 'two applications share one token');
    assert.equal(sandbox.tokenRequests.length, 2);
    for (const path of Object.keys(require.cache)) if (CLIENT.test(path)) delete require.cache[path];
  });
}
