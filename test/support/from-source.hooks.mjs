// Lets a plain Node process import the library from its sources, as they are now: `--import` from-source.mjs.
import { transform } from '@swc/core';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const lib = new URL('../../lib/', import.meta.url).href;
const entries = new Map([
  ['nestjs-asset-auth', `${lib}index.ts`],
  ['nestjs-asset-auth/store', `${lib}store/index.ts`],
  ['nestjs-asset-auth/telemetry', `${lib}telemetry/index.ts`],
  ['nestjs-asset-auth/testing', `${lib}testing/index.ts`],
]);

export function resolve(specifier, context, next) {
  const entry = entries.get(specifier);
  if (entry !== undefined) return { url: entry, format: 'module', shortCircuit: true };
  if (specifier.startsWith('.') && context.parentURL?.startsWith(lib)) {
    const url = new URL(specifier.replace(/js$/, 'ts'), context.parentURL).href;
    return { url, format: 'module', shortCircuit: true };
  }
  return next(specifier, context);
}

export async function load(url, context, next) {
  if (!url.startsWith(lib)) return next(url, context);
  const { code } = await transform(await readFile(fileURLToPath(url), 'utf8'), {
    jsc: {
      target: 'es2022',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
    },
    module: { type: 'es6' },
  });
  return { format: 'module', source: code, shortCircuit: true };
}
