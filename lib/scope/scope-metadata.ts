// The metadata by which the decorators declare scopes and businesses on classes and methods.

import 'reflect-metadata';
import type { ExecutionContext } from '@nestjs/common';
import type { ScopeSet } from '../config/scope-set.js';

/** Where `@AssetBusiness` finds the business of a call: a parameter's name, a function, or `null`, explicitly none. */
export type AssetBusinessSource = string | ((context: ExecutionContext) => string | null) | null;

interface Declarations {
  /** `@AssetScope`. `client`: the one client that the scopes are meant for. */
  readonly scope: { readonly scopes: ScopeSet | null; readonly client: string | undefined };
  /** `@AssetBusiness`. An object, since `null` and "not declared" are different things. */
  readonly business: { readonly source: AssetBusinessSource };
  /** `@RunWithAssetScope`, for the inventory; the method itself does not read it. */
  readonly run: { readonly scopes: ScopeSet | null; readonly business: boolean };
}

/** Strings, so that the ESM and the CJS copy of this package read each other's declarations. */
const KEYS: Readonly<Record<keyof Declarations, string>> = {
  scope: 'nestjs-asset-auth:scope',
  business: 'nestjs-asset-auth:business',
  run: 'nestjs-asset-auth:run-with-scope',
};

/** Marks a class with decorated methods, its own or inherited. */
const DECLARES_BY_METHOD = 'nestjs-asset-auth:declares-by-method';

/**
 * Writes a declaration onto a class or a method's function, in place of an earlier one. That of a method is kept by its
 * class and key as well: a decorator above may put another function in the place of this one, such as a timer, and knows
 * nothing of our metadata.
 */
export function declare<K extends keyof Declarations>(
  kind: K,
  declaration: Declarations[K],
  owner: object,
  ...[target, key]: Parameters<Decorate>
): void {
  Object.freeze(declaration);
  Reflect.defineMetadata(KEYS[kind], declaration, owner);
  if (key === undefined) return;
  Reflect.defineMetadata(KEYS[kind], declaration, target, key);
  Reflect.defineMetadata(DECLARES_BY_METHOD, true, classOf(target));
}

/** The declaration on a method's function or on a class; a class inherits its base class's. */
export function declared<K extends keyof Declarations>(kind: K, owner: object): Declarations[K] | undefined {
  return Reflect.getMetadata(KEYS[kind], owner) as Declarations[K] | undefined;
}

/** The declaration on this very class, not on its base class. */
export function isDeclaredOn(classRef: object, kind: keyof Declarations): boolean {
  return Reflect.hasOwnMetadata(KEYS[kind], classRef);
}

/** The declaration on a method, whatever function has taken its place. An overriding method does not inherit it. */
export function declaredFor<K extends keyof Declarations>(
  kind: K,
  classRef: object,
  method: object,
): Declarations[K] | undefined {
  const onFunction = declared(kind, method);
  if (onFunction !== undefined || !declaresByMethod(classRef)) return onFunction;
  const place = placeOf(classRef, method);
  return (
    place && (Reflect.getOwnMetadata(KEYS[kind], place.holder, place.key) as Declarations[K] | undefined)
  );
}

/** Whether no decorator above has declared something else for the method since. */
export function isLatest<K extends keyof Declarations>(
  kind: K,
  declaration: Declarations[K],
  target: object,
  key: string | symbol,
): boolean {
  return Reflect.getOwnMetadata(KEYS[kind], target, key) === declaration;
}

const declaresByMethod = (classRef: object): boolean => Reflect.hasMetadata(DECLARES_BY_METHOD, classRef);

/**
 * Whether it cannot be told which of a class's methods this function stands for, so that what is declared for that
 * method would be lost. Only where methods declare something.
 */
export function isLost(classRef: object, method: object): boolean {
  return (
    declared('scope', method) === undefined &&
    declared('business', method) === undefined &&
    declaresByMethod(classRef) &&
    placeOf(classRef, method) === undefined
  );
}

/** What a handler declares, scopes and business resolved independently of each other. */
interface HandlerDeclaration {
  readonly scope: Declarations['scope'] | undefined;
  /** What the class declares for the clients that the handler's own declaration does not name. */
  readonly otherScope: Declarations['scope'] | undefined;
  readonly business: Declarations['business'] | undefined;
}

