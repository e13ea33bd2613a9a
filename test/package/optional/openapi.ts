import assert from 'node:assert/strict';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ApiBearerAuth, ApiOperation, DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { AssetAuthModule, AssetBusiness, AssetScope } from 'nestjs-asset-auth';
import { withAssetScopes } from 'nestjs-asset-auth/openapi';
import { AssetSandbox } from 'nestjs-asset-auth/testing';

abstract class Listing {
  @Get(':businessId')
  list(): void {}

  @Get(':businessId/all')
  @ApiOperation({ operationId: 'all' })
  @AssetScope(null)
  all(): void {}

  @Get(':businessId/public')
  @ApiOperation({ security: [] })
  open(): void {}
}

@Controller('ledgers')
@AssetScope('ledger:read')
@AssetBusiness('businessId')
@ApiBearerAuth()
class LedgersController extends Listing {}

@Controller('reports')
@AssetScope('report:read')
class ReportsController extends Listing {}

/** Two controllers that inherit one method say each what is their own, and all else is as it would be. */
export async function openapi(): Promise<void> {
  const sandbox = await AssetSandbox.start();
  @Module({
    imports: [AssetAuthModule.forRoot(sandbox.moduleOptions())],
    controllers: [LedgersController, ReportsController],
  })
  class AppModule {}
  const app = await NestFactory.create(AppModule, { logger: false });
  const config = new DocumentBuilder().addBearerAuth().build();
  const create = () => SwaggerModule.createDocument(app, config);
  SwaggerModule.setup('docs', app, () => withAssetScopes(app, create));
  await app.listen(0, '127.0.0.1');

  const response = await fetch(`${await app.getUrl()}/docs-json`);
  const { paths, ...rest } = (await response.json()) as ReturnType<typeof create>;
  const { paths: plainPaths, ...plainRest } = JSON.parse(JSON.stringify(create())) as typeof rest & {
    paths: typeof paths;
  };
  const business = 'businessId';
  const expected: Readonly<Record<string, unknown>> = {
    '/ledgers/{businessId}': { scopes: ['ledger:read'], business },
    '/ledgers/{businessId}/all': { scopes: null, business },
    '/ledgers/{businessId}/public': { scopes: ['ledger:read'], business },
    '/reports/{businessId}': { scopes: ['report:read'] },
    '/reports/{businessId}/all': { scopes: null },
    '/reports/{businessId}/public': { scopes: ['report:read'] },
  };
  for (const [path, item] of Object.entries(plainPaths)) {
    Object.assign(item.get ?? {}, { 'x-asset': expected[path] });
  }
  assert.deepEqual(Object.keys(paths).sort(), Object.keys(expected).sort());
  assert.deepEqual(paths, plainPaths);
  assert.deepEqual(rest, plainRest);

  await app.close();
  await sandbox.close();
}
