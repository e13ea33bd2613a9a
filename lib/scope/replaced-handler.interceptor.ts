import { type CallHandler, type ExecutionContext, Injectable, UseInterceptors } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { AssetScopeInterceptor } from './asset-scope.interceptor.js';
import { classOf, type Decorate } from './scope-metadata.js';

/** Where Nest keeps the interceptors of a class and of a method's function, in Nest 11 and 12. */
const INTERCEPTORS = '__interceptors__';

/**
 * Does the work of {@link AssetScopeInterceptor} for a handler whose function was replaced by a decorator above ours, a
 * timer or a transaction. Nest keeps the interceptors of a method on its function, so there they are lost. It is bound to
 * the class of every method with one of our decorators, and lets all other handlers pass.
 */
@Injectable()
export class ReplacedHandlerInterceptor extends AssetScopeInterceptor {
  override intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    // Where the other is bound, it runs in the place that the application gave it among its interceptors.
    const isBound = interceptorsOf(context.getHandler()).includes(AssetScopeInterceptor);
    return isBound ? next.handle() : super.intercept(context, next);
  }
}

const interceptorsOf = (owner: object): readonly unknown[] =>
  (Reflect.getMetadata(INTERCEPTORS, owner) as readonly unknown[] | undefined) ?? [];

/** Binds the interceptor where a decorator stands, and for a method its stand-in on the class. */
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