/**
 * What is declared for a handler: its own decorator, else its class's, else nothing. A handler's declaration replaces
 * the class's instead of adding to it, so that a handler can ask for less (what `Reflector.getAllAndOverride` does). One
 * that names a client replaces it for that client only.
 *
 * A plain function and not an injectable `Reflector`, so that the interceptor can be instantiated in every module, also
 * where `AssetAuthModule` is not imported.
 */
export function handlerDeclaration(classRef: object, handler: object): HandlerDeclaration | undefined {
  const own = declaredFor('scope', classRef, handler);
  const scope = own ?? declared('scope', classRef);
  const otherScope = own?.client === undefined ? undefined : declared('scope', classRef);
  const business = declaredFor('business', classRef, handler) ?? declared('business', classRef);
  return scope === undefined && business === undefined ? undefined : { scope, otherScope, business };
}

/** Where a method stands: the prototype or, if it is static, the class that holds it. */
interface Place {
  readonly holder: object;
  readonly key: string | symbol;
}

/** By class and function, since a search looks at every method. */
const places = new WeakMap<object, WeakMap<object, Place | false>>();

/** Where a class or what it inherits from holds the function, or else a method of the function's name. */
function placeOf(classRef: object, method: object): Place | undefined {
  const known = places.get(classRef) ?? new WeakMap<object, Place | false>();
  places.set(classRef, known);
  let place = known.get(method);
  if (place === undefined) {
    // A method that the constructor replaced on the instance is no longer held, but most keep its name.
    const name = String((method as Partial<{ name: unknown }>).name).replace(/^bound /, '');
    place =
      findPlace(classRef, (_, value) => value === method) ??
      findPlace(classRef, (key) => key === name) ??
      false;
    known.set(method, place);
  }
  return place === false ? undefined : place;
}

function findPlace(
  classRef: object,
  matches: (key: string | symbol, value: unknown) => boolean,
): Place | undefined {
  const { prototype } = classRef as Partial<Record<'prototype', object>>;
  for (const start of [prototype ?? null, classRef]) {
    for (const { holder, key, value } of propertiesOf(start)) {
      if (typeof value === 'function' && matches(key, value)) return { holder, key };
    }
  }
  return undefined;
}

/** The properties of an object and of what it inherits from, the nearest first. No getter is read. */
export function* propertiesOf(start: object | null): Generator<Place & { readonly value: unknown }> {
  let holder = start;
  for (; holder !== null && !isRoot(holder); holder = Object.getPrototypeOf(holder) as object | null) {
    for (const key of Reflect.ownKeys(holder)) {
      yield { holder, key, value: Object.getOwnPropertyDescriptor(holder, key)?.value };
    }
  }
}

const isRoot = (holder: object): boolean => holder === Object.prototype || holder === Function.prototype;

/** What to call a handler in a message, as in `LedgersController.list`. */
export function nameOfHandler(
  classRef: { readonly name: string },
  handler: { readonly name: string },
): string {
  return `${classRef.name}.${String(placeOf(classRef, handler)?.key ?? handler.name)}`;
}

/** The class that a decorator's target belongs to: itself, or that of the prototype. */
export const classOf = (target: object): object =>
  typeof target === 'function' ? target : target.constructor;

/** A decorator of classes and methods, as it is called. */
export type Decorate = (target: object, key?: string | symbol, descriptor?: PropertyDescriptor) => void;

/**
 * What a decorator was written on. `name`: for messages, as in `LedgersController.list`. `owner`: the class or the
 * method's function, where Nest keeps metadata; `undefined` on a property or an accessor.
 */
export function decoratedTarget(...[target, key, descriptor]: Parameters<Decorate>): {
  readonly name: string;
  readonly owner: object | undefined;
} {
  const classRef = classOf(target) as Partial<{ name: unknown }>;
  // A static member may be called `name`, too.
  const className = typeof classRef.name === 'string' && classRef.name !== '' ? classRef.name : 'a class';
  if (key === undefined) return { name: className, owner: target };
  const method: unknown = descriptor?.value;
  return { name: `${className}.${String(key)}`, owner: typeof method === 'function' ? method : undefined };
}
