import { AssetBusinessError } from '../config/asset-auth.errors.js';
import { quoted } from '../config/text.js';
import { AssetScopeInterceptor } from './asset-scope.interceptor.js';
import { type AssetBusinessSource, declare, bindInterceptor, decoratedTarget } from './scope-metadata.js';
import type { ExecutionContext } from '@nestjs/common';
import { businessIdProblem } from '../config/scope-set.js';
import { AssetBusinessRequestError } from './scope.errors.js';

/**
 * The one business that a handler's token is for. On a class: the default of its handlers. On a method: that handler's,
 * in place of the class's. `null`: explicitly none, for a tenant-level path under a class that declares one.
 *
 * A string names a route parameter or, in a resolver, a GraphQL argument. A function finds it anywhere else, and is
 * needed in microservice and gateway handlers. It runs after guards and before pipes, and answers at once: a business
 * that has to be looked up belongs in a guard, which puts it on the request.
 *
 * A value in the request that is no business id is answered with 400 before the handler runs
 * (`AssetBusinessRequestError`). A parameter that does not exist and a function that answers `undefined` fail with
 * `AssetBusinessError`, so that no token is ever broader than was meant.
 *
 * @example
 * ```ts
 * @Controller('businesses/:businessId/ledgers')
 * @AssetBusiness('businessId')
 * export class LedgersController {
 *   @MessagePattern('ledgers')
 *   @AssetBusiness((context) => context.switchToRpc().getData<{ businessId: string }>().businessId)
 *   list() {}
 * }
 * ```
 * @throws AssetBusinessError `ASSET_BUSINESS_INVALID` where it is written, if it names nothing
 */
export function AssetBusiness(source: AssetBusinessSource): MethodDecorator & ClassDecorator {
  return (target: object, key?: string | symbol, descriptor?: PropertyDescriptor): void => {
    const { name, owner } = decoratedTarget(target, key, descriptor);
    const problem = owner === undefined ? 'it belongs on a class or on a method' : sourceProblem(source);
    if (owner === undefined || problem !== undefined) {
      throw new AssetBusinessError(
        `@AssetBusiness on ${name} cannot be used: ${String(problem)}.`,
        'ASSET_BUSINESS_INVALID',
      );
    }
    declare('business', { source }, owner);
    bindInterceptor(AssetScopeInterceptor, target, key, descriptor);
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

/**
 * The business of one handler call.
 *
 * Whose fault a bad value is decides the error. Nothing at all means that the declaration does not fit the handler: an
 * `AssetBusinessError`, so a 500. Anything else that is no business id came with the request: a 400. What a function
 * answered is not quoted in it, since nobody knows where the function has it from.
 *
 * @throws AssetBusinessError `ASSET_BUSINESS_INVALID`
 * @throws AssetBusinessRequestError `ASSET_BUSINESS_INVALID`
 */
export function resolveBusiness(source: AssetBusinessSource, context: ExecutionContext): string | null {
  if (source === null) return null;
  return typeof source === 'string' ? fromParameter(source, context) : fromFunction(source, context);
}

function fromParameter(name: string, context: ExecutionContext): string {
  const value = parametersOf(name, context)?.[name];
  if (value === undefined) {
    throw misdeclared(
      context,
      `the handler has no parameter ${quoted(name)}. Name one that its path or its arguments always hold, or pass a function`,
    );
  }
  // `null` too: in a GraphQL argument it would otherwise let the caller widen the token to the whole tenant.
  if (businessIdProblem(value) !== undefined) {
    throw new AssetBusinessRequestError(
      `The parameter ${quoted(name)} is not a business id: ${quoted(value)}`,
    );
  }
  return value as string;
}

/**
 * Route parameters, or GraphQL arguments. By index instead of `switchToHttp()`, which answers with the wrong objects
 * outside HTTP: a handler gets (request, response, next), a resolver (parent, arguments, context, info).
 */
function parametersOf(name: string, context: ExecutionContext): Record<string, unknown> | undefined {
  const type = context.getType<string>();
  if (type === 'http') {
    return context.getArgByIndex<{ params?: Record<string, unknown> } | undefined>(0)?.params;
  }
  if (type === 'graphql') return context.getArgByIndex<Record<string, unknown> | undefined>(1);
  throw misdeclared(
    context,
    `a ${quoted(type)} handler has no parameters to find ${quoted(name)} in. Pass a function: (context) => businessId`,
  );
}

function fromFunction(
  source: (context: ExecutionContext) => unknown,
  context: ExecutionContext,
): string | null {
  const value = source(context);
  if (value === null) return null;
  if (value === undefined) {
    throw misdeclared(
      context,
      'its function answered undefined. Answer a business id, or null for explicitly none',
    );
  }
  if (typeof value === 'object' && 'then' in value) {
    // Left alone, its rejection would end the process.
    Promise.resolve(value).catch(() => undefined);
    throw misdeclared(
      context,
      'its function answered a promise. Look the business up earlier, in a guard or in middleware, and read it from the request here',
    );
  }
  if (businessIdProblem(value) !== undefined) {
    throw new AssetBusinessRequestError('The request does not name a business by a business id');
  }
  return value as string;
}

function misdeclared(context: ExecutionContext, problem: string): AssetBusinessError {
  return new AssetBusinessError(
    `@AssetBusiness on ${context.getClass().name}.${context.getHandler().name} cannot be used: ${problem}.`,
    'ASSET_BUSINESS_INVALID',
  );
}
