// Whether Nest's `CacheInterceptor` answers one business with what it keeps for another.

import { RequestMethod } from '@nestjs/common';
import { APP_INTERCEPTOR, type ModulesContainer } from '@nestjs/core';
import { quoted } from '../config/text.js';
import { interceptorsOf } from '../scope/asset-scope.interceptor.js';
import { handlerDeclaration } from '../scope/scope-metadata.js';
import type { DiscoveredClass } from './discovery.js';

/**
 * The GET handlers of a business whose answers a `CacheInterceptor` keeps by a key that need not hold the business, in
 * words.
 */
export function sharedAnswers(
  modules: ModulesContainer,
  classes: readonly DiscoveredClass[],
): readonly string[] {
  const isEverywhere = [...modules.values()].some(({ providers }) =>
    [...providers.values()].some(
      ({ token, metatype, instance }) =>
        String(token).startsWith(APP_INTERCEPTOR) &&
        (keepsAnswers(metatype) || keepsAnswers((instance as object | undefined)?.constructor)),
    ),
  );
  const handlers = classes.flatMap(({ methods }) => methods);
  return handlers.flatMap(({ classRef, name, method, kinds }) => {
    const key = keyWithoutBusiness(classRef, method);
    if (key === undefined || !kinds.includes('http') || !isRead(method)) return [];
    if (!isEverywhere && !isBound(method) && !isBound(classRef)) return [];
    return [
      `CacheInterceptor keeps the answers of ${classRef.name}.${name} by ${key}, which need not hold the business of @AssetBusiness: one business may be answered with what was kept for another. Give it a key that holds the business, by a function in @CacheKey or a trackBy of your own, which also ends this warning, or leave it out there.`,
    ];
  });
}

/** By what `CacheInterceptor` keeps the answers of a handler, unless it has no business, or the key is the application's. */
function keyWithoutBusiness(classRef: DiscoveredClass['classRef'], method: object): string | undefined {
  const source = handlerDeclaration(classRef, method)?.business?.source ?? undefined;
  const key: unknown = Reflect.getMetadata('cache_module:cache_key', method);
  if (source === undefined || typeof key === 'function') return undefined;
  if (typeof key === 'string') return `the key ${quoted(key)}`;
  return typeof source === 'function' ? 'their URL' : undefined;
}

/** `CacheInterceptor` keeps answers to GET alone, which `@All` takes as well. */
const isRead = (method: object): boolean =>
  [RequestMethod.GET, RequestMethod.ALL].includes(Reflect.getMetadata('method', method) as RequestMethod);

/** Whether `@UseInterceptors` on a class or a method names one, as a class or as an object. */
const isBound = (target: object): boolean =>
  interceptorsOf(target).some((one) => keepsAnswers(typeof one === 'function' ? one : one.constructor));

/** By its name: @nestjs/cache-manager is optional. One that overrides `trackBy` has a key of its own. */
function keepsAnswers(classRef: unknown): boolean {
  if (typeof classRef !== 'function') return false;
  if (classRef.name === 'CacheInterceptor') return true;
  const prototype: unknown = classRef.prototype;
  if (typeof prototype !== 'object' || prototype === null || Object.hasOwn(prototype, 'trackBy'))
    return false;
  return keepsAnswers(Object.getPrototypeOf(classRef));
}
