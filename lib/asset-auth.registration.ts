import { OPTIONS_METHOD } from './asset-auth.options-provider.js';
import { AssetConfigError, type AssetConfigProblem } from './config/config.errors.js';
import { described, printable } from './config/printable.js';

const SOURCES = ['useFactory', 'useClass', 'useExisting'] as const;
const ASYNC_NAMES: readonly string[] = [
  ...SOURCES,
  'inject',
  'imports',
  'provideInjectionTokensFrom',
  'isGlobal',
  'name',
];

/** What both ways of registration say besides the options. A wrong one would be taken for something else by Nest. */
export function assertExtras({
  name,
  isGlobal,
}: {
  readonly name: unknown;
  readonly isGlobal: unknown;
}): void {
  const problems: AssetConfigProblem[] = [];
  // An empty variable, say, must not become a client of its own that nobody injects.
  if (name !== undefined && (typeof name !== 'string' || name.trim() === '')) {
    problems.push({
      option: 'name',
      problem: 'must be a non-empty text. Leave it out for the default client',
    });
  }
  if (typeof isGlobal !== 'boolean') {
    const problem = `must be true or false, not ${described(isGlobal)}. Leave it out for true`;
    problems.push({ option: 'isGlobal', problem });
  }
  if (problems.length > 0) throw new AssetConfigError(problems);
}

/** What is wrong with the argument of `forRoot` as a whole. Its options are checked at boot, all at once. */
export function assertOptions(options: unknown): void {
  if (typeof options === 'object' && options !== null) return;
  const problem = `needs the options as an object, not ${described(options)}. Use forRootAsync if they come from elsewhere`;
  throw new AssetConfigError([{ option: 'forRoot', problem }]);
}

/** What is wrong with the argument of `forRootAsync`: Nest would not say, or say it where nobody knows why. */
export function assertAsyncOptions(options: unknown): void {
  const problems =
    typeof options === 'object' && options !== null
      ? [...unknownNames(options), ...sourceProblems(options)]
      : [withoutSource(`, not ${described(options)}`)];
  if (problems.length > 0) throw new AssetConfigError(problems);
}

/** A misspelt `name` would register the default client instead of one more. */
function unknownNames(options: object): AssetConfigProblem[] {
  return Object.keys(options)
    .filter((name) => !ASYNC_NAMES.includes(name))
    .map((name) => ({
      option: printable(name, 80),
      problem: `is not known to forRootAsync, which takes ${ASYNC_NAMES.join(', ')}. Options of the client are what the factory returns`,
    }));
}

function sourceProblems(options: Partial<Record<(typeof SOURCES)[number], unknown>>): AssetConfigProblem[] {
  const { useFactory, useClass } = options;
  if (SOURCES.every((source) => (options[source] ?? undefined) === undefined)) return [withoutSource('')];
  return [
    ...notCallable(
      'useFactory',
      useFactory,
      'a function that returns the options. Give an object to forRoot',
    ),
    ...notCallable('useClass', useClass, `a class with the method ${OPTIONS_METHOD}()`),
  ];
}

function notCallable(option: string, value: unknown, what: string): AssetConfigProblem[] {
  if (value === undefined || value === null || typeof value === 'function') return [];
  return [{ option, problem: `is ${described(value)}, but must be ${what}` }];
}

const withoutSource = (butGot: string): AssetConfigProblem => ({
  option: 'forRootAsync',
  problem: `needs useFactory, useClass or useExisting to get the options from${butGot}`,
});
