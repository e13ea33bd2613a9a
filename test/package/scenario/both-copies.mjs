// The ESM and the CJS copy of the package in one process, as when an application and a library that it uses differ.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import * as esm from 'nestjs-asset-auth';
import * as esmTesting from 'nestjs-asset-auth/testing';

const require = createRequire(import.meta.url);
const cjs = require('nestjs-asset-auth');
const cjsTesting = require('nestjs-asset-auth/testing');

assert.notEqual(esm.AssetScopeContext, cjs.AssetScopeContext, 'two copies, or the rest proves nothing');
assert.deepEqual(Object.keys(cjs).sort(), Object.keys(esm).sort(), 'one public API');
assert.deepEqual(Object.keys(cjsTesting).sort(), Object.keys(esmTesting).sort(), 'one public testing API');

for (const [one, other] of [
  [esm, cjs],
  [cjs, esm],
]) {
  const scope = { scopes: ['ledger:read'], businessId: 'biz_1' };
  assert.deepEqual(
    one.AssetScopeContext.run(scope, () => other.AssetScopeContext.current()),
    scope,
  );

  assert.equal(one.ASSET_CLOCK, other.ASSET_CLOCK);
  for (const token of ['getAssetHttpToken', 'getAssetTokenServiceToken', 'getAssetAuthConfigToken']) {
    assert.equal(one[token]('eu'), other[token]('eu'), token);
  }

  const error = new one.AssetScopeError('beyond what is allowed', 'ASSET_SCOPE_NOT_ALLOWED');
  assert(other.isAssetAuthError(error, 'ASSET_SCOPE_NOT_ALLOWED'));
  assert(error instanceof other.AssetAuthError);
}

// The decorators of one copy, the module and its client of the other.
const { Controller, Get, Module } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { firstValueFrom } = require('rxjs');

const sandbox = await esmTesting.AssetSandbox.start();
const eu = { token: cjs.getAssetHttpToken('eu') };

class Handlers {
  list() {
    return firstValueFrom(eu.client.get('/v0/business')).then(({ status }) => ({ status }));
  }
}
Controller()(Handlers);
const list = Object.getOwnPropertyDescriptor(Handlers.prototype, 'list');
Get()(Handlers.prototype, 'list', list);
cjs.AssetScope('report:read')(Handlers.prototype, 'list', list);

class AppModule {}
Module({
  imports: [esm.AssetAuthModule.forRoot({ ...sandbox.moduleOptions(), name: 'eu' })],
  controllers: [Handlers],
})(AppModule);

const app = await NestFactory.create(AppModule, { logger: false });
await app.listen(0, '127.0.0.1');
eu.client = app.get(eu.token);
const response = await fetch(await app.getUrl());
assert.deepEqual(await response.json(), { status: 200 });
assert.deepEqual(
  sandbox.apiRequests.map(({ claims }) => claims.scopes),
  [['report:read']],
);
await app.close();
await sandbox.close();
