// The classes that an application's modules know, their methods, and how each of these is called.

import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { propertiesOf } from '../scope/scope-metadata.js';

/** A class that modules of an application know, however many do and whatever as. */
export interface DiscoveredClass {
  readonly classRef: Type;
  readonly methods: readonly DiscoveredMethod[];
}

/** A method of a class, its own or inherited. */
export interface DiscoveredMethod {
  readonly classRef: Type;
  readonly name: string;
  readonly method: object;
  /** The ways in which Nest calls it and runs its interceptors. */
  readonly kinds: readonly HandlerKind[];
  /**
   * What Nest runs no interceptors for, in words, if it is that. Absent as well if it is not certain: the method carries
   * metadata of a package unknown here, which may run them.
   */
  readonly calledDirectlyAs: string | undefined;
}

/** How Nest calls a handler; `method`: a method with `@RunWithAssetScope`, whatever calls it. */
export type AssetScopeEntryKind = HandlerKind | 'method';

type HandlerKind = 'http' | 'rpc' | 'ws' | 'graphql';

/** What a class is registered as in a module; it may be several. An enhancer: a guard, an interceptor or a pipe. */
type ProviderRole = 'controller' | 'provider' | 'enhancer';

type Module = ModulesContainer extends Map<string, infer M> ? M : never;
type InstanceWrapper = Module['providers'] extends Map<unknown, infer W> ? W : never;

/** The controllers, providers and enhancers (guards, interceptors and pipes by `@UseGuards` and its kin) of an application. */
export function discoverClasses(modules: ModulesContainer): readonly DiscoveredClass[] {
  const found = new Map<Type, Set<ProviderRole>>();
  const add = (wrapper: InstanceWrapper, role: ProviderRole): void => {
    const classRef = classOf(wrapper);
    if (classRef !== undefined) found.set(classRef, (found.get(classRef) ?? new Set()).add(role));
  };
  for (const { controllers, providers, injectables } of modules.values()) {
    for (const wrapper of controllers.values()) add(wrapper, 'controller');
    for (const wrapper of providers.values()) add(wrapper, 'provider');
    for (const wrapper of injectables.values()) add(wrapper, 'enhancer');
  }
  return [...found].map(([classRef, roles]) => ({ classRef, methods: methodsOf(classRef, roles) }));
}

/**
 * The class behind a provider. Of a value, a factory or an alias it is the class of what was provided, found without
 * reading a property of it: it may be a proxy, a module namespace, or have getters.
 */
function classOf(wrapper: InstanceWrapper): Type | undefined {
  if (!wrapper.isNotMetatype) return asClass(wrapper.metatype);
  const instance: unknown = wrapper.instance;
  if (typeof instance !== 'object' || instance === null) return undefined;
  const prototype: unknown = Object.getPrototypeOf(instance);
  if (typeof prototype !== 'object' || prototype === null || prototype === Object.prototype) return undefined;
  return asClass(Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value);
}

function asClass(value: unknown): Type | undefined {
  return typeof value === 'function' && typeof value.prototype === 'object' && value.prototype !== null
    ? (value as Type)
    : undefined;
}

/** Nest looks for handlers only among the methods of instances that are named by a string. */
function methodsOf(classRef: Type, roles: ReadonlySet<ProviderRole>): readonly DiscoveredMethod[] {
  const found: DiscoveredMethod[] = [];
  for (const [key, method] of functionsOf(classRef.prototype as object)) {
    const kinds = typeof key === 'string' ? kindsOf(method, roles) : [];
    const unseen = typeof key === 'string' ? calledAs(method) : 'methods that are named by a symbol';
    const calledDirectlyAs = kinds.length > 0 ? undefined : unseen;
    found.push({ classRef, name: String(key), method, kinds, calledDirectlyAs });
  }
  for (const [key, method] of functionsOf(classRef)) {
    if (isClass(method)) continue;
    found.push({ classRef, name: String(key), method, kinds: [], calledDirectlyAs: 'static methods' });
  }
  return found;
}

/** The functions of an object and of what it inherits from. */
function functionsOf(start: object): readonly (readonly [PropertyKey, object])[] {
  const found = new Map<PropertyKey, unknown>([['constructor', undefined]]);
  for (const { key, value } of propertiesOf(start)) if (!found.has(key)) found.set(key, value);
  return [...found].flatMap(([key, value]) => (typeof value === 'function' ? [[key, value] as const] : []));
}

/** A class that another one holds has decorators for itself. */
function isClass(value: object): boolean {
  return Object.getOwnPropertyDescriptor(value, 'prototype')?.writable === false;
}

/**
 * The metadata that makes a method a handler for which Nest runs interceptors, and the role of the class in which Nest
 * looks for it. By their strings, the same in Nest 11 and 12: the packages are optional, and none exports its keys.
 */
const ENTRY_POINTS: readonly (readonly [key: string, kind: HandlerKind, role: ProviderRole])[] = [
  ['path', 'http', 'controller'], // @nestjs/common
  ['microservices:pattern', 'rpc', 'controller'], // @nestjs/microservices
  ['websockets:message_mapping', 'ws', 'provider'], // @nestjs/websockets
  ['graphql:resolver_type', 'graphql', 'provider'], // @nestjs/graphql: queries, mutations, subscriptions
  ['graphql:resolve_property', 'graphql', 'provider'], // field resolvers
  ['graphql:resolve_reference', 'graphql', 'provider'], // federation
];

/** Metadata of methods that other packages call without interceptors, and how a message names them. */
const CALLED_DIRECTLY: Readonly<Record<string, string>> = {
  SCHEDULER_TYPE: '@Cron, @Interval and @Timeout methods', // @nestjs/schedule
  EVENT_LISTENER_METADATA: '@OnEvent methods', // @nestjs/event-emitter
  'bull:module_queue_process': '@Process methods', // @nestjs/bull
  'bull:module_on_queue_event': 'queue event listeners',
  'bullmq:worker_events_metadata': '@OnWorkerEvent methods', // @nestjs/bullmq
  'bullmq:queue_events_metadata': '@OnQueueEvent methods',
};

/** Metadata that says nothing about who calls a method. */
const NEUTRAL = /^(nestjs-asset-auth:|__|design:|swagger\/)/;

function kindsOf(method: object, roles: ReadonlySet<ProviderRole>): readonly HandlerKind[] {
  const entryPoints = ENTRY_POINTS.filter(
    ([key, , role]) => roles.has(role) && Reflect.hasMetadata(key, method),
  );
  return [...new Set(entryPoints.map(([, kind]) => kind))];
}

/** Of a method without kinds: what {@link DiscoveredMethod.calledDirectlyAs} tells of it. */
function calledAs(method: object): string | undefined {
  const stray = ENTRY_POINTS.find(([key]) => Reflect.hasMetadata(key, method));
  if (stray !== undefined) {
    return stray[2] === 'controller'
      ? 'routes and messages outside of controllers'
      : 'resolvers and gateways that are no providers';
  }
  const keys: readonly unknown[] = Reflect.getMetadataKeys(method);
  const direct = keys.map((key) => CALLED_DIRECTLY[String(key)]).find((name) => name !== undefined);
  if (direct !== undefined) return direct;
  const isPlain = keys.every((key) => typeof key === 'string' && NEUTRAL.test(key));
  return isPlain ? 'methods that are no handlers' : undefined;
}
