// Whether Nest's `CacheInterceptor` answers one business with what it keeps for another.

import { RequestMethod } from '@nestjs/common';
import { APP_INTERCEPTOR, type ModulesContainer } from '@nestjs/core';
import { handlerDeclaration } from '../scope/scope-metadata.js';
import { discoverClasses } from './discovery.js';

/**
 * The GET handlers whose business comes from a function and whose answers a `CacheInterceptor` keeps, in words: its key is
 * the URL, which need not hold the business. One that overrides `trackBy` has a key of its own.
 */
export function sharedAnswers(modules: ModulesContainer): readonly string[] {
  const isEverywhere = [...modules.values()].some(({ providers }) =>
    [...providers.values()].some(
      ({ token, metatype, instance }) =>
        String(token).startsWith(APP_INTERCEPTOR) &&
        (keepsByUrl(metatype) || keepsByUrl((instance as object | undefined)?.constructor)),
    ),
  );
  return discoverClasses(modules).flatMap(({ classRef, methods }) =>
    methods.flatMap(({ name, method, kinds }) => {
      const source = handlerDeclaration(classRef, method)?.business?.source;
      if (typeof source !== 'function' || !kinds.includes('http') || !isRead(method)) return [];
      if (!isEverywhere && !isBound(method) && !isBound(classRef)) return [];
      return [
        `CacheInterceptor keeps the answers of ${classRef.name}.${name} by their URL, and @AssetBusiness takes the business from a function: if it is not in the URL, one business is answered with what was kept for another. Extend CacheInterceptor with a trackBy whose key holds the business, which also ends this warning, or leave it out there.`,
      ];
    }),
  );
}

/** `CacheInterceptor` keeps answers to GET alone, which `@All` takes as well. */
const isRead = (method: object): boolean =>
  [RequestMethod.GET, RequestMethod.ALL].includes(Reflect.getMetadata('method', method) as RequestMethod);

/** Whether `@UseInterceptors` on a class or a method names one, as a class or as an object. */
function isBound(target: object): boolean {
  const bound: unknown = Reflect.getMetadata('__interceptors__', target);
  return (
    Array.isArray(bound) &&
    bound.some((one: object) => keepsByUrl(typeof one === 'function' ? one : one.constructor))
  );
}

/** By its name: @nestjs/cache-manager is optional. */
function keepsByUrl(classRef: unknown): boolean {
  if (typeof classRef !== 'function') return false;
  if (classRef.name === 'CacheInterceptor') return true;
  const prototype: unknown = classRef.prototype;
  if (typeof prototype !== 'object' || prototype === null || Object.hasOwn(prototype, 'trackBy'))
    return false;
  return keepsByUrl(Object.getPrototypeOf(classRef));
}
