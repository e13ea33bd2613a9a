import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { after, before, describe, it } from 'node:test';
import * as esm from 'nestjs-asset-auth/store';
import { assetTokenStoreCases } from 'nestjs-asset-auth/testing';

const cjs = createRequire(import.meta.url)('nestjs-asset-auth/store');

/** Both builds of the package, as two copies of it: a client is recognised by either. */
const BUILDS = { imported: esm.redisTokenStore, required: cjs.redisTokenStore };

const newKey = () => `asset-auth:v1:${randomUUID()}`;

/** Runs the cases of a token store on what `connect` resolves with: a client, and how it is closed. */
export function contractOfClient(name, connect) {
  for (const [build, redisTokenStore] of Object.entries(BUILDS)) {
    contract(`${name}, ${build}`, async () => {
      const [client, close] = await connect();
      return [redisTokenStore(client), close];
    });
  }
}

export function contract(name, open) {
  describe(name, () => {
    let store, close;
    before(async () => {
      [store, close] = await open();
    });
    after(() => close());
    for (const [title, run] of assetTokenStoreCases) it(title, () => run(store, newKey));
  });
}
