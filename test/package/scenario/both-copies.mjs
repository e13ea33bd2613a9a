// The ESM and the CJS copy of the package in one process, as when an application and a library that it uses differ.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import * as esm from 'nestjs-asset-auth';
import * as esmHealth from 'nestjs-asset-auth/health';
import * as esmOpenapi from 'nestjs-asset-auth/openapi';
import * as esmStore from 'nestjs-asset-auth/store';
import * as esmTesting from 'nestjs-asset-auth/testing';

const require = createRequire(import.meta.url);
const cjs = require('nestjs-asset-auth');
// Nothing is installed of what these two are for.
const cjsHealth = require('nestjs-asset-auth/health');
const cjsOpenapi = require('nestjs-asset-auth/openapi');
const cjsStore = require('nestjs-asset-auth/store');
const cjsTesting = require('nestjs-asset-auth/testing');

assert.notEqual(esm.AssetScopeContext, cjs.AssetScopeContext, 'two copies, or the rest proves nothing');
assert.deepEqual(Object.keys(cjs).sort(), Object.keys(esm).sort(), 'one public API');
assert.deepEqual(Object.keys(cjsTesting).sort(), Object.keys(esmTesting).sort(), 'one public testing API');
assert.deepEqual(Object.keys(cjsStore).sort(), Object.keys(esmStore).sort(), 'one public store API');
assert.deepEqual(Object.keys(cjsHealth).sort(), Object.keys(esmHealth).sort(), 'one public health API');
assert.deepEqual(Object.keys(cjsOpenapi).sort(), Object.keys(esmOpenapi).sort(), 'one public OpenAPI');

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
  assert.equal(one.getAssetAuthOptionsToken('eu'), other.getAssetAuthOptionsToken('eu'));

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

/** A controller whose one handler carries a decorator. */
function handlersWith(decorator) {
  class Handlers {
    list() {
      return firstValueFrom(eu.client.get('/v0/business')).then(({ status }) => ({ status }));
    }
  }
  Controller()(Handlers);
  const list = Object.getOwnPropertyDescriptor(Handlers.prototype, 'list');
  Get()(Handlers.prototype, 'list', list);
  decorator(Handlers.prototype, 'list', list);
  return Handlers;
}

async function boot(imports, decorator, logger = false) {
  class AppModule {}
  Module({ imports, controllers: [handlersWith(decorator)] })(AppModule);
  const app = await NestFactory.create(AppModule, { logger, abortOnError: false });
  await app.listen(0, '127.0.0.1');
  return app;
}

const clientOf = (copy, options = {}) =>
  copy.AssetAuthModule.forRoot({ ...sandbox.moduleOptions(), ...options });

const app = await boot([clientOf(esm, { name: 'eu' })], cjs.AssetScope('report:read'));
eu.client = app.get(eu.token);
const response = await fetch(await app.getUrl());
assert.deepEqual(await response.json(), { status: 200 });
assert.deepEqual(
  sandbox.apiRequests.map(({ claims }) => claims.scopes),
  [['report:read']],
);
await app.close();

// Clients of both copies in one application: each copy's boot checks know all of them.
for (const [one, other] of [
  [esm, cjs],
  [cjs, esm],
]) {
  const ofEu = (scope) => cjs.AssetScope(scope, { client: 'eu' });
  const named = [clientOf(one), clientOf(other, { name: 'eu', allowedScopes: ['report:read'] })];
  await (await boot(named, ofEu('report:read'))).close();
  await assert.rejects(boot(named, ofEu('ledger:create')), /ledger:create.* of the client "eu"/);

  const reading = clientOf(one, { allowedScopes: ['ledger:read'] });
  const creating = clientOf(other, { name: 'eu', allowedScopes: ['ledger:create'] });
  await (await boot([reading, creating], cjs.AssetScope('ledger:create'))).close();
  await assert.rejects(
    boot([reading, creating], cjs.AssetScope('report:read')),
    /beyond the option allowedScopes/,
  );

  await assert.rejects(
    boot([clientOf(one, { name: 'eu' }), clientOf(other, { name: 'eu' })], cjs.AssetScope('report:read')),
    /two clients are named "eu"/,
  );

  // Each copy's default client is injected by a class of its own.
  const both = await boot([clientOf(one), clientOf(other)], cjs.AssetScope('report:read'));
  assert.notEqual(both.get(one.AssetHttpService), both.get(other.AssetHttpService));
  await both.close();
}

// What is wrong with the application is said once, not by each copy.
const warnings = [];
const quiet = () => {};
const logger = { log: quiet, error: quiet, debug: quiet, warn: (message) => warnings.push(message) };
class Helper {
  help() {}
}
const help = Object.getOwnPropertyDescriptor(Helper.prototype, 'help');
cjs.AssetScope('report:read')(Helper.prototype, 'help', help);
class HelperModule {}
Module({ providers: [Helper] })(HelperModule);
const imports = [clientOf(esm), clientOf(cjs, { name: 'eu' }), HelperModule];
await (await boot(imports, cjs.AssetScope('report:read'), logger)).close();
assert.equal(warnings.length, 1);
assert.match(warnings[0], /@AssetScope on Helper\.help has no effect/);

await sandbox.close();
