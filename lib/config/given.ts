/**
 * A property that somebody gave: its own, or inherited from a class or an object, but not from `Object.prototype`. What
 * another package leaves there by accident, or an attacker by a merge of JSON, was said by nobody.
 */
export function given(source: object, name: string): unknown {
  return Object.hasOwn(Object.prototype, name) && !isGivenBelow(source, name)
    ? undefined
    : Reflect.get(source, name);
}

function isGivenBelow(source: object, name: string): boolean {
  let holder: object | null = source;
  while (holder !== null && holder !== Object.prototype) {
    if (Object.hasOwn(holder, name)) return true;
    holder = Object.getPrototypeOf(holder) as object | null;
  }
  return false;
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
