import { Controller, Get, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AssetAuthModule,
  AssetBusiness,
  AssetScope,
  type AssetScopeReport,
  listAssetScopes,
} from 'nestjs-asset-auth';
import { growthBeyond } from '../../lib/scope/scope-report.js';
import { afterThisTest } from '../support/cleanup.js';

@Controller('ledgers')
@AssetScope('ledger:read')
class LedgersController {
  @Get()
  list(): void {}

  @Post()
  @AssetScope('ledger:create', 'ledger:read')
  @AssetBusiness('businessId')
  create(): void {}

  @Get('everything')
  @AssetScope(null)
  everything(): void {}
}

const neverCalled = (): never => {
  throw new Error('the factory was called');
};

@Module({
  imports: [AssetAuthModule.forRootAsync({ useFactory: neverCalled })],
  controllers: [LedgersController],
})
class ReportedModule {}

async function report(): Promise<AssetScopeReport> {
  const app = await NestFactory.createApplicationContext(ReportedModule, {
    preview: true,
    logger: false,
    abortOnError: false,
  });
  afterThisTest(() => app.close());
  return listAssetScopes(app);
}

describe('listAssetScopes', () => {
  it('lists every scope that decorators may ask for, without instantiating anything', async () => {
    expect((await report()).scopes).toEqual(['ledger:create', 'ledger:read']);
  });

  it('names the handlers that ask for the full grant', async () => {
    expect((await report()).fullGrant).toEqual(['LedgersController.everything']);
  });

  it('tells by controller and handler who asks for what', async () => {
    expect((await report()).handlers).toContainEqual({
      className: 'LedgersController',
      handlerName: 'create',
      kind: 'http',
      scopes: ['ledger:create', 'ledger:read'],
      business: true,
    });
  });
});

describe('growth beyond an agreed list', () => {
  it('names each new scope with the handlers that ask for it', async () => {
    expect(
      growthBeyond({ scopes: ['ledger:read'], fullGrant: ['LedgersController.everything'] }, await report()),
    ).toEqual(['ledger:create (LedgersController.create)']);
  });

  it('counts a handler that now asks for everything', async () => {
    expect(growthBeyond({ scopes: ['ledger:read', 'ledger:create'], fullGrant: [] }, await report())).toEqual(
      ['the full grant (LedgersController.everything)'],
    );
  });

  it('is no growth when the application asks for less', async () => {
    const agreed = {
      scopes: ['a:b', 'ledger:create', 'ledger:read'],
      fullGrant: ['LedgersController.everything'],
    };
    expect(growthBeyond(agreed, await report())).toEqual([]);
  });
});

describe('the command asset-scopes, on the built sample application', () => {
  const sampleModule = 'dist/sample-app/app.module.js';
  const asset = (...args: string[]): ReturnType<typeof spawnSync> =>
    spawnSync(process.execPath, ['dist/esm/bin/asset-scopes.js', ...args], {
      encoding: 'utf8',
      timeout: 15_000,
    });

  const list = (): string => {
    const folder = mkdtempSync(join(tmpdir(), 'asset-scopes-'));
    afterThisTest(() => {
      rmSync(folder, { recursive: true });
    });
    return join(folder, 'scopes.json');
  };

  it('prints JSON, and writes the same to a file', () => {
    const file = list();
    const { stdout, status } = asset(sampleModule, '--write', file);
    expect(status).toBe(0);
    expect((JSON.parse(String(stdout)) as AssetScopeReport).scopes).toContain('ledger:read');
    expect(readFileSync(file, 'utf8')).toBe(stdout);
  });

  it('passes a check against the list that it wrote', () => {
    const file = list();
    asset(sampleModule, '--write', file);
    expect(asset(sampleModule, '--check', file).status).toBe(0);
  });

  it('fails when the application asks for more than the list holds, naming it', () => {
    const file = list();
    writeFileSync(file, JSON.stringify({ scopes: ['ledger:read'] }));
    const { status, stderr } = asset(sampleModule, '--check', file);
    expect(status).toBe(1);
    expect(stderr).toMatch(/ledger:create \(LedgersController\.\w+\)/);
  });

  it('says what it needs when called without a file, or with a module that does not exist', () => {
    expect(asset()).toMatchObject({ status: 2, stderr: expect.stringContaining('Usage:') as string });
    expect(asset(sampleModule, '--module', 'Missing')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('exports no "Missing"') as string,
    });
  });
});
