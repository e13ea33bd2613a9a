// The options as they are given, copied and checked: each by itself, and then between them.
import { validateSync } from 'class-validator';
import { AssetConfigError, type AssetConfigProblem } from './asset-auth.errors.js';
import {
  ASSET_AUTH_OPTION_NAMES,
  type AssetAuthOptions,
  AssetAuthOptionsShape,
  type AssetEnvironment,
} from './asset-auth.options.js';
import { said, withoutPollution } from './plain-object.js';
import { environmentVariable, UnreadableVariable } from './options-from-env.js';
import { scopeSet, type AssetScopes, scopesBeyond, scopesProblem } from './scope-set.js';
import { startupPlan, startupProblem } from './startup.js';
import { described, parsedUrl, printable, quoted } from './text.js';

/** The origin of each environment (Asset API reference). */
export const ORIGINS: Readonly<Record<AssetEnvironment, string>> = {
  sandbox: 'https://api.sandbox.getasset.com',
  production: 'https://api.getasset.com',
};

/**
 * The options that are given, copied: `undefined` means "not given", and a getter is read once, so that the values that
 * are checked are those that are used.
 *
 * @throws AssetConfigError naming every problem at once, each option by itself and then between options
 */
export function checkedOptions(source: unknown): AssetAuthOptions {
  if (typeof source !== 'object' || source === null || Array.isArray(source)) {
    const problem = `must be an object, not ${described(source)}. Did a factory forget to return?`;
    throw new AssetConfigError([{ option: 'options', problem }]);
  }
  const options = knownOptions(source);
  const problems = [...unknownOptions(source), ...problemsOfEach(options), ...problemsBetween(options)];
  if (problems.length > 0) throw new AssetConfigError(problems);
  return options;
}

/** Sets every name, if only to undefined, so that no read reaches a polluted prototype. */
function knownOptions(source: object): AssetAuthOptions {
  const options = ASSET_AUTH_OPTION_NAMES.map(
    (name) => [name, copied(said(source as Partial<AssetAuthOptions>, name), name)] as const,
  );
  return Object.assign(new AssetAuthOptionsShape(), Object.fromEntries(options));
}

/**
 * Shallow, since the agents and signals within `http` are themselves meant, as the store is. Without a prototype, as above.
 */
function copied(value: unknown, name: keyof AssetAuthOptions): unknown {
  if (name === 'store') return value;
  if (typeof value !== 'object' || value === null || value instanceof UnreadableVariable) return value;
  return Array.isArray(value) ? [...(value as unknown[])] : Object.assign(Object.create(null), value);
}

/** What a registration says besides the options. */
export const REGISTRATION_EXTRAS = ['isGlobal', 'name'] as const;
/** Where `forRootAsync` gets the options from. */
export const REGISTRATION_SOURCE = ['useFactory', 'useClass', 'useExisting', 'inject', 'imports'] as const;
const OF_REGISTRATION: readonly string[] = [...REGISTRATION_SOURCE, ...REGISTRATION_EXTRAS];

function unknownOptions(source: object): AssetConfigProblem[] {
  const known: readonly string[] = ASSET_AUTH_OPTION_NAMES;
  const unknown = Object.keys(source).filter((name) => !known.includes(name));
  return unknown.map((name) => ({
    option: printable(name, 80),
    problem: OF_REGISTRATION.includes(name)
      ? 'belongs to the registration, forRootAsync({ … }), and not to the options that the factory returns. Move it there, beside useFactory'
      : `is not an option. The options are ${known.join(', ')}`,
  }));
}

function problemsOfEach(options: AssetAuthOptions): AssetConfigProblem[] {
  // By default class-validator keeps the object and its values, and thus the secret, in its errors. It groups its rules in plain
  // objects by the names of the options, which a polluted prototype breaks.
  const errors = withoutPollution(ASSET_AUTH_OPTION_NAMES, () =>
    validateSync(options, { validationError: { target: false, value: false } }),
  );
  const values: Readonly<Record<string, unknown>> = { ...options };
  return ASSET_AUTH_OPTION_NAMES.flatMap((name) => {
    // The checks of one option have one message.
    const [found] = Object.values(errors.find(({ property }) => property === name)?.constraints ?? {});
    const value = values[name];
    // `@IsOptional` lets null pass, and `allowedScopes: null` must not lift a limit.
    const unlessNull = value === null ? 'must not be null. Leave the option out instead' : undefined;
    const problem = value instanceof UnreadableVariable ? value.problem : (found ?? unlessNull);
    return problem === undefined ? [] : [problemOf(name, problem)];
  });
}

