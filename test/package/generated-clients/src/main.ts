import 'reflect-metadata';
import assert from 'node:assert/strict';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { AxiosInstance } from 'axios';
import { AssetApiError, AssetAuthModule, AssetHttpService, isAssetAuthError } from 'nestjs-asset-auth';
import { AssetSandbox } from 'nestjs-asset-auth/testing';
import { clients, type LedgerClient } from './clients.js';

/** A generated client on the instance of a view: its token, another one for a call, a replay, and typed errors. */
async function smoke(clientOn: (axiosRef: AxiosInstance) => LedgerClient): Promise<void> {
  const sandbox = await AssetSandbox.start();
  @Module({ imports: [AssetAuthModule.forRoot({ ...sandbox.moduleOptions(), undeclaredScopes: 'allow' })] })
  class AppModule {}
  const app = await NestFactory.create(AppModule, { logger: false });
  await app.init();
  const [id, otherId] = sandbox.businesses.map((business) => business.id) as [string, string];
  const asset = app.get(AssetHttpService);
  const business = asset.forBusiness(id);
  // All made before any is used: none may call with the token of another.
  const everything = clientOn(asset.axiosRef);
  const reader = clientOn(business.withScope('ledger:read').axiosRef);
  const writer = clientOn(business.withScope('ledger:create').axiosRef);
  const assertSent = (...expected: readonly (readonly [number, string])[]) => {
    const sent = sandbox.apiRequests.map(({ status, claims }) => [
      status,
      claims?.scopes.join(),
      claims?.businessId,
    ]);
    assert.deepEqual(
      sent,
      expected.map(([status, scope]) => [status, scope, id]),
    );
    sandbox.clearRequests();
  };
  const create = { asset: { scopes: ['ledger:create'], businessId: id } };

  assert.equal((await reader.list(id)).length, 3);
  assertSent([200, 'ledger:read']);
  await writer.create(id);
  assertSent([201, 'ledger:create']);
  await reader.create(id, create);
  assertSent([201, 'ledger:create']);
  await everything.create(id, create);
  assertSent([201, 'ledger:create']);

  sandbox.rejectTokens();
  assert.equal((await reader.list(id)).length, 6);
  assertSent([401, 'ledger:read'], [200, 'ledger:read']);

  await assert.rejects(reader.create(id), (error) => {
    return error instanceof AssetApiError && error.code === 'ASSET_INSUFFICIENT_SCOPE';
  });
  assertSent([403, 'ledger:read']);
  await assert.rejects(reader.list(otherId), (error) => isAssetAuthError(error, 'ASSET_BUSINESS_MISMATCH'));
  assertSent();

  await app.close();
  await sandbox.close();
}

async function main(): Promise<void> {
  for (const [name, clientOn] of Object.entries(clients)) {
    await smoke(clientOn).catch((error: unknown) => {
      throw new Error(`The client ${name} failed.`, { cause: error });
    });
  }
}

void main();
