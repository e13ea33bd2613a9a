// Runs the mutants of mutate.config.mjs, and fails if one survives that mutate.explained.mjs does not explain. Stryker is
// installed in a temporary folder, so that an ordinary install does not carry it; the working tree is only read.
//
//   npm run mutate              some twenty minutes on two cores
//   npm run mutate -- --check   only whether both lists still name what there is
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXPLAINED } from './mutate.explained.mjs';

// The last line of versions that runs on Node 20.
const VERSION = '9.6.1';
const CONFIG = fileURLToPath(new URL('./mutate.config.mjs', import.meta.url));

await import('./mutate.config.mjs');
for (const { file, original } of EXPLAINED)
  if (!readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8').includes(original))
    throw new Error(`${file} no longer holds "${original}". Correct test/support/mutate.explained.mjs.`);

if (!process.argv.includes('--check')) {
  const folder = mkdtempSync(join(tmpdir(), 'mutate-'));
  try {
    process.exitCode = judge(run(folder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What became of each mutant. */
function run(folder) {
  const command = (program, ...parameters) => {
    const env = { ...process.env, MUTATE_FOLDER: folder };
    const { status, error } = spawnSync(program, parameters, { stdio: 'inherit', env });
    if (status !== 0)
      throw error ?? new Error(`"${program} ${parameters.join(' ')}" ended with code ${status}.`);
  };
  const packages = ['core', 'jest-runner'].map((name) => `@stryker-mutator/${name}@${VERSION}`);
  command(
    'npm',
    'install',
    '--prefix',
    folder,
    '--no-save',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    ...packages,
  );
  command(process.execPath, join(folder, 'node_modules/@stryker-mutator/core/bin/stryker.js'), 'run', CONFIG);
  const { files } = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'));
  return Object.entries(files).flatMap(([file, { source, mutants }]) =>
    mutants.map(({ status, replacement, location }) => ({
      file,
      line: location.start.line,
      original: between(source.split('\n'), location),
      replacement,
      survived: status === 'Survived' || status === 'NoCoverage',
    })),
  );
}

function between(lines, { start, end }) {
  const text = lines.slice(start.line - 1, end.line);
  text[text.length - 1] = text.at(-1).slice(0, end.column - 1);
  text[0] = text[0].slice(start.column - 1);
  return text.join('\n');
}

/** Says what survived, and gives the code to exit with. */
function judge(mutants) {
  const survivors = mutants.filter(({ survived }) => survived);
  const is = (one) => (other) =>
    ['file', 'original', 'replacement'].every((property) => one[property] === other[property]);
  const unexplained = survivors.filter((mutant) => !EXPLAINED.some(is(mutant)));
  const outdated = EXPLAINED.filter((explained) => !survivors.some(is(explained)));
  console.log(`\n${mutants.length - survivors.length} of ${mutants.length} mutants were noticed.`);
  for (const { file, line, original, replacement } of unexplained)
    console.error(
      `\n${file}:${line} No test notices it. Write one, or explain it.\n- ${original}\n+ ${replacement}`,
    );
  for (const { file, original, replacement } of outdated)
    console.error(
      `\n${file} It is explained, but did not survive. Remove it.\n- ${original}\n+ ${replacement}`,
    );
  return unexplained.length + outdated.length > 0 ? 1 : 0;
}
