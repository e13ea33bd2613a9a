// Reads objects that callers hand in. What is misread must never ask for more than was meant.

/**
 * Whether a value is an object of nothing but properties, its own or a template's. A promise, or an instance that answers
 * by getters of its class, would be read as empty, and empty asks for everything.
 */
export function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  // What can be iterated keeps elsewhere what it holds.
  if (Symbol.iterator in value || Symbol.asyncIterator in value) return false;
  for (let from = prototypeOf(value); from !== null; from = prototypeOf(from)) {
    if (Object.hasOwn(from, 'constructor')) return false;
  }
  return true;
}

/** The first name that an object has of its own and that is not known; `undefined`: it has none. */
export function unknownName(object: object, known: readonly string[]): string | undefined {
  for (const name in object) {
    if (!known.includes(name) && Object.hasOwn(object, name)) return name;
  }
  return undefined;
}

/** A property as its owner said it, itself or by its class. What was put on `Object.prototype` says nothing. */
export function said<T extends object, K extends keyof T>(object: T, name: K): T[K] | undefined {
  const value = object[name];
  if (value === undefined) return undefined;
  let last: object = object;
  for (let from: object | null = object; from !== null; from = prototypeOf(from)) {
    if (Object.hasOwn(from, name)) return value;
    last = from;
  }
  // A proxy may answer for what it does not list.
  const root = Object.getPrototypeOf(last) as object | null;
  return root !== null && Object.hasOwn(root, name) ? undefined : value;
}

/** Of these properties, what the owner said. */
export const saidNames = <T extends object, K extends keyof T>(object: T, names: readonly K[]): Pick<T, K> =>
  Object.fromEntries(names.map((name) => [name, said(object, name)])) as Pick<T, K>;

/** Up to `Object.prototype`, exclusively, be it that of another realm. */
function prototypeOf(object: object): object | null {
  const prototype = Object.getPrototypeOf(object) as object | null;
  if (prototype === null || prototype === Object.prototype) return null;
  const isRoot = Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf');
  return isRoot ? null : prototype;
}

/**
 * Runs synchronous code that trips over properties of these names on `Object.prototype`, without them. They are back
 * before anybody else runs; what cannot be taken away stays.
 */
export function withoutPollution<T>(names: readonly string[], run: () => T): T {
  const found = names.flatMap((name) => {
    const descriptor = Object.getOwnPropertyDescriptor(Object.prototype, name);
    return descriptor?.configurable === true ? [[name, descriptor] as const] : [];
  });
  for (const [name] of found) Reflect.deleteProperty(Object.prototype, name);
  try {
    return run();
  } finally {
    for (const [name, descriptor] of found) Reflect.defineProperty(Object.prototype, name, descriptor);
  }
}
