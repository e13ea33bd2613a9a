// The library as its sources are now, for tests that start processes: hooks that compile while a process loads would cost
// each of them a third of a second.
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { swcOptions } from '../../jest.config.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const cache = join(root, 'node_modules/.cache/library');

export async function compiledLibrary() {
  const compiler = await readFile(join(root, 'node_modules/@swc/core/package.json'));
  const hash = createHash('sha256').update(compiler).update(JSON.stringify(swcOptions));
  const files = (await readdir(join(root, 'lib'), { recursive: true })).filter((name) =>
    name.endsWith('.ts'),
  );
  const texts = await Promise.all(files.sort().map((name) => readFile(join(root, 'lib', name), 'utf8')));
  for (const [i, name] of files.entries()) hash.update(`${name}\n${texts[i]}\n`);
  const folder = join(cache, hash.digest('hex').slice(0, 16));
  if (!(await isWhole(folder))) await compile(folder, files, texts);
  return pathToFileURL(`${folder}/`);
}

const isWhole = (folder) =>
  readFile(join(folder, 'package.json')).then(
    () => true,
    () => false,
  );

async function compile(folder, files, texts) {
  const { transform } = await import('@swc/core');
  await mkdir(cache, { recursive: true });
  const part = await mkdtemp(join(cache, 'part-'));
  for (const [i, name] of files.entries()) {
    const file = join(part, name.replace(/ts$/, 'js'));
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(file, (await transform(texts[i], swcOptions)).code);
  }
  await writeFile(join(part, 'package.json'), '{ "type": "module" }');
  try {
    await rename(part, folder);
  } catch (error) {
    await rm(part, { recursive: true });
    // Otherwise another process was quicker, and its folder is the same.
    if (!(await isWhole(folder))) throw error;
  }
}
