// What a method returned goes on working in its scope after the method has returned.

import { AsyncResource } from 'node:async_hooks';
import { types } from 'node:util';
import { StreamableFile } from '@nestjs/common';
import { from, Observable, takeWhile } from 'rxjs';
import { isLazyThenable, lazyThenableWithin } from './lazy-thenable.js';
import { runInScope, type ScopeInForce } from './scope-context.js';

/**
 * A method's result that works in `scope`: promises and other thenables and what they answer, Observables, streams (`Readable`,
 * `StreamableFile`, web `ReadableStream`, `Response`) and generators. Any other value is handed on as it is, also an
 * object to iterate over: several callers may share it, each with a scope of its own.
 */
export function resultInScope(scope: ScopeInForce, result: unknown): unknown {
  const answered = (value: unknown): unknown => resultInScope(scope, value);
  if (isLazyThenable(result)) return lazyThenableWithin(result, (fn) => runInScope(scope, fn), answered);
  if (types.isPromise(result)) return result.then(answered);
  // By its methods, and through `from`, since it may be an Observable of another copy of rxjs.
  if (typeof result === 'object' && result !== null && hasMethods(result, 'lift', 'subscribe')) {
    return observeInScope(scope, () => from(result as Observable<unknown>));
  }
  bindStream(scope, result);
  return result;
}

/**
 * An Observable whose work is done with `scope` in force and whose values are handed on outside of it.
 *
 * - Subscribed to inside: an Observable starts its work then, not when it is made.
 * - Unsubscribed from inside, so that `finalize` sees the scope like the rest of the handler's work.
 * - Handed on through an `AsyncResource` of the subscriber's own context, or the scope would leak into what stands
 *   around it. `AsyncLocalStorage.snapshot()` does the same a hundred times slower on Node 20.
 * - Stopped by `takeWhile` where the source emits while it is being subscribed to: there is nothing to unsubscribe yet.
 */
export function observeInScope<T>(scope: ScopeInForce, start: () => Observable<T>): Observable<T> {
  return new Observable<T>((subscriber) => {
    const outside = new AsyncResource('AssetScope');
    const whileWanted = takeWhile<T>(() => !subscriber.closed);
    const subscription = runInScope(scope, () =>
      start()
        .pipe(whileWanted)
        .subscribe({
          next: (value) => {
            bindStream(scope, value);
            outside.runInAsyncScope(() => {
              subscriber.next(value);
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
      runInScope(scope, () => {
        subscription.unsubscribe();
      });
    };
  });
}

/**
 * Makes a stream or a generator do its work in the scope. It is read after the handler has returned, by the HTTP
 * adapter, outside of every scope. It is read once, by one reader, so its methods are replaced on itself.
 */
function bindStream(scope: ScopeInForce, value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  const stream = streamWithin(value);
  if (types.isGeneratorObject(stream)) bindMethods(scope, stream, ['next', 'return', 'throw']);
  // By its methods, as there are copies of the class (`readable-stream`); by two, as services have a `_read`, too.
  else if (hasMethods(stream, '_read', 'pipe')) bindMethods(scope, stream, ['_read', '_destroy']);
  else if (hasMethods(stream, 'getReader', 'pipeTo')) {
    bindMethods(scope, stream, ['getReader'], (reader) => {
      bindMethods(scope, reader as object, ['read', 'cancel']);
    });
  }
}

function streamWithin(value: object): object {
  if (value instanceof StreamableFile) return value.getStream();
  return value instanceof Response ? (value.body ?? value) : value;
}

function hasMethods(target: object, ...names: readonly string[]): boolean {
  return names.every((name) => methodOf(target, name) !== undefined);
}

type Method = (this: unknown, ...args: readonly unknown[]) => unknown;

/** `undefined` as well where a proxy refuses to be asked. */
function methodOf(target: object, name: string): Method | undefined {
  try {
    const found: unknown = Reflect.get(target, name);
    return typeof found === 'function' ? (found as Method) : undefined;
  } catch {
    return undefined;
  }
}

/** Replaces methods of this one object by ones that run in the scope; `also` is told what they answer. */
function bindMethods(
  scope: ScopeInForce,
  target: object,
  names: readonly string[],
  also: (result: unknown) => void = () => {},
): void {
  for (const name of names) {
    const method = methodOf(target, name);
    if (method === undefined) continue;
    // `Reflect`, which does not throw on a frozen object.
    Reflect.defineProperty(target, name, {
      configurable: true,
      writable: true,
      value: function (this: unknown, ...args: readonly unknown[]): unknown {
        const result = runInScope(scope, () => method.call(this, ...args));
        also(result);
        return result;
      },
    });
  }
}
