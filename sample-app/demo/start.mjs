// What `npm start` runs: builds what has changed since the last start, then starts the demo.

import { execSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

process.chdir(join(import.meta.dirname, '../..'));

const SETTINGS = ['package-lock.json', 'tsconfig.json', 'nest-cli.json', 'node_modules/.package-lock.json'];

/** In order: the sample is compiled against the built library. */
const BUILDS = [
  { script: 'build:esm', sources: ['lib', ...SETTINGS], product: 'dist/esm/index.js' },
  {
    script: 'build:sample',
    sources: ['lib', 'sample-app', ...SETTINGS],
    product: 'dist/sample-app/demo/main.js',
  },
];

/** Name, size and time of each file, so that deleted and restored files count as changes too. */
function fingerprint(sources) {
  const files = sources.flatMap((path) => {
    const entry = statSync(path, { throwIfNoEntry: false });
    if (entry?.isDirectory() !== true) return [path];
    return readdirSync(path, { recursive: true }).map((name) => join(path, name));
  });
  const hash = createHash('sha256').update(process.version);
  for (const file of files.sort()) {
    const { size = 0, mtimeMs = 0 } = statSync(file, { throwIfNoEntry: false }) ?? {};
    hash.update(`\n${file} ${size} ${mtimeMs}`);
  }
  return hash.digest('hex');
}

const stampOf = ({ script }) => `dist/.${script.replace(':', '-')}.stamp`;

function isCurrent(build) {
  if (!existsSync(build.product) || !existsSync(stampOf(build))) return false;
  return readFileSync(stampOf(build), 'utf8') === fingerprint(build.sources);
}

function run(build) {
  const stamp = fingerprint(build.sources);
  // A build that fails or is interrupted leaves none behind.
  rmSync(stampOf(build), { force: true });
  execSync(`npm run --silent ${build.script}`, { stdio: 'inherit' });
  writeFileSync(stampOf(build), stamp);
}

const outdated = BUILDS.filter((build) => !isCurrent(build));
if (outdated.length > 0) {
  console.log('Building first, which takes about half a minute. The next start without a change skips it.');
  const startedAt = Date.now();
  try {
    outdated.forEach(run);
  } catch {
    console.error('The build failed. Its errors stand above; nothing was started.');
    process.exit(1);
  }
  console.log(`Built in ${((Date.now() - startedAt) / 1000).toFixed(1)} s.`);
}

await import('../../dist/sample-app/demo/main.js');
