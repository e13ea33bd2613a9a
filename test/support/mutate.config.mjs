import { existsSync, readFileSync } from 'node:fs';

// Mutants of the functions that decide: how long a token lives and in which state it is, when to try again, what tells
// tokens apart, what may be sent again, and where to. Each has to be noticed by the unit tests of its own file.
const DECISIONS = [
  { file: 'token/endpoint/token-lifetime' },
  { file: 'token/access-token' },
  { file: 'token/token-request' },
  { file: 'retry/backoff' },
  { file: 'http/request-url' },
  // Of this file, one function: the rest is for end-to-end tests.
  { file: 'http/wire-config', only: 'export function isReplayable', spec: 'http/request-body' },
];

const { MUTATE_FOLDER: folder } = process.env;

export default {
  mutate: DECISIONS.map((decision) => `lib/${decision.file}.ts${linesOf(decision)}`),
  ignorePatterns: ['dist', 'coverage', 'reports', 'test/bench', 'test/package'],
  testRunner: 'jest',
  testRunnerNodeArgs: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
  jest: {
    configFile: 'jest.config.mjs',
    config: { testMatch: DECISIONS.map(({ file, spec = file }) => `**/test/unit/${spec}.spec.ts`) },
  },
  coverageAnalysis: 'perTest',
  // None is read by these tests, and to rewrite it would take a compiler.
  tsconfigFile: 'none',
  // Mutants are made in copies of the project, and all that is written stays outside of it.
  tempDirName: `${folder}/copies`,
  reporters: ['json', 'progress-append-only'],
  jsonReporter: { fileName: `${folder}/report.json` },
  concurrency: 2,
  thresholds: { high: 100, low: 100, break: null },
};

/** The lines of the function that begins with this text, as the option `mutate` takes them; all without a text. */
function linesOf({ file, only, spec = file }) {
  for (const path of [`lib/${file}.ts`, `test/unit/${spec}.spec.ts`])
    if (!existsSync(new URL(`../../${path}`, import.meta.url)))
      throw new Error(`There is no ${path}. Correct test/support/mutate.config.mjs.`);
  if (only === undefined) return '';
  const lines = readFileSync(new URL(`../../lib/${file}.ts`, import.meta.url), 'utf8').split('\n');
  const first = lines.findIndex((line) => line.startsWith(only));
  if (first < 0) throw new Error(`lib/${file}.ts has no "${only}". Correct test/support/mutate.config.mjs.`);
  return `:${first + 1}-${lines.indexOf('}', first) + 1}`;
}
