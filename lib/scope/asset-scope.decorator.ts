import {
  type AssetScopeName,
  type AssetScopes,
  scopeSet,
  type ScopeSet,
  scopesProblem,
} from '../config/scope-set.js';
import { quoted } from '../config/text.js';
import { bindInterceptor } from './asset-scope.interceptor.js';
import { declare, type Decorate, decoratedTarget } from './scope-metadata.js';
import { unusableScope } from './scope.errors.js';

/**
 * The scopes that a handler's calls to Asset ask for. On a class: the default of its handlers. On a method: that
 * handler's, in place of the class's. `null`: explicitly none, an error, or with `undeclaredScopes: 'allow'` all
 * that the client may. Where it is written twice on one class or method the upper one holds, as with Nest's own metadata.
 *
 * It binds {@link AssetScopeInterceptor} by itself, so it works wherever Nest runs interceptors: routes, GraphQL queries
 * and mutations, messages of microservices and gateways. GraphQL field resolvers need
 * `fieldResolverEnhancers: ['interceptors']`. `@Cron`, `@OnEvent`, queue workers and plain methods need
 * `@RunWithAssetScope`; so does a handler that other code calls as an ordinary method. As with all metadata in Nest,
 * subclasses inherit what stands on the class, and an overriding method does not inherit what stands on the method.
 *
 * @example
 * `@AssetScope('ledger:read', 'ledger:create') @Post() create() {}`
 * @throws AssetScopeError `ASSET_SCOPE_INVALID` where it is written: a malformed scope, an empty list, no scope at all
 * @see RFC 6749 §3.3 for what a scope may look like
 */
export function AssetScope(
  scope: AssetScopeName,
  ...more: AssetScopeName[]
): MethodDecorator & ClassDecorator;
export function AssetScope(
  ...scopesThenOptions: [AssetScopeName, ...AssetScopeName[], AssetScopeOptions]
): MethodDecorator & ClassDecorator;
export function AssetScope(
  scopes: readonly AssetScopeName[] | null,
  options?: AssetScopeOptions,
): MethodDecorator & ClassDecorator;
export function AssetScope(...args: unknown[]): MethodDecorator & ClassDecorator {
  return (...target: Parameters<Decorate>): void => {
    const { name, owner } = decoratedTarget(...target);
    const at = `@AssetScope on ${name}`;
    if (owner === undefined) throw unusableScope(at, 'it belongs on a class or on a method');
    const { scopes, option: client } = scopeArguments(at, args, 'client');
    if (client !== undefined && (typeof client !== 'string' || client === '')) {
      throw unusableScope(at, `the option client is the name of a client, not ${quoted(client)}`);
    }
    declare('scope', { scopes, client }, owner, ...target);
    bindInterceptor(...target);
  };
}

/** What {@link AssetScope} takes after the scopes. */
export interface AssetScopeOptions {
  /** Only calls through the client of this name get the scopes, where there are several clients. */
  readonly client?: string | undefined;
}

/**
 * Reads `('a', 'b', options?)`, `(['a', 'b'], options?)` or `(null, options?)`, for this decorator and for
 * `@RunWithAssetScope`. Each of them has one option.
 *
 * @throws AssetScopeError `ASSET_SCOPE_INVALID`
 */
export function scopeArguments(
  at: string,
  args: readonly unknown[],
  optionName: string,
): { readonly scopes: ScopeSet | null; readonly option: unknown } {
  const last = args.at(-1);
  const hasOptions = typeof last === 'object' && last !== null && !Array.isArray(last);
  const options = new Map<string, unknown>(hasOptions ? Object.entries(last) : []);
  const unknown = [...options.keys()].find((name) => name !== optionName);
  if (unknown !== undefined)
    throw unusableScope(at, `there is no option ${quoted(unknown)}, only ${optionName}`);
  const option = options.get(optionName);
  const scopes = hasOptions ? args.slice(0, -1) : args;
  if (scopes.length === 0) {
    throw unusableScope(at, 'it names no scope. Name one such as "ledger:read", or null for explicitly none');
  }
  if (scopes.length === 1 && scopes[0] === null) return { scopes: null, option };
  if (scopes.includes(null)) throw unusableScope(at, 'null means explicitly none and stands alone');
  const given = (scopes.length === 1 ? scopes[0] : scopes) as AssetScopes;
  const problem = scopesProblem(given);
  if (problem !== undefined) throw unusableScope(at, problem);
  return { scopes: scopeSet(given), option };
}
