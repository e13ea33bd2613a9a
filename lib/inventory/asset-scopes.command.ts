#!/usr/bin/env node
import 'reflect-metadata';
import type { Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { type AgreedScopes, growthBeyond, type AssetScopeReport, listAssetScopes } from './scope-report.js';

const USAGE = `Usage: asset-scopes <file of the root module> [--module AppModule] [--check file] [--write file]

Prints, as JSON, every Asset scope that the decorators of a built Nest application may ask for.
  --module  name of the exported root module (default: AppModule)
  --check   fail when the application asks for more than this file, as written by --write, lists
  --write   write the list to this file, after the check if it is the same`;

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`asset-scopes: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  },
);

/** Prints the report and answers the exit code. Nothing of the application is instantiated. */
async function main(): Promise<number> {
  const string = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { module: { ...string, default: 'AppModule' }, check: string, write: string },
  });
  const [file] = positionals;
  if (file === undefined) throw new Error(USAGE);
  const report = await reportOf(file, values.module);
  // Before it is written: the two may be one file.
  const agreed = values.check === undefined ? undefined : await agreedIn(values.check);
  const json = `${JSON.stringify(report, null, 2)}\n`;
  process.stdout.write(json);
  if (values.write !== undefined) await writeFile(values.write, json);
  const growth = agreed === undefined ? [] : growthBeyond(agreed, report);
  for (const line of growth) process.stderr.write(`Beyond ${values.check}: ${line}\n`);
  if (growth.length === 0) return 0;
  process.stderr.write(`Grant them to the OAuth client, then run again with --write ${values.check}.\n`);
  return 1;
}

async function reportOf(file: string, name: string): Promise<AssetScopeReport> {
  const exported = (await import(pathToFileURL(resolve(file)).href)) as Readonly<Record<string, unknown>>;
  const module =
    exported[name] ?? (exported.default as Readonly<Record<string, unknown>> | undefined)?.[name];
  if (typeof module !== 'function') {
    throw new Error(
      `${file} exports no "${name}". Name the root module with --module; it exports ${Object.keys(exported).join(', ') || 'nothing'}.`,
    );
  }
  const options = { preview: true, logger: false, abortOnError: false } as const;
  const app = await NestFactory.createApplicationContext(module as Type, options);
  try {
    return listAssetScopes(app);
  } finally {
    await app.close();
  }
}

async function agreedIn(file: string): Promise<AgreedScopes> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new Error(`${file}, the list to check against, cannot be read. Write it with --write ${file}.`);
  });
  const agreed = JSON.parse(text) as Partial<AssetScopeReport>;
  if (!Array.isArray(agreed.scopes))
    throw new Error(`${file} holds no list "scopes". Write it with --write ${file}.`);
  return { ...agreed, scopes: agreed.scopes };
}
