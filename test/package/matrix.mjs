const scenario = [['test/package/scenario', '.']];
const optional = [['test/package/optional', '.']];
const firstHour = [
  ['test/package/first-hour', '.'],
  ['README.md', 'README.md'],
];
// Each at its own place, since one imports the other.
const queue = [
  ['test/package/queue', 'package/queue'],
  ['test/support/redis.ts', 'support/redis.ts'],
];

/**
 * The matrix: which scripts of which application run on which Node. The scripts are those of the application's
 * package.json. `files` of this repository are copied into its `src`: from where, to where. `needs`: commands without
 * which it cannot run.
 */
export const applications = [
  {
    name: 'nest11-cjs',
    files: scenario,
    scripts: {
      jest: [20, 22, 24],
      build: [20, 22, 24],
      'both-copies': [20],
      commands: [20],
      types: [20],
      'types:strict': [20],
      'types:node10': [20],
      'types:bundler': [20],
    },
  },
  {
    // With the lowest versions that our peer dependencies allow.
    name: 'nest11-esm',
    files: scenario,
    scripts: { build: [20, 22, 24], 'both-copies': [20], 'types:strict': [20] },
  },
  {
    // The specifications that this repository runs on Nest 12.
    name: 'nest11-entry-points',
    files: [
      ['test/support', 'support'],
      ['test/e2e/nest', 'e2e/nest'],
    ],
    scripts: { jest: [20] },
  },
  {
    name: 'nest12-esm',
    files: scenario,
    scripts: {
      jest: [20, 22, 24],
      vitest: [20, 22, 24],
      build: [20, 22, 24],
      'both-copies': [20],
      commands: [20],
      'types:strict': [20],
      'types:bundler': [20],
    },
  },
  {
    name: 'nest12-cjs',
    files: scenario,
    // Jest lets CommonJS require an ES module, which Nest 12 is, from Node 24.9 on.
    scripts: { jest: [24], build: [20, 22, 24], 'both-copies': [20], 'types:strict': [20] },
  },
  // The sub-paths for packages that an application may bring; the applications above have none of them.
  { name: 'nest11-optional', files: optional, scripts: { cjs: [20], esm: [20] } },
  { name: 'nest12-optional', files: optional, scripts: { cjs: [20], esm: [20] } },
  // README, to the letter, in applications that the official CLI makes.
  { name: 'nest11-cli', files: firstHour, scripts: { 'first-hour': [20] } },
  { name: 'nest12-cli', files: firstHour, scripts: { 'first-hour': [20] } },
  { name: 'nest12-bullmq', files: queue, needs: ['redis-server'], scripts: { jest: [20] } },
  { name: 'nest11-bullmq', files: queue, needs: ['redis-server'], scripts: { jest: [20] } },
  // Generates a client and runs it; its generator needs Node 22.
  { name: 'generated-clients', files: [], scripts: { smoke: [22] } },
  {
    // Each client that a token store is made of, in each of its major versions.
    name: 'store',
    files: [],
    needs: ['redis-server', 'redis-cli'],
    scripts: { clients: [20], cluster: [20], postgres: [20], imports: [20], types: [20] },
  },
];
