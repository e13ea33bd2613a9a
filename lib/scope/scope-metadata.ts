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

/** Writes a declaration onto a class or a method's function, in place of an earlier one. */
export function declare<K extends keyof Declarations>(
  kind: K,
  declaration: Declarations[K],
  owner: object,
): void {
  Reflect.defineMetadata(KEYS[kind], Object.freeze(declaration), owner);
}

/** The declaration on a method's function or on a class; a class inherits its base class's. */
export function declared<K extends keyof Declarations>(kind: K, owner: object): Declarations[K] | undefined {
  return Reflect.getMetadata(KEYS[kind], owner) as Declarations[K] | undefined;
}

/** Whether the declaration stands on this very class or function. */
export function isDeclaredOn(owner: object, kind: keyof Declarations): boolean {
  return Reflect.hasOwnMetadata(KEYS[kind], owner);
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
  const ofClass = declared('scope', classRef);
  const scope = declared('scope', handler) ?? ofClass;
  const otherScope = scope !== ofClass && scope?.client !== undefined ? ofClass : undefined;
  const business = declared('business', handler) ?? declared('business', classRef);
  return scope === undefined && business === undefined ? undefined : { scope, otherScope, business };
}

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
  const classRef = typeof target === 'function' ? target : target.constructor;
  // A static member may be called `name`, too.
  const className = typeof classRef.name === 'string' && classRef.name !== '' ? classRef.name : 'a class';
  if (key === undefined) return { name: className, owner: target };
  const method: unknown = descriptor?.value;
  return { name: `${className}.${String(key)}`, owner: typeof method === 'function' ? method : undefined };
}
