import type { Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { TestingModule } from '@nestjs/testing';
import {
  AssetAuthConfig,
  AssetHttpService,
  assetAuthOptionsFromEnv,
  AssetScopeContext,
  AssetTokenService,
} from 'nestjs-asset-auth';
import { AssetSandbox, type SandboxBusiness } from 'nestjs-asset-auth/testing';
import { firstValueFrom } from 'rxjs';
import { startApplication } from '../support/application.js';
import { afterThisTest } from '../support/cleanup.js';
import { columnOf, guide, GUIDES, problemsOf, run, snippetHolding, snippetsOf } from '../support/guides.js';
import { redisOfThisTest } from '../support/redis-of-test.js';
import { startSandbox } from '../support/sandbox.js';

const README = guide('README.md');
const TROUBLESHOOTING = 'lib/TROUBLESHOOTING.md';

describe('README', () => {
  const snippets = snippetsOf(README);
  const names = (heading: string, path: string): string =>
    columnOf(heading, guide(path))
      .map((name) => `${name}: true`)
      .join(', ');
  const lists = `import type { AssetAuthErrorCode, AssetAuthOptions } from 'nestjs-asset-auth';
    export const codes: Record<AssetAuthErrorCode, true> = { ${names('code', TROUBLESHOOTING)} };
    export const options: Record<keyof AssetAuthOptions, true> = { ${names('option', 'README.md')} };`;
  let problems: readonly string[][];

  beforeAll(() => {
    const all = GUIDES.flatMap((path) => snippetsOf(guide(path)));
    problems = problemsOf([...all, lists, "asset.withScopes('ledger:read');\n"]);
  }, 120_000);

  it('holds only snippets that compile, as do the guides', () => {
    expect(problems.length).toBeGreaterThan(30);
    expect(problems.slice(0, -2).flat()).toEqual([]);
  });

  it('would be found out if one did not', () => {
    expect(problems.at(-1)).toEqual([
      expect.stringMatching(
        /^asset\.withScopes.*\nProperty 'withScopes' does not exist on type 'AssetHttpService'/,
      ),
    ]);
  });

  it('lists every option and every error code, and no others', () => {
    const codes = columnOf('code', guide(TROUBLESHOOTING));
    expect(codes).not.toEqual([]);
    expect(problems.at(-2)).toEqual([]);
    const [, errors = ''] = /^## Errors\n(.*?)^## /ms.exec(README) ?? [];
    expect(new Set(errors.match(/\bASSET_\w+/g))).toEqual(new Set(codes));
  });

  it('tells the right defaults', () => {
    const config = new AssetAuthConfig({ environment: 'sandbox', clientId: 'id', clientSecret: 'secret' });
    const rows = [...README.matchAll(/^\| `(\w+)` +\| `('?[\w./:-]+'?)` +\|/gm)].map(([, name, value]) => [
      name,
      value,
    ]);
    expect(rows.length).toBeGreaterThan(8);
    const told = Object.fromEntries(rows) as Record<string, string>;
    const actual: object = Object.assign({ tokenPath: new URL(config.tokenUrl).pathname }, config);
    for (const [name, value] of Object.entries(told)) {
      expect([name, value]).toEqual([name, JSON.stringify(Reflect.get(actual, name)).replaceAll('"', "'")]);
    }
  });

  it('names variables that are read, as do the guides', () => {
    const others = new Set([...columnOf('code', guide(TROUBLESHOOTING)), 'ASSET_CLOCK']);
    const named = GUIDES.flatMap((path) => guide(path).match(/\bASSET_[A-Z_]*[A-Z]\b/g) ?? []);
    const variables = new Set(named.filter((name) => !others.has(name)));
    expect(variables).toContain('ASSET_STORE_KEYS');
    for (const name of variables) {
      expect([name, Object.keys(assetAuthOptionsFromEnv({ [name]: '' }))]).toEqual([
        name,
        [expect.any(String)],
      ]);
    }
  });

  it('shows the text of an error as it is', async () => {
    const { asset, sandbox } = await startApplication();
    const { id } = sandbox.businesses[0]!;
    const call = firstValueFrom(
      asset.forBusiness(id).withScope('payroll:read').get(`/v0/business/${id}/ledger`),
    );
    const { message } = (await call.catch((error: unknown) => error as Error)) as Error;
    const [, shown] = /<!-- example error -->\s+```text\n(.*?)\n```/s.exec(README) ?? [];
    expect(message.replaceAll(sandbox.url, 'sandbox')).toBe(shown);
  });

  describe('is followed to the letter', () => {
    const ENVIRONMENT = {
      ASSET_ENVIRONMENT: 'sandbox',
      ASSET_CLIENT_ID: 'client-id',
      ASSET_CLIENT_SECRET: 'secret',
    };
    const of = (path: string, part: string): string => snippetHolding(snippetsOf(guide(path)), part);
    const first = snippetHolding(snippets, 'ConfigModule.forRoot()');
    const withConfigService = of('lib/token/README.md', 'ConfigModule.forRoot()');
    const inATest = snippetHolding(snippets, 'getAssetAuthOptionsToken()');
    const closing = of('lib/testing/README.md', 'class SandboxModule');
    const withRedis = of('lib/store/README.md', 'RedisModule implements');
    const cacheKey = of('lib/scope/README.md', 'buildKeyGenerator');

    afterEach(() => {
      for (const name of Object.keys(process.env)) {
        if (name.startsWith('ASSET_')) Reflect.deleteProperty(process.env, name);
      }
    });

    it.each([
      ['its first example', first],
      ['the one with a ConfigService', withConfigService],
    ])('by an application that boots with %s', async (_title, install) => {
      Object.assign(process.env, ENVIRONMENT);
      const { AppModule } = (await run(install)) as { readonly AppModule: Type };
      const app = await NestFactory.create(AppModule, { logger: false, abortOnError: false });
      afterThisTest(() => app.close());
      await app.init();
      expect(app.get(AssetHttpService)).toBeInstanceOf(AssetHttpService);
      expect(app.get(AssetAuthConfig)).toMatchObject({ environment: 'sandbox', clientId: 'client-id' });
    });

    it('T69 by two applications on one Redis, of which the second finds the token of the first', async () => {
      const url = await redisOfThisTest();
      const sandbox = await startSandbox();
      const { baseUrl, clientId, clientSecret } = sandbox.moduleOptions();
      Object.assign(process.env, {
        ASSET_BASE_URL: baseUrl,
        ASSET_CLIENT_ID: clientId,
        ASSET_CLIENT_SECRET: clientSecret,
        ASSET_STORE_KEYS: Buffer.alloc(32, 'readme').toString('base64'),
      });
      const snapshots = [];
      for (let applications = 0; applications < 2; applications += 1) {
        const { AppModule } = (await run(withRedis.replace('rediss://redis.internal', url))) as {
          readonly AppModule: Type;
        };
        const app = await NestFactory.create(AppModule, { logger: false, abortOnError: false });
        afterThisTest(() => app.close());
        await app.init();
        await app.get(AssetTokenService).getAccessToken({ scopes: ['ledger:read'] });
        snapshots.push(...app.get(AssetTokenService).snapshot());
      }
      expect(snapshots.map(({ shared }) => shared)).toEqual([false, true]);
      expect(sandbox.tokenRequests).toHaveLength(1);
    });

    it('by a test of the first example, whose own options are not there', async () => {
      const { sandbox } = (await run(`${first}\n${inATest}\nexport { sandbox };`)) as {
        readonly sandbox: AssetSandbox;
      };
      await expect(fetch(sandbox.url)).rejects.toThrow('fetch failed');
    });

    it('by a test whose application closes the sandbox', async () => {
      const { testingModule } = (await run(`${first}\n${closing}`)) as {
        readonly testingModule: () => Promise<TestingModule>;
      };
      const app = (await testingModule()).createNestApplication({ logger: false });
      await app.init();
      const sandbox = app.get(AssetSandbox);
      const { data } = await firstValueFrom(
        app.get(AssetHttpService).withScope('business:read').get<unknown>('/v0/business'),
      );
      expect(data).toMatchObject({ data: sandbox.businesses });
      await app.close();
      await expect(fetch(sandbox.url)).rejects.toThrow('fetch failed');
    });

    it('by a cache that gives no business the answers of another', async () => {
      const { asset, sandbox } = await startApplication();
      await run(cacheKey, { asset });
      const read = async (business: SandboxBusiness): Promise<unknown> => {
        const ask = { scopes: ['business:read'], businessId: business.id };
        const call = (): Promise<unknown> => firstValueFrom(asset.get('/v0/business'));
        return AssetScopeContext.run(ask, call);
      };
      const [one, other] = sandbox.businesses;
      for (const business of [one!, other!, one!]) await read(business);
      expect(sandbox.apiRequests.map(({ claims }) => claims?.businessId)).toEqual([one!.id, other!.id]);
    });
  });
});
