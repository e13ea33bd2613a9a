import { quoted } from '../config/printable.js';
import { type AssetScopes, type ScopeSet, scopeSet, scopesProblem } from '../config/scope-set.js';

/** What a decorator that takes scopes was given, checked and in normal form; `problem`: why it cannot be used. */
export type ScopeArguments =
  | {
      readonly scopes: ScopeSet | null;
      readonly options: ReadonlyMap<string, unknown>;
      readonly problem?: never;
    }
  | { readonly problem: string };

/** Reads `('a', 'b', options?)`, `(['a', 'b'], options?)` or `(null, options?)`. */
export function scopeArguments(args: readonly unknown[], optionNames: readonly string[]): ScopeArguments {
  const last = args.at(-1);
  const hasOptions = typeof last === 'object' && last !== null && !Array.isArray(last);
  const options = new Map<string, unknown>(hasOptions ? Object.entries(last) : []);
  for (const name of options.keys()) {
    if (!optionNames.includes(name)) {
      return { problem: `there is no option ${quoted(name)}, only ${optionNames.join(', ')}` };
    }
  }
  const scopes = hasOptions ? args.slice(0, -1) : args;
  if (scopes.length === 0) {
    return { problem: 'it names no scope. Name one such as "ledger:read", or null for explicitly none' };
  }
  if (scopes.includes(null)) {
    return scopes.length === 1
      ? { scopes: null, options }
      : { problem: 'null means explicitly none and stands alone' };
  }
  const given: unknown = scopes.length === 1 ? scopes[0] : scopes;
  const problem = scopesProblem(given);
  return problem === undefined ? { scopes: scopeSet(given as AssetScopes), options } : { problem };
}
