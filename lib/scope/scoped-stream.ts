import { StreamableFile } from '@nestjs/common';
import { runInScope, type ScopeStore } from './asset-scope.context.js';

type Methods = Record<PropertyKey, unknown>;
type Method = (this: unknown, ...args: readonly unknown[]) => unknown;

/**
 * Binds a streamed value to a scope. A stream does its work when it is read, and it is read after the handler has
 * returned, by the HTTP adapter, outside of every scope: a generator behind a `StreamableFile` would call Asset without
 * one. So the methods that make it work are replaced, on this one object, by ones that run in the scope.
 *
 * Covers `Readable`, `StreamableFile`, generators and other async iterables, web `ReadableStream` and `Response`: what
 * Nest sends as a streamed body. Anything else is left alone.
 */
export function bindStream(scope: ScopeStore, value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  const source: unknown =
    value instanceof StreamableFile
      ? value.getStream()
      : value instanceof Response
        ? (value.body ?? value)
        : value;
  const stream = source as Methods;
  if (typeof stream._read === 'function') {
    bind(scope, stream, ['_read', '_destroy']);
  } else if (typeof stream.getReader === 'function') {
    bind(scope, stream, ['getReader'], (reader) => {
      bind(scope, reader as Methods, ['read', 'cancel']);
    });
  } else if (
    typeof stream[Symbol.asyncIterator] === 'function' ||
    typeof stream[Symbol.iterator] === 'function'
  ) {
    bindIterable(scope, stream);
  }
}

/** A generator is its own iterator; any other async iterable makes one when it is asked. */
function bindIterable(scope: ScopeStore, iterable: Methods): void {
  const bindIterator = (iterator: unknown): void => {
    bind(scope, iterator as Methods, ['next', 'return', 'throw']);
  };
  if (typeof iterable.next === 'function') bindIterator(iterable);
  else bind(scope, iterable, [Symbol.asyncIterator], bindIterator);
}

function bind(
  scope: ScopeStore,
  target: Methods,
  names: readonly PropertyKey[],
  also: (result: unknown) => void = () => {},
): void {
  for (const name of names) {
    const method = target[name];
    if (!isMethod(method)) continue;
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

function isMethod(value: unknown): value is Method {
  return typeof value === 'function';
}
