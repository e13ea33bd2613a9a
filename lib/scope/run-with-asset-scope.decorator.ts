import { type AssetScopeName, businessIdProblem } from '../config/scope-set.js';
import { scopeArguments } from './asset-scope.decorator.js';
import { runInScope, scopeWith } from './scope-context.js';
import { declare, decoratedTarget, isLatest } from './scope-metadata.js';
import { unusableBusiness, unusableScope } from './scope.errors.js';
import { resultInScope } from './scoped-result.js';

/**
 * The scopes, and perhaps the business, that a method works with wherever it is called from: for methods that no
 * interceptor reaches, such as `@Cron`, `@OnEvent`, queue workers and plain providers. What it names wins over what is
 * in force at the caller, an event's emitter for instance; a business it does not name is the caller's.
 *
 * Stands above or below the other decorators: their metadata is kept. Where it is written twice on one method the upper
 * one holds, as with `@AssetScope`. Promises, Observables, streams and generators that the method returns go on working
 * in the scope after it has returned. An object with a `[Symbol.asyncIterator]` of its own does not, since others may
 * share it: return a generator over it.
 *
 * @example
 * `@RunWithAssetScope('report:read') @Cron('0 0 * * *') async nightly() {}`, or with the business of a job,
 * `@RunWithAssetScope('ledger:create', { businessId }) async process(job: Job<Order>) {}`:
 * ```ts
 * const businessId = (job: Job<Order>) => job.data.businessId;
 * ```
 * @throws AssetScopeError `ASSET_SCOPE_INVALID` where it is written
 * @throws AssetBusinessError `ASSET_BUSINESS_INVALID` where it is written, or from the method if the function does not
 * answer a business id or `null`
 */
export function RunWithAssetScope(scope: AssetScopeName, ...more: AssetScopeName[]): MethodDecorator;
export function RunWithAssetScope(
  ...scopesThenOptions: [AssetScopeName, ...AssetScopeName[], RunWithAssetScopeOptions]
): MethodDecorator;
export function RunWithAssetScope(
  scopes: readonly AssetScopeName[] | null,
  options?: RunWithAssetScopeOptions,
): MethodDecorator;
export function RunWithAssetScope(...args: unknown[]): MethodDecorator {
  return (target: object, key: string | symbol, descriptor?: PropertyDescriptor): void => {
    const { name, owner } = decoratedTarget(target, key, descriptor);
    const at = `@RunWithAssetScope on ${name}`;
    if (owner === undefined || descriptor === undefined) throw unusableScope(at, 'it belongs on a method');
    const { scopes, option } = scopeArguments(at, args, 'businessId');
    const business = option as BusinessOfCall;
    if (typeof business !== 'function') businessOfCall(at, business, []);
    const declaration = { scopes, business: business !== undefined && business !== null };
    const method = owner as Method;
    const wrapper: Method = function (...args) {
      // Of two decorators on one method the upper one holds, also where another decorator stands between them.
      if (!isLatest('run', declaration, target, key)) return method.apply(this, args);
      const scope = scopeWith({ scopes, businessId: businessOfCall(at, business, args) });
      const result = runInScope(scope, () => method.apply(this, args));
      return resultInScope(scope, result);
    };
    copyProperties(method, wrapper);
    declare('run', declaration, wrapper, target, key);
    descriptor.value = wrapper;
  };
}

/** What {@link RunWithAssetScope} takes after the scopes. */
export interface RunWithAssetScopeOptions {
  /**
   * The business of the call: an id, a function of the method's arguments, or `null`, explicitly none. Left out, it is
   * that of the caller, if any.
   */
  readonly businessId?: string | null | undefined | ((...args: never[]) => string | null);
}

type Method = (this: unknown, ...args: unknown[]) => unknown;
type BusinessOfCall = string | null | undefined | ((...args: readonly unknown[]) => unknown);

/** Name, length, and whatever other decorators left on the function below; those above find the wrapper. */
function copyProperties(method: Method, wrapper: Method): void {
  const properties = Object.getOwnPropertyDescriptors(method);
  Reflect.deleteProperty(properties, 'prototype');
  Object.defineProperties(wrapper, properties);
  for (const metadataKey of Reflect.getOwnMetadataKeys(method) as unknown[]) {
    Reflect.defineMetadata(metadataKey, Reflect.getOwnMetadata(metadataKey, method), wrapper);
  }
}

function businessOfCall(
  at: string,
  business: BusinessOfCall,
  args: readonly unknown[],
): string | null | undefined {
  if (business === undefined || business === null) return business;
  const value = typeof business === 'function' ? business(...args) : business;
  if (value === null) return value;
  const problem = businessIdProblem(value);
  if (problem !== undefined) throw unusableBusiness(at, problem);
  return value as string;
}
