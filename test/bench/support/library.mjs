// The built library, as an application would load it: the ESM build by default, another one with
// BENCH_LIBRARY=<folder of index.js>.

import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { root } from './root.mjs';

const folder = resolve(process.env.BENCH_LIBRARY ?? `${root}/dist/esm`);

export const library = await import(pathToFileURL(`${folder}/index.js`).href);

/** Loaded by the benchmarks that need them: older builds have none. */
export const loadStore = () => import(pathToFileURL(`${folder}/store/index.js`).href);
export const loadTelemetry = () => import(pathToFileURL(`${folder}/telemetry/index.js`).href);

export const CREDENTIALS = { clientId: 'bench-client', clientSecret: 'bench-secret' };

/** The options that every benchmark starts from. */
export const optionsFor = (server, options = {}) => ({
  baseUrl: server.url,
  ...CREDENTIALS,
  // What peers ask for: no scopes.
  undeclaredScopes: 'allow',
  ...options,
});

/** An application context with nothing but the library in it, and perhaps modules beside. */
export async function startLibrary(server, options, modules = []) {
  class BenchModule {}
  Module({ imports: [library.AssetAuthModule.forRoot(optionsFor(server, options)), ...modules] })(
    BenchModule,
  );
  const context = await NestFactory.createApplicationContext(BenchModule, { logger: ['error', 'warn'] });
  return partsOf(context);
}

/** The same by another clock than the machine's. */
export async function startLibraryBy(clock, server, options) {
  class BenchModule {}
  Module({ imports: [library.AssetAuthModule.forRoot(optionsFor(server, options))] })(BenchModule);
  const builder = Test.createTestingModule({ imports: [BenchModule] });
  const testing = await builder.overrideProvider(library.ASSET_CLOCK).useValue(clock).compile();
  await testing.init();
  return partsOf(testing);
}

const partsOf = (context) => ({
  context,
  tokens: context.get(library.AssetTokenService),
  http: context.get(library.AssetHttpService),
  close: () => context.close(),
});

/** One request object for each key: a scope, narrowed to one of so many businesses. */
const SCOPES = ['ledger:read'];

export const keysOf = (count) =>
  Array.from({ length: count }, (_, i) => ({
    scopes: SCOPES,
    businessId: `biz_${String(i).padStart(6, '0')}`,
  }));

/** Fetches the token of each key, so many at a time. */
export async function fill(tokens, keys, atATime = 500) {
  for (let i = 0; i < keys.length; i += atATime) {
    await Promise.all(keys.slice(i, i + atATime).map((key) => tokens.getAccessToken(key)));
  }
}
