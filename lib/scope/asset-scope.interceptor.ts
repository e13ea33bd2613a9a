import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  UseInterceptors,
} from '@nestjs/common';
import type { Observable } from 'rxjs';
import { type AssetBusinessError, AssetScopeError } from '../config/asset-auth.errors.js';
import { said } from '../config/plain-object.js';
import { businessIdProblem } from '../config/scope-set.js';
import { quoted } from '../config/text.js';
import { scopeInForce, scopeWith } from './scope-context.js';
import {
  type AssetBusinessSource,
  classOf,
  type Decorate,
  handlerDeclaration,
  isLost,
  nameOfHandler,
} from './scope-metadata.js';
import { AssetBusinessRequestError, unusableBusiness } from './scope.errors.js';
import { observeInScope } from './scoped-result.js';

const HANDLING: unique symbol = Symbol.for('nestjs-asset-auth:handling') as never;

/**
 * Marks the execution context, which all interceptors of one call share, of either copy of this package. The scope keeps the
 * mark and not the context, since it may outlive the request.
 */
type MarkedContext = ExecutionContext & { [HANDLING]?: object };

/**
 * Puts in force what `@AssetScope` and `@AssetBusiness` declare for a handler, while the handler works: in promises,
 * Observables, streams and generators, until the last of them ends. The decorators bind it; binding it by hand or
 * globally as well is harmless, and costs handlers that declare nothing next to nothing.
 *
 * Interceptors bound outside of it, guards, middleware and exception filters see no scope: Nest runs guards and
 * middleware earlier and filters later, and values are handed on outside the scope. Pipes run inside.
 *
 * A handler may answer an object with a `[Symbol.asyncIterator]` of its own. Others may share it, so it is handed on
 * untouched and works outside the scope. A generator over it works inside: `async *list() { yield* this.feed; }`.
 *
 * @example
 * ```ts
 * app.useGlobalInterceptors(new AssetScopeInterceptor()); // not needed where AssetScope is
 * ```
 */
@Injectable()
export class AssetScopeInterceptor implements NestInterceptor {
  /**
   * @throws AssetScopeError `ASSET_SCOPE_INVALID` where it cannot be told which method the handler stands for
   * @throws AssetBusinessError `ASSET_BUSINESS_INVALID`
   * @throws AssetBusinessRequestError `ASSET_BUSINESS_INVALID`, an HTTP 400
   */
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const classRef = context.getClass();
    const handler = context.getHandler();
    if (isLost(classRef, handler)) throw lost(classRef.name);
    const declaration = handlerDeclaration(classRef, handler);
    if (declaration === undefined) return next.handle();

    // Bound on the class and on the method, it runs twice for one call. "In force" and not "seen before": when an outer
    // interceptor retries the handler, the context has been seen, and the scope has to be opened again.
    const marked: MarkedContext = context;
    const handling = (marked[HANDLING] ??= {});
    if (handling === scopeInForce()?.handling) return next.handle();

    const { scope, otherScope, business } = declaration;
    const businessId = business === undefined ? undefined : businessOf(business.source, context);
    // The handler's declaration names one client. For the others the class's counts, as if it were in force around it.
    const ofClass = otherScope && scopeWith(otherScope);
    const inForce = scopeWith({ ...scope, businessId, handling }, ofClass);
    return observeInScope(inForce, () => next.handle());
  }
}

/** What it declares would be lost, and the token be that of its class, or of nobody. */
const lost = (className: string): AssetScopeError =>
  new AssetScopeError(
    `A handler of ${className} cannot be called: its function was replaced on the instance, under another name, so that its @AssetScope and @AssetBusiness are lost. Keep the name of the method on the new function.`,
    'ASSET_SCOPE_INVALID',
  );

/**
 * The business of one call, as `@AssetBusiness` declares it.
 *
 * Nothing at all means that the declaration does not fit the handler: an `AssetBusinessError`, so a 500. Anything else
 * that is no business id came with the request: a 400. It does not quote what a function answered, which may be from
 * anywhere.
 */
