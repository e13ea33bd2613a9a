import { AsyncResource } from 'node:async_hooks';
import { Observable, type Subscriber } from 'rxjs';
import { runInScope, type ScopeStore } from './scope-context.js';
import { StreamableFile } from '@nestjs/common';
import { types } from 'node:util';

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

/**
 * A streamed value that works in a scope, to hand on in place of the one given. A stream does its work when it is read,
 * and it is read after the handler has returned, by the HTTP adapter, outside of every scope: a generator behind a
 * `StreamableFile` would call Asset without one.
 *
 * Covers `Readable`, `StreamableFile`, generators and other async iterables, web `ReadableStream` and `Response`: what
 * Nest sends as a streamed body. Anything else comes back as it is. A stream is read once, by one reader, so the methods
 * that make it work are replaced on itself; what can be iterated over again is not touched ({@link iterableInScope}).
 */
export function streamInScope<T>(scope: ScopeStore, value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  const stream = streamWithin(value);
  if (isReadable(stream)) bindMethods(scope, stream, ['_read', '_destroy']);
  else if (isReadableStream(stream)) bindReaders(scope, stream);
  else return iterableInScope(scope, value) as T;
  return value;
}

function streamWithin(value: object): object {
  if (value instanceof StreamableFile) return value.getStream();
  return value instanceof Response ? (value.body ?? value) : value;
}

/** By its methods, as there are copies of the class (`readable-stream`); by two, as others have a method `_read`, too. */
function isReadable(stream: object): boolean {
  return methodOf(stream, '_read') !== undefined && methodOf(stream, 'pipe') !== undefined;
}

function isReadableStream(stream: object): boolean {
  return methodOf(stream, 'getReader') !== undefined && methodOf(stream, 'pipeTo') !== undefined;
}

function bindReaders(scope: ScopeStore, stream: object): void {
  bindMethods(scope, stream, ['getReader'], (reader) => {
    bindMethods(scope, reader as object, ['read', 'cancel']);
  });
}

/** What the reader of an iterator calls. */
const STEPS = ['next', 'return', 'throw'] as const;

/**
 * Something to iterate over whose iterations work in the scope; anything else as it is.
 *
 * A generator is one iteration, so it is changed itself. Any other object may be shared: an injectable with
 * `[Symbol.asyncIterator]` is handed out to many callers at once, each with a scope of its own. So it is left as it is,
 * and its reader gets a view of it. A collection that is iterated over at once, such as an array, needs neither.
 */
export function iterableInScope(scope: ScopeStore, value: object): unknown {
  if (types.isGeneratorObject(value) || isItsOwnIterator(scope, value)) return iteratorInScope(scope, value);
  if (methodOf(value, Symbol.asyncIterator) === undefined) return value;
  const iterate = (method: Method): unknown => runInScope(scope, () => method.call(value));
  return view(value, (key, method) =>
    key === Symbol.asyncIterator ? () => iteratorInScope(scope, iterate(method)) : undefined,
  );
}

function iteratorInScope(scope: ScopeStore, iterator: unknown): unknown {
  // Whoever iterates says what is wrong with it.
  if (typeof iterator !== 'object' || iterator === null) return iterator;
  if (types.isGeneratorObject(iterator)) {
    bindMethods(scope, iterator, STEPS);
    return iterator;
  }
  return view(iterator, (key, method, itself) => {
    if (STEPS.some((step) => step === key)) {
      return (...args) => runInScope(scope, () => method.call(iterator, ...args));
    }
    if (key !== Symbol.asyncIterator && key !== Symbol.iterator) return undefined;
    return () => {
      const answer = method.call(iterator);
      return answer === iterator ? itself : iteratorInScope(scope, answer);
    };
  });
}

/** Asked only of what could be one, since to be asked may be work: an object with a `next` may also be a page of a list. */
function isItsOwnIterator(scope: ScopeStore, value: object): boolean {
  if (methodOf(value, 'next') === undefined) return false;
  return [Symbol.asyncIterator, Symbol.iterator].some((symbol) => {
    const method = methodOf(value, symbol);
    try {
      return method !== undefined && runInScope(scope, () => method.call(value)) === value;
    } catch {
      return false;
    }
  });
}

type Replacement = (key: PropertyKey, method: Method, itself: object) => Method | undefined;

/**
 * The object as it is, but for the methods that are replaced. Its methods still run on the object itself: on the view,
 * those that read a private field would fail.
 */
function view(object: object, replacement: Replacement): object {
  const itself: object = new Proxy(object, {
    get: (target, key) => {
      const found: unknown = Reflect.get(target, key, target);
      if (typeof found !== 'function' || key === 'constructor' || isFixed(target, key)) return found;
      const replaced = replacement(key, found as Method, itself);
      if (replaced !== undefined) return replaced;
      return new Proxy(found, {
        apply: (method, self: unknown, args: unknown[]): unknown =>
          Reflect.apply(method, self === itself ? target : self, args),
      });
    },
    set: (target, key, value) => Reflect.set(target, key, value, target),
  });
  return itself;
}

/** A property that a proxy has to show as it is. What is frozen stays without a scope. */
function isFixed(target: object, key: PropertyKey): boolean {
  const own = Reflect.getOwnPropertyDescriptor(target, key);
  return own?.configurable === false && own.writable === false;
}

export type Method = (this: unknown, ...args: readonly unknown[]) => unknown;

/** The method of this name, if there is one. A proxy may refuse to be asked, and is then none of our business. */
export function methodOf(target: object, name: PropertyKey): Method | undefined {
  try {
    const found: unknown = Reflect.get(target, name);
    return typeof found === 'function' ? (found as Method) : undefined;
  } catch {
    return undefined;
  }
}

/** Replaces methods of this one object by ones that run in the scope; `also` is told what they answer. */
export function bindMethods(
  scope: ScopeStore,
  target: object,
  names: readonly PropertyKey[],
  also: (result: unknown) => void = () => {},
): void {
  for (const name of names) {
    const method = methodOf(target, name);
    if (method === undefined) continue;
    // `Reflect`, since a frozen value is none of our business and no reason to fail.
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
