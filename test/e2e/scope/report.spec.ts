import { Controller, Get, Module, Param, Post, type Type } from '@nestjs/common';
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
import { growthBeyond } from '../../../lib/inventory/scope-report.js';
import { afterThisTest } from '../../support/cleanup.js';

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

@Controller()
class OfClients {
  @Get('all')
  @AssetScope('business:read', 'ledger:read')
  all(): void {}

  @Get('eu')
  @AssetScope('ledger:create', 'ledger:read', { client: 'eu' })
  eu(): void {}

  @Get('uk')
  @AssetScope('ledger:create', 'report:read', { client: 'uk' })
  uk(): void {}

  @Get('everything')
  @AssetScope(null, { client: 'eu' })
  everything(): void {}
}

function moduleOf(controller: Type): Type {
  @Module({ controllers: [controller] })
  class AppModule {}
  return AppModule;
}

async function report(root: Type = ReportedModule): Promise<AssetScopeReport> {
  const app = await NestFactory.createApplicationContext(root, {
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

  it('names the handlers that declare a business and leave the scopes to the module', async () => {
    @Controller('businesses/:businessId')
    @AssetBusiness('businessId')
    class Businesses {
      @Get()
      @AssetScope('business:read')
      get(): void {}
      @Get('anything')
      anything(@Param('businessId') id: string): string {
        return id;
      }
    }
    const { undeclared, scopes } = await report(moduleOf(Businesses));
    expect(undeclared).toEqual(['Businesses.anything']);
    expect(scopes).toEqual(['business:read']);
    expect((await report()).undeclared).toEqual([]);
  });

  it('tells which scopes only one of several clients is asked for', async () => {
    const { scopes, clients, fullGrant } = await report(moduleOf(OfClients));
    expect(scopes).toEqual(['business:read', 'ledger:create', 'ledger:read', 'report:read']);
    expect(clients).toEqual({ eu: ['ledger:create'], uk: ['ledger:create', 'report:read'] });
    expect(fullGrant).toEqual(['OfClients.everything for "eu"']);
    expect((await report()).clients).toEqual({});
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

  it('counts a handler that now leaves its scopes to the module', async () => {
    const agreed = await report();
    expect(growthBeyond(agreed, { ...agreed, undeclared: ['LedgersController.list'] })).toEqual([
      'no declared scopes (LedgersController.list)',
    ]);
    const { scopes, fullGrant } = agreed;
    expect(
      growthBeyond({ scopes, fullGrant }, { ...agreed, undeclared: ['LedgersController.list'] }),
    ).toHaveLength(1);
  });

  it('is no growth when the application asks for less', async () => {
    const agreed = {
      scopes: ['a:b', 'ledger:create', 'ledger:read'],
      fullGrant: ['LedgersController.everything'],
    };
    expect(growthBeyond(agreed, await report())).toEqual([]);
  });
});

describe('growth beyond an agreed list, where there are several clients', () => {
  const now = async (): Promise<AssetScopeReport> => report(moduleOf(OfClients));

  it('is none if each client is asked for what was agreed for it, or less', async () => {
    const agreed = await now();
    expect(growthBeyond(agreed, agreed)).toEqual([]);
    const forAll = { ...agreed, clients: {}, fullGrant: ['OfClients.everything'] };
    expect(growthBeyond(forAll, agreed)).toEqual([]);
  });

  it('is what one client is asked for that was agreed for another', async () => {
    const agreed = { ...(await now()), clients: { eu: ['ledger:create'], de: ['report:read'] } };
    expect(growthBeyond(agreed, await now())).toEqual([
      'ledger:create of the client "uk" (OfClients.uk)',
      'report:read of the client "uk" (OfClients.uk)',
    ]);
  });

  it('is what all clients are asked for that was agreed for one', async () => {
    const agreed = {
      ...(await now()),
      clients: { eu: ['ledger:create', 'ledger:read'], uk: ['ledger:create', 'report:read'] },
    };
    expect(growthBeyond(agreed, await now())).toEqual(['ledger:read of every client (OfClients.all)']);
  });

  it('is the full grant of all clients that was agreed for one', async () => {
    const agreed = await now();
    expect(growthBeyond(agreed, { ...agreed, fullGrant: ['OfClients.everything'] })).toEqual([
      'the full grant (OfClients.everything)',
    ]);
  });
});

describe('the command nestjs-asset-auth scopes, on the built sample application', () => {
  const sampleModule = 'dist/sample-app/app.module.js';
  const run = (...args: string[]): ReturnType<typeof spawnSync> =>
    spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 15_000 });
  const asset = (...args: string[]) => run('dist/esm/commands/nestjs-asset-auth.js', 'scopes', ...args);

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

  it('checks against the list as it was, if it writes the same', () => {
    const file = list();
    const check = () => asset(sampleModule, '--write', file, '--check', file);
    expect(check()).toMatchObject({
      status: 2,
      stderr: expect.stringContaining(`--write ${file}`) as string,
    });
    writeFileSync(file, JSON.stringify({ scopes: ['ledger:read'] }));
    expect(check()).toMatchObject({ status: 1, stderr: expect.stringContaining('ledger:create') as string });
    expect(check().status).toBe(0);
  });

  it('says what it needs when called without a file, or with a module that does not exist', () => {
    expect(asset()).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('Usage: nestjs-asset-auth scopes <file') as string,
    });
    expect(asset(sampleModule, '--module', 'Missing')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining(
        `nestjs-asset-auth scopes: ${sampleModule} exports no "Missing"`,
      ) as string,
    });
  });

  it('does the same under its former name asset-scopes', () => {
    const file = list();
    writeFileSync(file, JSON.stringify({ scopes: ['ledger:read'] }));
    const args = [sampleModule, '--check', file];
    const { status, stdout, stderr } = run('dist/esm/commands/asset-scopes.js', ...args);
    expect(status).toBe(1);
    expect(asset(...args)).toMatchObject({ status, stdout, stderr });
  });
});
