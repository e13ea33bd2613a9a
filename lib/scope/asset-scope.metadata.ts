import { type ExecutionContext } from '@nestjs/common';
import 'reflect-metadata';
import { type ScopeSet } from '../config/scope-set.js';

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
