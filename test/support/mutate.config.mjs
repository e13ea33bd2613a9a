import { readFileSync } from 'node:fs';

// Mutants of the functions that decide: how long a token lives and in which state it is, when to try again, what tells
// tokens apart, what may be sent again, and where to. Each has to be noticed by the unit tests of its own file.
const DECISIONS = [
  'token/endpoint/token-lifetime',
  'token/access-token',
  'token/token-request',
  'retry/backoff',
  'http/request-url',
  'http/retry.policy',
];

/** Of these files, only the decisions: the rest is for end-to-end tests. */
const LINES = { 'http/retry.policy': linesFrom('http/retry.policy', 'export function isReplayable') };

const { MUTATE_FOLDER: folder } = process.env;

export default {
  mutate: DECISIONS.map((file) => `lib/${file}.ts${LINES[file] ?? ''}`),
  ignorePatterns: ['dist', 'coverage', 'reports', 'test/bench', 'test/package'],
  testRunner: 'jest',
  testRunnerNodeArgs: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
  jest: {
    configFile: 'jest.config.mjs',
    config: { testMatch: DECISIONS.map((file) => `**/test/unit/${file}.spec.ts`) },
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

/** The lines of a file from the one with this text on, as the option `mutate` takes them. */
function linesFrom(file, text) {
  const lines = readFileSync(new URL(`../../lib/${file}.ts`, import.meta.url), 'utf8').split('\n');
  const first = lines.findIndex((line) => line.startsWith(text));
  if (first < 0) throw new Error(`lib/${file}.ts has no "${text}". Correct test/support/mutate.config.mjs.`);
  return `:${first + 1}-${lines.length}`;
}
