import { StreamableFile } from '@nestjs/common';
import { type ScopeStore } from './asset-scope.context.js';
import { iterableInScope } from './scoped-iteration.js';
import { bindMethods, methodOf } from './scoped-methods.js';

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
