// Mutants of the functions that decide: how long a token lives and in which state it is, when to try again, what tells
// tokens apart, what may be sent again, and where to. Each has to be noticed by the unit tests of its own file.
const DECISIONS = [
  'token/token-lifetime',
  'token/token-life',
  'token/pacing/backoff',
  'token/request/access-token-request',
  'http/replay',
  'http/final-url',
];

const { MUTATE_FOLDER: folder } = process.env;

export default {
  mutate: DECISIONS.map((file) => `lib/${file}.ts`),
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
