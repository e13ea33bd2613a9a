import assert from 'node:assert/strict';
import { type AbstractHttpAdapter, NestFactory } from '@nestjs/core';
import { Body, Controller, Get, Module, Param, Post, type Type } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { AssetAuthModule, AssetBusiness, AssetHttpService, AssetScope } from 'nestjs-asset-auth';
import { AssetSandbox } from 'nestjs-asset-auth/testing';
import { map, type Observable } from 'rxjs';

@Controller('businesses/:businessId/ledgers')
@AssetBusiness('businessId')
@AssetScope('ledger:read')
export class LedgersController {
  constructor(private readonly asset: AssetHttpService) {}

  @Get()
  list(@Param('businessId') id: string): Observable<unknown> {
    return this.asset.get(`/v0/business/${id}/ledger`).pipe(map(({ data }): unknown => data));
  }

  @Post()
  @AssetScope('ledger:create')
  create(@Param('businessId') id: string, @Body() ledger: object): Observable<unknown> {
    return this.asset.post(`/v0/business/${id}/ledger`, ledger).pipe(map(({ data }): unknown => data));
  }
}

function applicationOn(sandbox: AssetSandbox): Type {
  @Module({
    imports: [
      ConfigModule.forRoot({ ignoreEnvFile: true, load: [() => ({ ASSET: sandbox.moduleOptions() })] }),
      AssetAuthModule.forRootAsync({
        imports: [ConfigModule],
        inject: [ConfigService],
        useFactory: (config: ConfigService) => config.getOrThrow('ASSET'),
      }),
    ],
    controllers: [LedgersController],
  })
  class AppModule {}
  return AppModule;
}

/** An application as a user writes it, called over HTTP, against a sandbox that tells what it was asked for. */
export async function scenario(adapter: AbstractHttpAdapter): Promise<void> {
  const sandbox = await AssetSandbox.start();
  const app = await NestFactory.create(applicationOn(sandbox), adapter, { logger: false });
  try {
    await app.listen(0, '127.0.0.1');
    const [business] = sandbox.businesses;
    assert(business);
    const ledgers = `${await app.getUrl()}/businesses/${business.id}/ledgers`;

    for (let times = 0; times < 2; times += 1) assert.equal((await fetch(ledgers)).status, 200);
    const created = await fetch(ledgers, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'Till', type: 'asset' }),
    });
    assert.equal(created.status, 201);

    const read = { scopes: ['ledger:read'], businessId: business.id };
    const create = { scopes: ['ledger:create'], businessId: business.id };
    assert.deepEqual(sandbox.tokenRequests.map(askedFor), [read, create]);
    assert.deepEqual(sandbox.apiRequests.map(askedFor), [read, read, create]);
    assert(sandbox.apiRequests.every(({ authorized }) => authorized));
  } finally {
    await app.close();
    await sandbox.close();
  }
}

type Recorded = AssetSandbox['requests'][number];

const askedFor = ({ claims }: Recorded): object => ({
  scopes: claims?.scopes,
  businessId: claims?.businessId,
});
