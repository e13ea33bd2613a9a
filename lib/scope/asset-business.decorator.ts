import { quoted } from '../config/text.js';
import { bindInterceptor } from './asset-scope.interceptor.js';
import { type AssetBusinessSource, declare, type Decorate, decoratedTarget } from './scope-metadata.js';
import { unusableBusiness } from './scope.errors.js';

/**
 * The one business that a handler's token is for. On a class: the default of its handlers. On a method: that handler's,
 * in place of the class's. `null`: explicitly none, for a tenant-level path under a class that declares one.
 *
 * A string names a route parameter or, in a resolver, a GraphQL argument; on a `@ResolveReference`, a field of the
 * reference. A function finds it anywhere else, and is
 * needed in microservice and gateway handlers. It runs after guards and before pipes, and answers at once: a business
 * that has to be looked up belongs in a guard, which puts it on the request.
 *
 * A value in the request that is no business id is answered with 400 before the handler runs
 * (`AssetBusinessRequestError`). A parameter that does not exist and a function that answers `undefined` fail with
 * `AssetBusinessError`, so that no token is ever broader than was meant.
 *
 * @example
 * `@AssetBusiness('businessId') @Get(':businessId') list() {}`, or with a function, `@AssetBusiness(fromMessage)`:
 * ```ts
 * const fromMessage = (context: ExecutionContext) => context.switchToRpc().getData<Message>().businessId;
 * ```
 * @throws AssetBusinessError `ASSET_BUSINESS_INVALID` where it is written, if it names nothing
 */
export function AssetBusiness(source: AssetBusinessSource): MethodDecorator & ClassDecorator {
  return (...target: Parameters<Decorate>): void => {
    const { name, owner } = decoratedTarget(...target);
    const at = `@AssetBusiness on ${name}`;
    if (owner === undefined) throw unusableBusiness(at, 'it belongs on a class or on a method');
    const problem = sourceProblem(source);
    if (problem !== undefined) throw unusableBusiness(at, problem);
    declare('business', { source }, owner, ...target);
    bindInterceptor(...target);
  };
}

function sourceProblem(source: unknown): string | undefined {
  if (source === null || typeof source === 'function') return undefined;
  if (typeof source === 'string' && source.startsWith(':')) {
    return `name the parameter without the colon: ${quoted(source.slice(1))}`;
  }
  if (typeof source === 'string' && source !== '') return undefined;
  return `it takes the name of a parameter, a function, or null for explicitly none, not ${quoted(source)}`;
}
