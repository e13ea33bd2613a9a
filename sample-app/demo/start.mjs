// What `npm start` runs: builds what has changed since the last start, then starts the demo.

import { execSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

process.chdir(join(import.meta.dirname, '../..'));

const SETTINGS = ['package-lock.json', 'tsconfig.json', 'nest-cli.json', 'node_modules/.package-lock.json'];

/** In order: the sample is compiled against the built library. */
const BUILDS = [
  {
    script: 'build:esm',
    what: 'the library',
    sources: ['lib', ...SETTINGS],
    product: 'dist/esm/index.js',
  },
  {
    script: 'build:sample',
    what: 'the sample application',
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

/** Whether a server can listen there. A port that is none is told of later, with what is wrong with it. */
function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', ({ code }) => resolve(code !== 'EADDRINUSE'));
    try {
      server.listen({ port: Number(port), host: '127.0.0.1' }, () => server.close(() => resolve(true)));
    } catch {
      resolve(true);
    }
  });
}

const { PORT: port = '3000' } = process.env;
if (!(await isFree(port))) {
  console.error(`Port ${port} is taken by another process. Choose another one: PORT=3001 npm start`);
  process.exit(1);
}

const seconds = (since) => ((Date.now() - since) / 1000).toFixed(1);

const outdated = BUILDS.filter((build) => !isCurrent(build));
if (outdated.length > 0) {
  console.log('Building first, which takes about half a minute. The next start without a change skips it.');
  try {
    for (const [index, build] of outdated.entries()) {
      const startedAt = Date.now();
      process.stdout.write(`  ${index + 1} of ${outdated.length}: ${build.what} … `);
      run(build);
      console.log(`${seconds(startedAt)} s`);
    }
  } catch {
    console.error('The build failed. Its errors stand above; nothing was started.');
    process.exit(1);
  }
}

await import('../../dist/sample-app/demo/main.js');
