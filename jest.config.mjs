/** How the sources are compiled for tests, those that start processes included. */
export const swcOptions = {
  jsc: {
    target: 'es2022',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
  },
  module: { type: 'es6' },
  sourceMaps: 'inline',
};

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts', '.mts'],
  moduleFileExtensions: ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs', 'json', 'node'],
  transform: {
    '^.+\\.[cm]?ts$': ['@swc/jest', swcOptions],
  },
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^nestjs-asset-auth$': '<rootDir>/lib/index.ts',
    '^nestjs-asset-auth/health$': '<rootDir>/lib/health/index.ts',
    '^nestjs-asset-auth/openapi$': '<rootDir>/lib/openapi/index.ts',
    '^nestjs-asset-auth/store$': '<rootDir>/lib/store/index.ts',
    '^nestjs-asset-auth/telemetry$': '<rootDir>/lib/telemetry/index.ts',
    '^nestjs-asset-auth/testing$': '<rootDir>/lib/testing/index.ts',
  },
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/package/', '<rootDir>/test/bench/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/test/package/', '<rootDir>/test/bench/'],
  collectCoverageFrom: ['lib/**/*.ts', '!lib/**/index.ts'],
  setupFiles: ['<rootDir>/test/support/cheap-globals.mjs'],
  // One worker for each core; Jest itself would leave one core idle.
  maxWorkers: '100%',
  // A worker that has loaded Nest for dozens of files is slower than a new one.
  workerIdleMemoryLimit: '1GB',
  testTimeout: 60_000,
};
