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

/** Reads the arguments, prints the report, and says what to exit with. Nothing of the application is instantiated. */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      module: { type: 'string', default: 'AppModule' },
      check: { type: 'string' },
      write: { type: 'string' },
    },
  });
  const [file] = positionals;
  if (file === undefined) throw new Error(USAGE);
  const report = await reportOf(file, values.module);
  // Before it is written: the two may be one file.
  const agreed = values.check === undefined ? undefined : await agreedIn(values.check);
  const json = `${JSON.stringify(report, null, 2)}\n`;
  process.stdout.write(json);
  if (values.write !== undefined) await writeFile(values.write, json);
  if (agreed === undefined) return 0;
  const growth = growthBeyond(agreed, report);
  for (const line of growth) process.stderr.write(`Beyond ${values.check}: ${line}\n`);
  if (growth.length > 0)
    process.stderr.write(`Grant them to the OAuth client, then run again with --write ${values.check}.\n`);
  return growth.length > 0 ? 1 : 0;
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
  const app = await NestFactory.createApplicationContext(module as Type, {
    preview: true,
    logger: false,
    abortOnError: false,
  });
  try {
    return listAssetScopes(app);
  } finally {
    await app.close();
  }
}

async function agreedIn(file: string): Promise<AgreedScopes> {
  const agreed = JSON.parse(await textOf(file)) as Partial<AssetScopeReport>;
  if (!Array.isArray(agreed.scopes))
    throw new Error(`${file} holds no list "scopes". Write it with --write ${file}.`);
  return { ...agreed, scopes: agreed.scopes };
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw new Error(`${file}, the list to check against, cannot be read. Write it with --write ${file}.`);
  }
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`asset-scopes: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  },
);
