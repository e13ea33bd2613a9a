import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { TestingModule } from '@nestjs/testing';
import {
  AssetAuthConfig,
  AssetHttpService,
  assetAuthOptionsFromEnv,
  AssetTokenService,
} from 'nestjs-asset-auth';
import type { AssetSandbox } from 'nestjs-asset-auth/testing';
import { firstValueFrom } from 'rxjs';
import ts from 'typescript';
import { startApplication } from '../support/application.js';
import { afterThisTest } from '../support/cleanup.js';
import { redisOfThisTest } from '../support/redis-of-test.js';
import { startSandbox } from '../support/sandbox.js';

const README = readFileSync('README.md', 'utf8');
const STORE_README = readFileSync('lib/store/README.md', 'utf8');

/** What the READMEs leave out as obvious. A snippet with imports of its own does without. */
const PRELUDE = `
import { once } from 'node:events';
import { Body, Controller, Get, Inject, Injectable, Module, type OnApplicationShutdown, Param, Post, Query,
  ServiceUnavailableException } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import { Cron, CronExpression } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import axiosRetry, { exponentialDelay } from 'axios-retry';
import { Redis } from 'ioredis';
import { ASSET_CLOCK, AssetAuthConfig, AssetAuthExceptionFilter, AssetAuthModule, assetAuthOptionsFromEnv,
  AssetBusiness, AssetHttpService, AssetScope, AssetScopeContext, AssetTokenService, getAssetAuthOptionsToken,
  InjectAssetHttp, InjectAssetTokenService, isAssetAuthError, listAssetScopes, RunWithAssetScope } from 'nestjs-asset-auth';
import { type AssetTokenStore, redisTokenStore, type StoredValue } from 'nestjs-asset-auth/store';
import { AssetSandbox, expectNoSecrets, ManualClock } from 'nestjs-asset-auth/testing';
import { createClient } from 'redis';
import { catchError, firstValueFrom, map, type Observable } from 'rxjs';
`;

/** The names that the READMEs' text introduces, or that stand for the reader's own. Snippets may redeclare them. */
const READERS_OWN = `
import type { RedisSentinelType } from 'redis';
import type { AssetAuthConfig, AssetHttpService, AssetTokenService } from 'nestjs-asset-auth';
import type { AssetTokenStore } from 'nestjs-asset-auth/store';
import type { AssetSandbox } from 'nestjs-asset-auth/testing';
import type { Observable } from 'rxjs';
declare global {
  class AppModule {}
  const asset: AssetHttpService;
  const tokens: AssetTokenService;
  const config: AssetAuthConfig;
  const sandbox: AssetSandbox;
  const businessId: string;
  const error: unknown;
  const logLines: string[];
  function synchronize(): Promise<void>;
  function retryLater(ms: number): Observable<never>;
  function readSecret(): Promise<string>;
  interface paths {
    '/v0/business/{id}/ledger': {
      get: {
        parameters: { path: { id: string } };
        responses: { 200: { content: { 'application/json': { data: object[] } } } };
      };
    };
  }
  class RedisModule {}
  const REDIS: unique symbol;
  const sentinel: RedisSentinelType;
  const store: AssetTokenStore;
  const pool: {
    query<Row>(text: string, values: readonly unknown[]): Promise<{ rows: Row[] }>;
  };
}
`;

const snippetsOf = (markdown: string): string[] =>
  [...markdown.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code!);

