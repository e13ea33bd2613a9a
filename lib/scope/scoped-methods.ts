import { runInScope, type ScopeStore } from './asset-scope.context.js';

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
