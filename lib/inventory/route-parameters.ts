// Whether the route parameters that `@AssetBusiness` names are in any path of their handlers.

import type { ModulesContainer } from '@nestjs/core';
import { quoted } from '../config/text.js';
import { handlerDeclaration } from '../scope/scope-metadata.js';
import { type DiscoveredClass, discoverClasses } from './discovery.js';

/**
 * For each HTTP handler whose calls would all fail, since `@AssetBusiness` names a parameter that none of its paths
 * holds: what is wrong and the cure.
 *
 * @param globalPrefix - as `setGlobalPrefix` set it
 */
export function missingParameters(modules: ModulesContainer, globalPrefix: string): readonly string[] {
  return discoverClasses(modules).flatMap(({ classRef, methods }) =>
    methods.flatMap(({ name, method, kinds }) => {
      const source = handlerDeclaration(classRef, method)?.business?.source;
      if (typeof source !== 'string' || !kinds.includes('http')) return [];
      const steps = [
        [globalPrefix],
        modulePaths(modules, classRef),
        listOf(Reflect.getMetadata('path', classRef)),
        listOf(Reflect.getMetadata('path', method)),
      ];
      if (steps.flat().some((path) => mayHold(path, source))) return [];
      const paths = pathsOf(steps.map((step) => step.map(String))).map(quoted);
      return [
        `@AssetBusiness on ${classRef.name}.${name} cannot be used: it names the parameter ${quoted(source)}, and the handler's ${paths.length === 1 ? 'path' : 'paths'} ${paths.join(', ')} ${paths.length === 1 ? 'has' : 'have'} none of that name. Name one that is there, pass a function: (context) => businessId, or say @AssetBusiness(null) for a tenant-level path.`,
      ];
    }),
  );
}

const listOf = (paths: unknown): readonly unknown[] => (Array.isArray(paths) ? paths : [paths ?? '']);

/** Where `RouterModule` puts the modules that hold a controller. */
function modulePaths(modules: ModulesContainer, classRef: DiscoveredClass['classRef']): readonly unknown[] {
  const key = '__module_path__';
  const holders = [...modules.values()].filter(({ controllers }) =>
    [...controllers.values()].some(({ metatype }) => metatype === classRef),
  );
  return holders.map(
    ({ metatype }): unknown =>
      Reflect.getMetadata(key + modules.applicationId, metatype) ?? Reflect.getMetadata(key, metatype) ?? '',
  );
}

/**
 * Whether a path may hold a parameter of this name: `:name`, `*name`, or `:"name"`. In doubt it may: a wildcard without a
 * name has one that depends on the router, and what is no text is not read.
 */
function mayHold(path: unknown, name: string): boolean {
  if (typeof path !== 'string' || /\*(?![\p{ID_Start}"$_])|\(/u.test(path)) return true;
  const found = path.matchAll(/[:*](?:"([^"]*)"|([$\p{ID_Continue}]+))/gu);
  return [...found].some(([, inQuotes, plain]) => (inQuotes ?? plain) === name);
}

/** Every path that the steps make, from the global prefix to the method. */
const pathsOf = (steps: readonly (readonly string[])[]): readonly string[] =>
  steps
    .reduce<readonly string[]>(
      (paths, step) => paths.flatMap((path) => step.map((next) => `${path}/${next}`)),
      [''],
    )
    .map((path) => `/${path.split('/').filter(Boolean).join('/')}`);
