// Whether the parameters that `@AssetBusiness` names are in any path of their handlers.

import type { ModulesContainer } from '@nestjs/core';
import { quoted } from '../config/text.js';
import { handlerDeclaration } from '../scope/scope-metadata.js';
import type { DiscoveredClass, DiscoveredMethod } from './discovery.js';

/**
 * For each HTTP handler whose calls would all fail, since `@AssetBusiness` names a parameter that none of its paths
 * holds: what is wrong and the cure.
 *
 * @param globalPrefix - as `setGlobalPrefix` set it
 */
export const missingParameters = (
  modules: ModulesContainer,
  classes: readonly DiscoveredClass[],
  globalPrefix: string,
): readonly string[] =>
  withNamedParameter(classes, ({ classRef, method, kinds }, parameter) =>
    kinds.includes('http')
      ? problemOfPaths(pathSteps(modules, classRef, method, globalPrefix), parameter)
      : undefined,
  );

/**
 * The same for handlers of messages, of a transporter or a socket, which have no parameters at all: a call fails once a
 * message comes, and none may ever come here.
 */
export const namedForMessages = (classes: readonly DiscoveredClass[]): readonly string[] =>
  withNamedParameter(classes, ({ kinds }) =>
    kinds.length > 0 && kinds.every((kind) => kind === 'rpc' || kind === 'ws')
      ? 'a message has no parameters. Pass a function that reads it from the message: (context) => businessId, or say @AssetBusiness(null) for a tenant-level call.'
      : undefined,
  );

function withNamedParameter(
  classes: readonly DiscoveredClass[],
  problemOf: (handler: DiscoveredMethod, parameter: string) => string | undefined,
): readonly string[] {
  const handlers = classes.flatMap(({ methods }) => methods);
  return handlers.flatMap((handler) => {
    const { classRef, name, method } = handler;
    const source = handlerDeclaration(classRef, method)?.business?.source;
    const problem = typeof source === 'string' ? problemOf(handler, source) : undefined;
    if (problem === undefined) return [];
    return [
      `@AssetBusiness on ${classRef.name}.${name} cannot be used: it names the parameter ${quoted(source)}, and ${problem}`,
    ];
  });
}

/** What stands at each step of a handler's paths, from the global prefix to the method. */
const pathSteps = (
  modules: ModulesContainer,
  classRef: DiscoveredClass['classRef'],
  method: object,
  globalPrefix: string,
): readonly (readonly unknown[])[] => [
  [globalPrefix],
  modulePaths(modules, classRef),
  listOf(Reflect.getMetadata('path', classRef)),
  listOf(Reflect.getMetadata('path', method)),
];

function problemOfPaths(steps: readonly (readonly unknown[])[], parameter: string): string | undefined {
  if (steps.flat().some((path) => mayHold(path, parameter))) return undefined;
  const paths = pathsOf(steps.map((step) => step.map(String))).map(quoted);
  const [are, have] = paths.length === 1 ? ['path', 'has'] : ['paths', 'have'];
  return `the handler's ${are} ${paths.join(', ')} ${have} none of that name. Name one that is there, pass a function: (context) => businessId, or say @AssetBusiness(null) for a tenant-level path.`;
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
