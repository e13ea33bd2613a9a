// Thenables that begin their work when `then` is called, such as the queries of a query builder.

import { AsyncResource } from 'node:async_hooks';
import { types } from 'node:util';

/** Runs a function in a scope. */
type Within = <T>(fn: () => T) => T;

type Method = (this: unknown, ...args: unknown[]) => unknown;

const CALLBACKS: ReadonlySet<string | symbol> = new Set(['then', 'catch', 'finally']);

/** Whether the value has a `then` of its own, which may begin the work. A promise began before it was returned. */
export function isLazyThenable(value: unknown): value is object {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const then = thenOf(value);
  return typeof then === 'function' && !(types.isPromise(value) && isNative(then));
}

/** `undefined` as well where a proxy refuses to be asked. */
function thenOf(value: object): unknown {
  try {
    return Reflect.get(value, 'then');
  } catch {
    return undefined;
  }
}

const NATIVE_THEN = /^function then\(\) \{\s*\[native code\]\s*\}$/;

/** Also of the `Promise` of another realm. */
const isNative = (then: object): boolean =>
  then === Promise.prototype.then || NATIVE_THEN.test(Function.prototype.toString.call(then));

/**
 * The thenable whose methods run within a scope, so that its work does; what they answer works there, too. What is given
 * to `then`, `catch` and `finally` runs where they are called. A proxy, and not new methods on the thenable itself, since
 * several callers may share it, each with a scope of its own. Its methods see the thenable as `this`, with its private
 * fields.
 *
 * @param within - runs a function in the scope
 * @param answered - is told each value that the thenable answers, and may replace it
 */
export function lazyThenableWithin<T extends object>(
  thenable: T,
  within: Within,
  answered: (value: unknown) => unknown = (value) => value,
): T {
  const wrap = (result: unknown): unknown => {
    if (result === thenable) return proxy;
    return isLazyThenable(result) ? lazyThenableWithin(result, within, answered) : result;
  };
  const proxy: T = new Proxy(isFixed(thenable, 'then') ? standInFor(thenable) : thenable, {
    get: (target, key) => {
      const found: unknown = Reflect.get(thenable, key, thenable);
      if (typeof found !== 'function' || key === 'constructor' || isFixed(target, key)) return found;
      return function (this: unknown, ...args: unknown[]): unknown {
        const self = this === proxy ? thenable : this;
        const given = CALLBACKS.has(key) ? callbacks(key, args, answered) : args;
        return wrap(within(() => (found as Method).apply(self, given)));
      };
    },
    set: (_target, key, value) => Reflect.set(thenable, key, value),
  });
  return proxy;
}

/** As they are called outside of the scope. */
function callbacks(
  key: string | symbol,
  args: readonly unknown[],
  answered: (value: unknown) => unknown,
): unknown[] {
  return args.map((callback, index) => {
    if (typeof callback !== 'function') return callback;
    const outside = AsyncResource.bind(callback as (...values: readonly unknown[]) => unknown);
    return key === 'then' && index === 0 ? (value: unknown) => outside(answered(value)) : outside;
  });
}

/** Of such a property a proxy must answer the very value. */
function isFixed(target: object, key: string | symbol): boolean {
  const descriptor = Object.getOwnPropertyDescriptor(target, key);
  return descriptor !== undefined && !descriptor.configurable && descriptor.writable !== true;
}

/** An object of the same class, for one that is frozen. */
const standInFor = <T extends object>(thenable: T): T =>
  Object.create(Object.getPrototypeOf(thenable) as object | null) as T;
