// Lists the scopes that an application may ask for, and compares them with an agreed list.
import 'reflect-metadata';
import type { Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  type AgreedScopes,
  type AssetScopeReport,
  growthBeyond,
  listAssetScopes,
} from '../inventory/scope-report.js';
import { type Command, parsedArguments, UsageError, VALUE } from './command.js';

const help = (
  call: string,
): string => `Usage: ${call} <file of the root module> [--module AppModule] [--check file] [--write file]

Prints, as JSON, every Asset scope that the decorators of a built Nest application may ask for. Nothing of the
application is instantiated.
  --module  name of the exported root module (default: AppModule)
  --check   fail when the application asks for more than this file, as written by --write, lists
  --write   write the list to this file, after the check if it is the same

Exit code 0: nothing beyond the list. 1: more than the list. 2: it could not be told.

  ${call} dist/app.module.js --write asset-scopes.json
  ${call} dist/app.module.js --check asset-scopes.json`;

/** `nestjs-asset-auth scopes`. */
export const scopes: Command = { help, run };

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parsedArguments(args, { module: VALUE, check: VALUE, write: VALUE });
  const [file, ...others] = positionals;
  if (others.length > 0) {
    throw new UsageError(
      'It takes one file, that of the root module. Put a name that holds spaces in quotes, and call it once for each application.',
    );
  }
  if (file === undefined) {
    throw new UsageError('It needs the file of the root module, such as dist/app.module.js.');
  }
  const report = await reportOf(file, values.module ?? 'AppModule');
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
