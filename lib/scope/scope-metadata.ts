import { type ExecutionContext, type NestInterceptor, type Type, UseInterceptors } from '@nestjs/common';
import 'reflect-metadata';
import { type ScopeSet, type AssetScopes, scopeSet, scopesProblem } from '../config/scope-set.js';
import { quoted } from '../config/text.js';

/** The normal form of `@AssetScope`. `client`: the one client that the scopes are meant for. */
export interface ScopeDeclaration {
  readonly scopes: ScopeSet | null;
  readonly client: string | undefined;
}

/** Where `@AssetBusiness` finds the business of a call: a parameter's name, a function, or `null`, explicitly none. */
export type AssetBusinessSource = string | ((context: ExecutionContext) => string | null) | null;

/** The normal form of `@AssetBusiness`. Wrapped, since `null` and "not declared" are different things. */
export interface BusinessDeclaration {
  readonly source: AssetBusinessSource;
}

/** The normal form of `@RunWithAssetScope`, for the inventory; the wrapped method itself does not read it. */
export interface RunDeclaration {
  readonly scopes: ScopeSet | null;
  readonly business: boolean;
}

interface DeclarationByKey {
  readonly scope: ScopeDeclaration;
  readonly business: BusinessDeclaration;
  readonly run: RunDeclaration;
}

/** Strings, so that the ESM and the CJS copy of this package read each other's declarations. */
const KEYS = {
  scope: 'nestjs-asset-auth:scope',
  business: 'nestjs-asset-auth:business',
  run: 'nestjs-asset-auth:run-with-scope',
} as const satisfies Record<keyof DeclarationByKey, string>;

/** Writes a declaration onto a class or a method's function, in place of an earlier one. */
export function declare<K extends keyof DeclarationByKey>(
  kind: K,
  declaration: DeclarationByKey[K],
  target: object,
): void {
  Reflect.defineMetadata(KEYS[kind], Object.freeze(declaration), target);
}

/** The declaration on a method's function or on a class; a class inherits its base class's. */
export function declared<K extends keyof DeclarationByKey>(
  kind: K,
  target: object,
): DeclarationByKey[K] | undefined {
  return Reflect.getMetadata(KEYS[kind], target) as DeclarationByKey[K] | undefined;
}

/** The same without inheritance. */
export function declaredHere<K extends keyof DeclarationByKey>(
  kind: K,
  target: object,
): DeclarationByKey[K] | undefined {
  return Reflect.getOwnMetadata(KEYS[kind], target) as DeclarationByKey[K] | undefined;
}

/** What a handler declares, scopes and business resolved independently of each other. */
export interface HandlerDeclaration {
  readonly scope: ScopeDeclaration | undefined;
  /** What the class declares for the clients that a handler's declaration does not name. */
  readonly otherScope: ScopeDeclaration | undefined;
  readonly business: BusinessDeclaration | undefined;
}

/** By handler, then class: one method serves several classes where a base class declares it. */
const known = new WeakMap<object, WeakMap<object, HandlerDeclaration | null>>();

/**
 * What is declared for a handler: its own decorator, else its class's, else nothing. A handler's declaration replaces
 * the class's instead of adding to it, so that a handler can ask for less (what `Reflector.getAllAndOverride` does). One
 * that names a client replaces it for that client only.
 *
 * A plain function and not an injectable `Reflector`, so that the interceptor can be instantiated in every module, also
 * where `AssetAuthModule` is not imported. Remembered, since metadata does not change once classes are defined.
 */
export function handlerDeclaration(classRef: object, handler: object): HandlerDeclaration | undefined {
  let ofHandler = known.get(handler);
  if (ofHandler === undefined) known.set(handler, (ofHandler = new WeakMap()));
  let declaration = ofHandler.get(classRef);
  if (declaration === undefined) ofHandler.set(classRef, (declaration = read(classRef, handler)));
  return declaration ?? undefined;
}

function read(classRef: object, handler: object): HandlerDeclaration | null {
  const ofClass = declared('scope', classRef);
  const scope = declared('scope', handler) ?? ofClass;
  const otherScope = scope !== ofClass && scope?.client !== undefined ? ofClass : undefined;
  const business = declared('business', handler) ?? declared('business', classRef);
  return scope === undefined && business === undefined
    ? null
    : Object.freeze({ scope, otherScope, business });
}

/** What a decorator was written on: a class, or a method (`key` and `descriptor` given). */
export interface DecoratedTarget {
  /** For messages: `LedgersController` or `LedgersController.list`. */
  readonly name: string;
  /** Where Nest keeps metadata: the class or the method's function. `undefined` on a property or an accessor. */
  readonly owner: object | undefined;
}

/** Names what a decorator was written on, and finds where its metadata belongs. */
export function decoratedTarget(
  target: object,
  key: string | symbol | undefined,
  descriptor: PropertyDescriptor | undefined,
): DecoratedTarget {
  if (key === undefined) return { name: classNameOf(target), owner: target };
  const className = classNameOf(typeof target === 'function' ? target : target.constructor);
  const method: unknown = descriptor?.value;
  return { name: `${className}.${String(key)}`, owner: typeof method === 'function' ? method : undefined };
}

/** `@UseInterceptors` on whatever a class-or-method decorator was written on. */
export function bindInterceptor(
  interceptor: Type<NestInterceptor>,
  target: object,
  key: string | symbol | undefined,
  descriptor: PropertyDescriptor | undefined,
): void {
  const bind = UseInterceptors(interceptor);
  if (key === undefined || descriptor === undefined) bind(target as Type);
  else bind(target, key, descriptor);
}

function classNameOf(target: object): string {
  return 'name' in target && typeof target.name === 'string' && target.name !== '' ? target.name : 'a class';
}

/** What a decorator that takes scopes was given, checked and in normal form; `problem`: why it cannot be used. */
export type ScopeArguments =
  | {
      readonly scopes: ScopeSet | null;
      readonly options: ReadonlyMap<string, unknown>;
      readonly problem?: never;
    }
  | { readonly problem: string };

/** Reads `('a', 'b', options?)`, `(['a', 'b'], options?)` or `(null, options?)`. */
export function scopeArguments(args: readonly unknown[], optionNames: readonly string[]): ScopeArguments {
  const last = args.at(-1);
  const hasOptions = typeof last === 'object' && last !== null && !Array.isArray(last);
  const options = new Map<string, unknown>(hasOptions ? Object.entries(last) : []);
  for (const name of options.keys()) {
    if (!optionNames.includes(name)) {
      return { problem: `there is no option ${quoted(name)}, only ${optionNames.join(', ')}` };
    }
  }
  const scopes = hasOptions ? args.slice(0, -1) : args;
  if (scopes.length === 0) {
    return { problem: 'it names no scope. Name one such as "ledger:read", or null for explicitly none' };
  }
  if (scopes.includes(null)) {
    return scopes.length === 1
      ? { scopes: null, options }
      : { problem: 'null means explicitly none and stands alone' };
  }
  const given: unknown = scopes.length === 1 ? scopes[0] : scopes;
  const problem = scopesProblem(given);
  return problem === undefined ? { scopes: scopeSet(given as AssetScopes), options } : { problem };
}