function businessOf(source: AssetBusinessSource, context: ExecutionContext): string | null {
  if (source === null) return null;
  const isName = typeof source === 'string';
  const value = isName
    ? said(parametersOf(context) as Readonly<Record<string, unknown>>, source)
    : source(context);
  if (value === undefined) {
    throw misdeclared(
      context,
      isName
        ? `the ${context.getType()} handler has no parameter ${quoted(source)}. Name one that its path or its GraphQL arguments always hold, or pass a function: (context) => businessId`
        : 'its function answered undefined. Answer a business id, or null for explicitly none',
    );
  }
  // Only of a function: in a GraphQL argument, `null` would let the caller widen the token to the whole tenant.
  if (value === null && !isName) return null;
  if (businessIdProblem(value) === undefined) return value as string;
  if (isName) {
    throw new AssetBusinessRequestError(
      `The parameter ${quoted(source)} is not a business id: ${quoted(value)}`,
    );
  }
  if (typeof value !== 'object' || value === null || !('then' in value)) {
    throw new AssetBusinessRequestError('The request does not name a business by a business id');
  }
  // Left alone, its rejection would end the process.
  Promise.resolve(value).catch(() => undefined);
  throw misdeclared(
    context,
    'its function answered a promise. Look the business up earlier, in a guard or in middleware, and read it from the request here',
  );
}

/**
 * Route parameters, GraphQL arguments, or the reference that a federated resolver is to resolve. By index instead of
 * `switchToHttp()`, which answers with the wrong objects outside HTTP: a handler gets (request, response, next), a
 * resolver (parent, arguments, context, info), a resolver of references (reference, context, info).
 */
function parametersOf(context: ExecutionContext): object {
  const type = context.getType<string>();
  let parameters: unknown;
  if (type === 'graphql') parameters = context.getArgByIndex(resolvesReferences(context) ? 0 : 1);
  if (type === 'http')
    parameters = context.getArgByIndex<{ readonly params?: unknown } | undefined>(0)?.params;
  return typeof parameters === 'object' && parameters !== null ? parameters : {};
}

/** `@ResolveReference` of @nestjs/graphql; some drivers hand empty arguments over as well. */
const resolvesReferences = (context: ExecutionContext): boolean =>
  Reflect.hasMetadata('graphql:resolve_reference', context.getHandler()) || context.getArgs().length === 3;

const misdeclared = (context: ExecutionContext, problem: string): AssetBusinessError =>
  unusableBusiness(`@AssetBusiness on ${nameOfHandler(context.getClass(), context.getHandler())}`, problem);

/** Where Nest keeps the interceptors of a class and of a method's function, in Nest 11 and 12. */
const INTERCEPTORS = '__interceptors__';

/**
 * Does the work of {@link AssetScopeInterceptor} for a handler whose function was replaced by a decorator above ours, a
 * timer or a transaction. Nest keeps the interceptors of a method on its function, so there they are lost. It is bound to
 * the class of every method with one of our decorators, and lets all other handlers pass.
 */
@Injectable()
class ReplacedHandlerInterceptor extends AssetScopeInterceptor {
  override intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    // Where the other is bound, it runs in the place that the application gave it among its interceptors.
    const isBound = interceptorsOf(context.getHandler()).includes(AssetScopeInterceptor);
    return isBound ? next.handle() : super.intercept(context, next);
  }
}

/** What `@UseInterceptors` named on a class or a method. */
export const interceptorsOf = (owner: object): readonly object[] =>
  (Reflect.getMetadata(INTERCEPTORS, owner) as readonly object[] | undefined) ?? [];

/** Binds the interceptor to what is decorated; for a method, also the stand-in to its class. */
export const bindInterceptor: Decorate = (...target) => {
  const bind: Decorate = UseInterceptors(AssetScopeInterceptor);
  bind(...target);
  const classRef = classOf(target[0]);
  const bound = interceptorsOf(classRef);
  if (bound.includes(AssetScopeInterceptor)) {
    // On the class, it runs for all handlers.
    const others = bound.filter((interceptor) => interceptor !== ReplacedHandlerInterceptor);
    Reflect.defineMetadata(INTERCEPTORS, others, classRef);
  } else if (classRef !== target[0] && !bound.includes(ReplacedHandlerInterceptor)) {
    const bindToClass: Decorate = UseInterceptors(ReplacedHandlerInterceptor);
    bindToClass(classRef);
  }
};