/** Compiles snippets as if each were a module in test/types, with the options of this repository. */
function problemsOf(snippets: readonly string[]): string[][] {
  const { config } = ts.readConfigFile('tsconfig.json', (path) => readFileSync(path, 'utf8')) as {
    config: object;
  };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, process.cwd());
  const pathOf = (name: string | number): string => resolve('test/types', `readme.${name}.ts`);
  const files = new Map([
    [pathOf('own'), READERS_OWN],
    ...snippets.map((code, i): [string, string] => [
      pathOf(i),
      /^import /m.test(code) ? code : PRELUDE + code,
    ]),
  ]);
  const real = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...real,
    fileExists: (path) => files.has(path) || real.fileExists(path),
    readFile: (path) => files.get(path) ?? real.readFile(path),
    getSourceFile: (path, version, ...rest) => {
      const text = files.get(path);
      return text === undefined
        ? real.getSourceFile(path, version, ...rest)
        : ts.createSourceFile(path, text, version);
    },
  };
  const program = ts.createProgram({
    rootNames: [...files.keys()],
    options: { ...options, noUnusedLocals: false, noUnusedParameters: false },
    host,
  });
  const problems = (path: string): string[] => {
    const file = program.getSourceFile(path);
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
      ({ start = 0, messageText }) => {
        const line = file?.text.slice(0, start).split('\n').length ?? 1;
        return `${file?.text.split('\n')[line - 1]}\n${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
      },
    );
  };
  expect(problems(pathOf('own'))).toEqual([]);
  return snippets.map((_, i) => problems(pathOf(i)));
}

/** The first column of the table whose first heading is this. */
function columnOf(heading: string): string[] {
  const [, rows = ''] =
    new RegExp(`^\\| ${heading} .*\\n\\|[ |-]+\\n((?:\\|.*\\n)+)`, 'm').exec(README) ?? [];
  return [...rows.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name!);
}

const snippetHolding = (snippets: readonly string[], part: string): string => {
  const found = snippets.filter((code) => code.includes(part));
  expect(found).toHaveLength(1);
  return found[0]!;
};

/** Runs snippets as one module, and answers what it exports. */
async function run(code: string): Promise<unknown> {
  const compiled = ts.transpile(PRELUDE + code, {
    module: ts.ModuleKind.CommonJS,
    target: ts.ScriptTarget.ES2022,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    esModuleInterop: true,
  });
  const names = [...compiled.matchAll(/require\("(.*?)"\)/g)].map(([, name]) => name!);
  const loaded = new Map<string, unknown>();
  for (const name of names) loaded.set(name, await import(name));
  const exports = {};
  const AsyncFunction = run.constructor as new (
    ...parts: readonly string[]
  ) => (...args: readonly unknown[]) => Promise<void>;
  await new AsyncFunction('exports', 'require', compiled)(exports, (name: string) => loaded.get(name));
  return exports;
}

describe('README', () => {
  const snippets = snippetsOf(README);
  const storeSnippets = snippetsOf(STORE_README);
  const names = (heading: string): string =>
    columnOf(heading)
      .map((name) => `${name}: true`)
      .join(', ');
  const lists = `import type { AssetAuthErrorCode, AssetAuthOptions } from 'nestjs-asset-auth';
    export const codes: Record<AssetAuthErrorCode, true> = { ${names('code')} };
    export const options: Record<keyof AssetAuthOptions, true> = { ${names('option')} };`;
  let problems: readonly string[][];

  beforeAll(() => {
    problems = problemsOf([...snippets, ...storeSnippets, lists, "asset.withScopes('ledger:read');\n"]);
  }, 120_000);

  it('holds only snippets that compile', () => {
    expect(snippets.length).toBeGreaterThan(10);
    expect(storeSnippets.length).toBeGreaterThan(2);
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
    expect(columnOf('code')).not.toEqual([]);
    expect(problems.at(-2)).toEqual([]);
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

  it('names variables that are read, also where tokens are shared', () => {
    const named = [...(README + STORE_README).matchAll(/\bASSET_(?:STORE|CLIENT|ENVIRONMENT)\w*/g)].map(
      ([name]) => name,
    );
    expect(new Set(named)).toContain('ASSET_STORE_KEYS');
    for (const name of named) {
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
    const ENVIRONMENT = { ASSET_CLIENT_ID: 'client-id', ASSET_CLIENT_SECRET: 'secret' };
    const install = snippetHolding(snippets, 'ConfigModule.forRoot()');
    const inATest = snippetHolding(snippets, 'getAssetAuthOptionsToken()');
    const withRedis = snippetHolding(storeSnippets, 'RedisModule implements');

    afterEach(() => {
      for (const name of Object.keys(process.env)) {
        if (name.startsWith('ASSET_')) Reflect.deleteProperty(process.env, name);
      }
    });

    it('by an application that boots with the client that it installs', async () => {
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

    it('by a test of that application, whose own options are not there', async () => {
      const { sandbox, module } = (await run(`${install}\n${inATest}\nexport { sandbox, module };`)) as {
        readonly sandbox: AssetSandbox;
        readonly module: TestingModule;
      };
      afterThisTest(() => sandbox.close());
      const app = module.createNestApplication({ logger: false });
      afterThisTest(() => app.close());
      await app.init();
      const { data } = await firstValueFrom(
        app.get(AssetHttpService).withScope('business:read').get<unknown>('/v0/business'),
      );
      expect(data).toMatchObject({ data: sandbox.businesses });
    });
  });
});
