// The README and the guides beside the code, as tests read them: their snippets, tables and links.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import ts from 'typescript';

/** Paths of all guides: for users in the first place, and the one for contributors. */
export const GUIDES: readonly string[] = [
  'README.md',
  '.github/SECURITY.md',
  ...readdirSync('lib', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('lib', name))
    .sort(),
  'sample-app/README.md',
  'test/bench/README.md',
];

export const guide = (path: string): string => readFileSync(path, 'utf8');

/** What guides leave out as obvious. A snippet with imports of its own does without. */
const PRELUDE = `
import { once } from 'node:events';
import { Body, ConsoleLogger, Controller, Get, Inject, Injectable, Module, type OnApplicationShutdown, Param, Post,
  Query, ServiceUnavailableException } from '@nestjs/common';
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

/** The names that their text introduces, or that stand for the reader's own. Snippets may redeclare them. */
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

export const snippetsOf = (markdown: string): string[] =>
  [...markdown.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code!);

/** Compiles snippets as if each were a module in test/types, with the options of this repository. */
export function problemsOf(snippets: readonly string[]): string[][] {
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
export function columnOf(heading: string, markdown: string): string[] {
  const [, rows = ''] =
    new RegExp(`^\\| ${heading} .*\\n\\|[ |-]+\\n((?:\\|.*\\n)+)`, 'm').exec(markdown) ?? [];
  return [...rows.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name!);
}

export const snippetHolding = (snippets: readonly string[], part: string): string => {
  const found = snippets.filter((code) => code.includes(part));
  expect(found).toHaveLength(1);
  return found[0]!;
};

/**
 * Runs snippets as one module, and answers what it exports.
 *
 * @param own - what stands for the reader's own
 */
export async function run(code: string, own: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
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
  const load = (name: string): unknown => loaded.get(name);
  await new AsyncFunction('exports', 'require', ...Object.keys(own), compiled)(
    exports,
    load,
    ...Object.values(own),
  );
  return exports;
}

/** Links of a guide to other files, and to headings, that lead nowhere. */
export function brokenLinks(path: string, markdown = guide(path)): readonly string[] {
  const targets = [...withoutCode(markdown).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
  return targets.filter((target) => {
    if (/^https?:/.test(target)) return false;
    const [file = '', anchor] = target.split('#');
    const to = file === '' ? path : join(dirname(path), file);
    if (!existsSync(to)) return true;
    return anchor !== undefined && !anchorsOf(to === path ? markdown : guide(to)).includes(anchor);
  });
}

const withoutCode = (markdown: string): string =>
  markdown.replace(/^```.*?^```$/gms, '').replace(/`[^`\n]*`/g, '');

/** As GitHub makes them of headings. */
const anchorsOf = (markdown: string): readonly string[] =>
  [...markdown.replace(/^```.*?^```$/gms, '').matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
