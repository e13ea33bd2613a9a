import { type ExecutionContext } from '@nestjs/common';
import { businessIdProblem } from '../config/business-id.js';
import { AssetBusinessError } from '../config/config.errors.js';
import { quoted } from '../config/printable.js';
import { type AssetBusinessSource } from './asset-scope.metadata.js';
import { AssetBusinessRequestError } from './scope.errors.js';

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
