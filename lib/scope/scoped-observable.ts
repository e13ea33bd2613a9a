import { AsyncResource } from 'node:async_hooks';
import { Observable, type Subscriber } from 'rxjs';
import { runInScope, type ScopeStore } from './asset-scope.context.js';
import { streamInScope } from './scoped-stream.js';

/**
 * An Observable whose work is done with `scope` in force and whose values are handed on outside of it.
 *
 * - Subscribed to inside: an Observable starts its work then, not when it is made.
 * - The subscription is returned, so that a subscriber that leaves (a closed event stream) stops the source, and it
 *   ends inside, so that `finalize` sees the scope like the rest of the handler's work.
 * - Handed on through an `AsyncResource` of the subscriber's own context, or the scope would leak into what stands
 *   around it. `AsyncLocalStorage.snapshot()` does the same a hundred times slower on Node 20.
 *
 * `start` is told the subscriber, for a source that emits while it is being subscribed to and cannot be stopped by a
 * subscription that does not exist yet.
 */
export function observeInScope<T>(
  scope: ScopeStore,
  start: (subscriber: Subscriber<T>) => Observable<T>,
): Observable<T> {
  return new Observable<T>((subscriber) => {
    const outside = new AsyncResource('AssetScope');
    const subscription = runInScope(scope, () =>
      start(subscriber).subscribe({
        next: (value) => {
          const handedOn = streamInScope(scope, value);
          outside.runInAsyncScope(() => {
            subscriber.next(handedOn);
          });
        },
        error: (error: unknown) => {
          outside.runInAsyncScope(() => {
            subscriber.error(error);
          });
        },
        complete: () => {
          outside.runInAsyncScope(() => {
            subscriber.complete();
          });
        },
      }),
    );
    return () => {
      if (subscription.closed) return;
      runInScope(scope, () => {
        subscription.unsubscribe();
      });
    };
  });
}
