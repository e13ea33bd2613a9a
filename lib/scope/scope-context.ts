// The scopes and the business in force for the code that runs now, carried by `AsyncLocalStorage`.

import { AsyncLocalStorage } from 'node:async_hooks';
import { AssetScopeError } from '../config/asset-auth.errors.js';
import { isPlainObject, said, unknownName } from '../config/plain-object.js';
import { type AssetScopes, checkedBusinessId, type ScopeSet, scopeSet } from '../config/scope-set.js';
import { quoted } from '../config/text.js';
import { isLazyThenable, lazyThenableWithin } from './lazy-thenable.js';

/**
 * The scopes and the business in force, for code that no decorator reaches.
 *
 * Carried by `AsyncLocalStorage`: promises, timers and event handlers started inside see it too. Guards,
 * middleware and exception filters run outside a handler's scope.
 *
 * @example
 * ```ts
 * const ledger = await AssetScopeContext.run({ scopes: ['ledger:read'], businessId }, () => this.ledgers.find(id));
 * ```
 */
export class AssetScopeContext {
  /**
   * Runs `fn` with scopes, a business or both in force and returns its result. What is not named is inherited from the
   * enclosing context, scopes and business independently of each other.
   *
   * A promise keeps the scope by itself, and a thenable that begins its work when it is awaited, such as a query, gets it
   * then. An Observable stays cold: what it does when it is subscribed to outside runs
   * outside. The verbs of `AssetHttpService` are safe, they take the scope when they are called.
   *
   * @throws AssetScopeError `ASSET_SCOPE_INVALID`
   * @throws AssetBusinessError `ASSET_BUSINESS_INVALID`
   */
  static run<T>(scope: AssetScopeContextInput, fn: () => T): T {
    // A misspelled `scope: 'x'` would otherwise run with whatever is in force outside, or with the full grant.
    if (!isPlainObject(scope))
      throw notUnderstood('takes a plain object, no promise and no instance of a class');
    const unknown = unknownName(scope, KNOWN_NAMES);
    if (unknown !== undefined) throw notUnderstood(`does not know ${quoted(unknown)}`);
    const [scopes, businessId] = [said(scope, 'scopes'), said(scope, 'businessId')];
    const inForce = scopeWith({
      scopes: scopes === undefined || scopes === null ? scopes : scopeSet(scopes),
      businessId:
        businessId === undefined || businessId === null ? businessId : checkedBusinessId(businessId),
    });
    const result = runInScope(inForce, fn);
    return isLazyThenable(result) ? lazyThenableWithin(result, (work) => runInScope(inForce, work)) : result;
  }

  /** What is in force here, frozen; `undefined` where nothing is. */
  static current(): AssetScopeInForce | undefined {
    const { scopes, scopesClient, businessId } = storage.getStore() ?? {};
    if (scopes === undefined && businessId === undefined) return undefined;
    return Object.freeze({
      ...(scopes !== undefined && { scopes }),
      ...(scopesClient !== undefined && { client: scopesClient }),
      ...(businessId !== undefined && { businessId }),
    });
  }
}

const KNOWN_NAMES = ['scopes', 'businessId'];

const notUnderstood = (problem: string): AssetScopeError =>
  new AssetScopeError(
    `AssetScopeContext.run() ${problem}. It takes { scopes, businessId }.`,
    'ASSET_SCOPE_INVALID',
  );

/** What {@link AssetScopeContext.run} puts in force. What is left out or `undefined` stays as it is outside. */
export interface AssetScopeContextInput {
  /** One scope or a list; `null`: explicitly none, an error, or with `undeclaredScopes: 'allow'` all that the client may. */
  readonly scopes?: AssetScopes | null | undefined;
  /** A business id; `null`: explicitly none, so a token for the whole tenant. */
  readonly businessId?: string | null | undefined;
}

/** What {@link AssetScopeContext.current} answers. */
export interface AssetScopeInForce {
  readonly scopes?: ScopeSet | null;
  /** The one named client that the scopes apply to; absent: every client. */
  readonly client?: string;
  readonly businessId?: string | null;
}

/**
 * What the storage holds; `undefined` is "not said", `null` is "explicitly none". Plain, since the ESM and the CJS copy
 * of this package share it.
 */
export interface ScopeInForce {
  readonly scopes: ScopeSet | null | undefined;
  /** The one client that the scopes are meant for; `undefined`: every client. */
  readonly scopesClient: string | undefined;
  /** What is in force for the other clients, where the scopes are meant for one. */
  readonly otherScopes: ScopeSet | null | undefined;
  readonly businessId: string | null | undefined;
  /** Which handler call opened it. No reference to the request, which a pooled socket would otherwise keep alive. */
  readonly handling: object | undefined;
}

const STORAGE: unique symbol = Symbol.for('nestjs-asset-auth:scope-context') as never;

const shared = globalThis as typeof globalThis & { [STORAGE]?: AsyncLocalStorage<ScopeInForce> };

/** The library's only process-wide state, but for marks on functions. On `globalThis`, so that two copies of the package see one scope. */
const storage = (shared[STORAGE] ??= new AsyncLocalStorage<ScopeInForce>());

/** One look at the storage; nothing is allocated. */
export function scopeInForce(): ScopeInForce | undefined {
  return storage.getStore();
}

/** Runs `fn` with `scope` in force. */
export function runInScope<T>(scope: ScopeInForce, fn: () => T): T {
  return storage.run(scope, fn);
}

/** What would be in force with these values said; what is `undefined` is inherited from `outer`. */
export function scopeWith(
  { scopes, client: scopesClient, businessId, handling }: SaidScope,
  outer: ScopeInForce | undefined = storage.getStore(),
): ScopeInForce {
  return {
    scopes: scopes === undefined ? outer?.scopes : scopes,
    scopesClient: scopes === undefined ? outer?.scopesClient : scopesClient,
    otherScopes: scopes === undefined ? outer?.otherScopes : scopesForOthers(scopesClient, outer),
    businessId: businessId === undefined ? outer?.businessId : businessId,
    handling: handling ?? outer?.handling,
  };
}

/** What a decorator or a context says. */
interface SaidScope {
  readonly scopes?: ScopeSet | null | undefined;
  /** The one client that the scopes are meant for. */
  readonly client?: string | undefined;
  readonly businessId?: string | null | undefined;
  readonly handling?: object;
}

/** What clients other than the named one still get, from outside. */
function scopesForOthers(
  named: string | undefined,
  outer: ScopeInForce | undefined,
): ScopeSet | null | undefined {
  if (named === undefined || outer === undefined) return undefined;
  return outer.scopesClient === undefined ? outer.scopes : outer.otherScopes;
}
