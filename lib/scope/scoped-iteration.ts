import { types } from 'node:util';
import { runInScope, type ScopeStore } from './asset-scope.context.js';
import { bindMethods, type Method, methodOf } from './scoped-methods.js';

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
