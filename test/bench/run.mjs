// Measures the built library beside what one would use instead.
//
//   npm run build && npm run bench                 everything; takes about an hour, on an idle machine
//   npm run bench -- --quick                       tiny rounds, to see that everything runs; its figures mean nothing
//   npm run bench -- --rounds 5                    fewer rounds (or more) of what is repeated
//   npm run bench -- lookup herd                   only these benchmarks
//   BENCH_LIBRARY=<folder of index.js> npm run …   another build than dist/esm
//
// Goals are judged on a ratio to a baseline that was measured in the same run, in interleaved rounds, but for the
// microsecond that a look-up may take. Shown are the median and, in brackets, what the middle half of the rounds lie between. Absolute
// figures hold for the machine only. Results are also written to test/bench/results/ as JSON. Peers are installed on the
// first run; everything happens on the loopback interface.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startChild } from './support/child.mjs';
import { printRows } from './support/report.mjs';
import { root } from './support/root.mjs';

const BENCHMARKS = [
  'lookup',
  'http-loop',
  'nest-application',
  'herd',
  'expiry',
  'scale',
  'businesses',
  'fleet',
  'telemetry',
];

const here = import.meta.dirname;
const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, rounds: { type: 'string' } },
  allowPositionals: true,
});
const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0)) {
  console.error(`--rounds takes a whole number above 0, not ${values.rounds}.`);
  process.exit(1);
}
const unknown = positionals.filter((name) => !BENCHMARKS.includes(name));
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}. There are ${BENCHMARKS.join(', ')}.`);
  process.exit(1);
}

const library = process.env.BENCH_LIBRARY ?? join(root, 'dist', 'esm');
if (!existsSync(join(library, 'index.js'))) {
  console.error(`There is no build in ${library}. Run "npm run build" first.`);
  process.exit(1);
}
if (!existsSync(join(here, 'node_modules'))) {
  console.log('Installing the peers …');
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: here, stdio: 'inherit' });
}

const report = {
  date: new Date().toISOString(),
  quick: values.quick,
  rounds,
  machine: {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model,
    cpus: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
  },
  benchmarks: [],
};
const { machine } = report;
console.log(
  `Node ${machine.node}, ${machine.cpus} × ${machine.cpu}, ${machine.memoryGiB} GiB, ${report.date}`,
);
if (values.quick) console.log('Quick: proves that everything runs; the figures mean nothing.');

for (const name of positionals.length > 0 ? positionals : BENCHMARKS) {
  // Each in a process of its own, with a fresh heap.
  const child = await startChild('benchmark', { args: [name], execArgv: ['--expose-gc'] });
  const started = Date.now();
  const { title, rows } = await child.ask('run', { quick: values.quick, rounds });
  await child.stop();
  report.benchmarks.push({ name, title, seconds: Math.round((Date.now() - started) / 1000), rows });
  printRows(`${title} (${name})`, rows);
}

const results = join(here, 'results');
mkdirSync(results, { recursive: true });
const file = join(results, `${report.date.replaceAll(/[:.]/g, '-')}${values.quick ? '-quick' : ''}.json`);
writeFileSync(file, `${JSON.stringify(report, undefined, 2)}\n`);
const missed = report.benchmarks.flatMap(({ rows }) => rows.filter(({ reached }) => reached === false));
console.log(
  `\n${missed.length === 0 ? 'Every goal was reached.' : `Goals missed: ${missed.length}.`} Written to ${file}`,
);
