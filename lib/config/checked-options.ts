import { validateSync } from 'class-validator';
import {
  ASSET_AUTH_OPTION_NAMES,
  type AssetAuthOptions,
  AssetAuthOptionsShape,
} from './asset-auth.options.js';
import { AssetConfigError, type AssetConfigProblem } from './config.errors.js';
import { described, printable, quoted } from './printable.js';
import { scopesBeyond, scopeSet, scopesProblem, type AssetScopes } from './scope-set.js';

/**
 * The options that were said, copied: `undefined` means "not said here", and what was checked is what is used, whatever
 * a getter answers the next time.
 *
 * @throws AssetConfigError naming every problem at once, each option by itself and then between options
 */
export function checkedOptions(given: unknown): AssetAuthOptions {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    const problem = `must be an object, not ${described(given)}. Did a factory forget to return?`;
    throw new AssetConfigError([{ option: 'options', problem }]);
  }
  const options = knownOptions(given);
  const problems = [...unknownOptions(given), ...problemsOfEach(options), ...problemsBetween(options)];
  if (problems.length > 0) throw new AssetConfigError(problems);
  return options;
}

function knownOptions(given: object): AssetAuthOptions {
  const options: Record<string, unknown> = {};
  for (const name of ASSET_AUTH_OPTION_NAMES) {
    const value: unknown = (given as Record<string, unknown>)[name];
    if (value !== undefined) options[name] = shallowCopy(value);
  }
  return Object.assign(new AssetAuthOptionsShape(), options);
}

/** Shallow, since the agents and signals within `http` are themselves what is meant. */
function shallowCopy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Array.isArray(value) ? [...(value as unknown[])] : { ...value };
}

function unknownOptions(given: object): AssetConfigProblem[] {
  const known: readonly string[] = ASSET_AUTH_OPTION_NAMES;
  return Object.keys(given)
    .filter((name) => !known.includes(name))
    .map((name) => ({
      option: printable(name, 80),
      problem: `is not an option. The options are ${known.join(', ')}`,
    }));
}

function problemsOfEach(options: AssetAuthOptions): AssetConfigProblem[] {
  // By default class-validator keeps the object and its values, and thus the secret, in its errors.
  const errors = validateSync(options, { validationError: { target: false, value: false } });
  return errors.map(({ property, constraints = {} }) => ({
    option: property,
    problem: Object.values(constraints).join('; '),
  }));
}

function problemsBetween(options: AssetAuthOptions): AssetConfigProblem[] {
  const problems: AssetConfigProblem[] = [];
  if (options.environment === undefined && options.baseUrl === undefined) {
    problems.push({
      option: 'environment',
      problem:
        "is missing. Say 'sandbox' or 'production' (their credentials are separate), or give a baseUrl",
    });
  }
  const { scopes, allowedScopes } = options;
  if (wellFormed(scopes) && wellFormed(allowedScopes)) {
    const beyond = scopesBeyond(scopeSet(allowedScopes), scopeSet(scopes));
    if (beyond.length > 0) {
      problems.push({
        option: 'scopes',
        problem: `allowedScopes lacks ${beyond.map(quoted).join(', ')}. Add it there or leave it out here`,
      });
    }
  }
  const fetchesAtBoot = options.startup === 'warm' || options.startup === 'required';
  if (fetchesAtBoot && options.undeclaredScopes === 'deny' && scopes === undefined) {
    problems.push({
      option: 'startup',
      problem: `'${options.startup}' asks for the default token, which undeclaredScopes: 'deny' forbids without default scopes. Name some in the option scopes`,
    });
  }
  return problems;
}

const wellFormed = (scopes: AssetScopes | undefined): scopes is AssetScopes =>
  scopes !== undefined && scopesProblem(scopes) === undefined;
