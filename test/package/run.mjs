// Installs the packed tarball into small applications and runs their scripts: `node test/package/run.mjs [cell ...]`.
// A cell is `application/script@node`; each argument is a part of the names of the cells to run.
import { access, constants, cp, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { exec } from './exec.mjs';
import { applications } from './matrix.mjs';
import { checks } from './tarball.mjs';

const root = join(import.meta.dirname, '../..');
const cache = join(root, 'node_modules/.cache/package-tests');
const install = [
  'install',
  '--no-audit',
  '--no-fund',
  '--no-package-lock',
  '--prefer-offline',
  '--cache',
  cache,
];

const wanted = process.argv.slice(2);
const isWanted = (cell) => wanted.length === 0 || wanted.some((part) => cell.includes(part));
const major = Number(process.versions.node.split('.', 1));

const workspace = await mkdtemp(join(tmpdir(), 'nestjs-asset-auth-package-'));
const tarball = join(workspace, 'nestjs-asset-auth.tgz');
const results = [];
let leftOut = 0;

await pack();
for (const [name, check] of Object.entries(checks)) {
  await cell(`tarball/${name}@${major}`, () => check({ root, tarball, workspace }));
}
for (const application of applications) await runApplication(application);
await conclude();

async function pack() {
  await exec('npm', ['pack', '--silent', '--pack-destination', workspace], { cwd: root });
  const [packed] = (await readdir(workspace)).filter((file) => file.endsWith('.tgz'));
  await rename(join(workspace, packed), tarball);
}

async function runApplication({ name, files, scripts, needs = [] }) {
  const cells = Object.entries(scripts)
    .flatMap(([script, nodes]) => nodes.map((node) => ({ script, node, name: `${name}/${script}@${node}` })))
    .filter((planned) => isWanted(planned.name));
  if (cells.length === 0) return;
  const missing = await missingOf(needs);
  if (missing.length > 0) {
    for (const cell of cells) leaveOut(cell.name, `it needs the command ${missing.join(', ')}`);
    return;
  }
  const installed = once(() => installApplication(name, files));
  for (const { script, node, name: cellName } of cells) {
    await cell(cellName, async () => {
      const cwd = await installed();
      const home = await nodeHome(node);
      const PATH = home === undefined ? process.env.PATH : home + delimiter + process.env.PATH;
      await exec('npm', ['run', '--silent', script], { cwd, env: { ...process.env, PATH } });
    });
  }
}

async function installApplication(name, files) {
  const cwd = join(workspace, name);
  await cp(join(import.meta.dirname, name), cwd, { recursive: true });
  for (const [from, to] of files) await cp(join(root, from), join(cwd, 'src', to), { recursive: true });
  await exec('npm', install, { cwd });
  return cwd;
}

/** Where the `node` of another major version is; `undefined` for the one that runs this. */
async function nodeHome(node) {
  if (node === major) return undefined;
  nodeHome[node] ??= once(async () => {
    const name = `node-${process.platform}-${process.arch}`;
    const prefix = join(workspace, `node-${node}`);
    await exec('npm', [...install, '--prefix', prefix, `${name}@${node}`], { cwd: workspace });
    return join(prefix, 'node_modules', name, 'bin');
  });
  return nodeHome[node]();
}

async function missingOf(commands) {
  const folders = process.env.PATH.split(delimiter);
  const found = (command) =>
    Promise.any(folders.map((folder) => access(join(folder, command), constants.X_OK))).then(
      () => true,
      () => false,
    );
  const isThere = await Promise.all(commands.map(found));
  return commands.filter((_, i) => !isThere[i]);
}

function leaveOut(name, reason) {
  console.log(`left out       ${name}: ${reason}`);
  leftOut += 1;
}

async function cell(name, run) {
  if (!isWanted(name)) return;
  const started = performance.now();
  const failure = await run().then(
    () => undefined,
    (error) => error,
  );
  const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(6);
  console.log(`${failure === undefined ? 'pass' : 'FAIL'} ${seconds} s  ${name}`);
  if (failure !== undefined) console.log(failure.message.replace(/^/gm, '     | '));
  results.push(failure === undefined);
}

async function conclude() {
  const failed = results.filter((passed) => !passed).length;
  console.log(`${results.length - failed} of ${results.length + leftOut} cells passed, ${leftOut} left out.`);
  if (results.length + leftOut === 0) console.log(`No cell is named like ${wanted.join(' or ')}.`);
  process.exitCode = failed > 0 || results.length === 0 ? 1 : 0;
  if (failed > 0) console.log(`Left for inspection: ${workspace}`);
  else await rm(workspace, { recursive: true });
}

function once(work) {
  let result;
  return () => (result ??= work());
}
