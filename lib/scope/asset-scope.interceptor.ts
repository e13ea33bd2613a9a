import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { handlingInForce, scopeWith } from './scope-context.js';
import { handlerDeclaration } from './scope-metadata.js';
import { resolveBusiness } from './asset-business.decorator.js';
import { observeInScope } from './scoped-result.js';

const HANDLING: unique symbol = Symbol.for('nestjs-asset-auth:handling') as never;

/**
 * Nest's execution context, one for each handler call and shared by all its interceptors, with our token of identity.
 * The scope holds the token and not the context: it lives as long as any socket or timer that was opened in it. A
 * property, since a `WeakMap` costs a microsecond for each call, more than all the rest.
 */
type MarkedContext = ExecutionContext & { [HANDLING]?: object };

/**
 * Puts in force what `@AssetScope` and `@AssetBusiness` declare for a handler, while the handler works: in promises,
 * Observables and streams, until the last of them ends. The decorators bind it; binding it by hand or globally as well
 * is harmless, and costs handlers that declare nothing next to nothing.
 *
 * Interceptors bound outside of it, guards, middleware and exception filters see no scope: Nest runs guards and
 * middleware earlier and filters later, and values are handed on outside the scope. Pipes run inside.
 *
 * @example
 * ```ts
 * @UseInterceptors(AssetScopeInterceptor) // not needed beside @AssetScope
 * @WebSocketGateway()
 * export class LedgersGateway {}
 * ```
 */
@Injectable()
export class AssetScopeInterceptor implements NestInterceptor {
  /**
   * @throws AssetBusinessError `ASSET_BUSINESS_INVALID`
   * @throws AssetBusinessRequestError `ASSET_BUSINESS_INVALID`, an HTTP 400
   */
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const declaration = handlerDeclaration(context.getClass(), context.getHandler());
    if (declaration === undefined) return next.handle();

    // Bound on the class and on the method, it runs twice for one call. "In force" and not "seen before": when an outer
    // interceptor retries the handler, the context has been seen, and the scope has to be opened again.
    const marked: MarkedContext = context;
    const handling = (marked[HANDLING] ??= {});
    if (handling === handlingInForce()) return next.handle();

    const { scope, otherScope, business } = declaration;
    const businessId = business === undefined ? undefined : resolveBusiness(business.source, context);
    const others = otherScope && scopeWith(otherScope.scopes, otherScope.client, undefined);
    const inForce = scopeWith(scope?.scopes, scope?.client, businessId, handling, others);
    return observeInScope(inForce, () => next.handle());
  }
}