const NOTHING_READ =
  'If all of it stands in .env: ConfigModule.forRoot() reads that file. Call it first, or use forRootAsync, whose factory runs after it';

function problemsBetween(options: Partial<AssetAuthOptions>): AssetConfigProblem[] {
  const { environment, baseUrl, scopes, allowedScopes, startup } = options;
  const { undeclaredScopes = 'deny', store, storeKeys } = options;
  const problems: AssetConfigProblem[] = [];
  if (environment === undefined && baseUrl === undefined) {
    const isEmpty = options.clientId === undefined && options.clientSecret === undefined;
    const problem =
      "is missing. Say 'sandbox' or 'production' (their credentials are separate), or give a baseUrl";
    problems.push(problemOf('environment', isEmpty ? `${problem}. ${NOTHING_READ}` : problem));
  }
  const other = environmentOf(baseUrl);
  if (isEnvironment(environment) && other !== undefined && other !== environment) {
    const problem = `is the origin of the ${other} environment, and environment says '${environment}'; their credentials are separate. Leave baseUrl out, or say environment: '${other}'`;
    problems.push(problemOf('baseUrl', problem));
  }
  const beyond = beyondAllowed(scopes, allowedScopes);
  if (beyond !== '') {
    problems.push(problemOf('scopes', `allowedScopes lacks ${beyond}. Add it there or leave it out here`));
  }
  if ((store ?? undefined) !== undefined && storeKeys === undefined) {
    const missing =
      'is missing, and store is given: tokens are sealed there. Make a key with: openssl rand -base64 32';
    problems.push(problemOf('storeKeys', missing));
  }
  if (store === undefined && (storeKeys ?? undefined) !== undefined) {
    const missing =
      'is missing, and storeKeys are given. Give a store such as redisTokenStore(client), or leave the keys out';
    problems.push(problemOf('store', missing));
  }
  const problem =
    startupProblem(startup) === undefined ? problemAtBoot(options, undeclaredScopes) : undefined;
  if (problem !== undefined) problems.push(problemOf('startup', problem));
  return problems;
}

const isEnvironment = (value: unknown): value is AssetEnvironment =>
  typeof value === 'string' && Object.hasOwn(ORIGINS, value);

/** The environment whose origin this is, however it is written. */
function environmentOf(baseUrl: unknown): AssetEnvironment | undefined {
  const url = typeof baseUrl === 'string' ? parsedUrl(baseUrl) : undefined;
  // The dot of a fully qualified name leads to the same host.
  const origin = url?.origin.replace(/\.(?=:|$)/, '');
  return Object.keys(ORIGINS)
    .filter(isEnvironment)
    .find((name) => ORIGINS[name] === origin);
}

/** What is wrong with the tokens that are to be fetched at boot, beside the other options. */
function problemAtBoot(options: Partial<AssetAuthOptions>, undeclaredScopes: unknown): string | undefined {
  const { startup, scopes: defaults, allowedScopes } = options;
  const { mode, requests } = startupPlan(startup);
  for (const [index, { scopes = defaults }] of requests.entries()) {
    if ((scopes ?? undefined) === undefined && undeclaredScopes === 'deny') {
      return typeof startup === 'object' && startup.requests !== undefined
        ? `request ${index + 1} names no scopes, which undeclaredScopes: 'deny', the default, forbids without default scopes. Name some there, or say undeclaredScopes: 'allow'`
        : `'${mode}' asks for the default token, which undeclaredScopes: 'deny', the default, forbids without default scopes. Name some in the option scopes, or say undeclaredScopes: 'allow'`;
    }
    const beyond = scopes === defaults ? '' : beyondAllowed(scopes, allowedScopes);
    if (beyond !== '') {
      return `allowedScopes lacks ${beyond} of request ${index + 1}. Add it there or leave it out here`;
    }
  }
  return undefined;
}

/** Which scopes the allowed ones lack, quoted; '' where a list is malformed, which is reported by itself. */
function beyondAllowed(
  scopes: AssetScopes | null | undefined,
  allowedScopes: AssetScopes | undefined,
): string {
  if (!wellFormed(scopes) || !wellFormed(allowedScopes)) return '';
  return scopesBeyond(scopeSet(allowedScopes), scopeSet(scopes)).map(quoted).join(', ');
}

function problemOf(option: keyof AssetAuthOptions, problem: string): AssetConfigProblem {
  const variable = environmentVariable(option);
  return { option, ...(variable === undefined ? {} : { variable }), problem };
}

const wellFormed = (scopes: AssetScopes | null | undefined): scopes is AssetScopes =>
  scopes !== undefined && scopes !== null && scopesProblem(scopes) === undefined;
