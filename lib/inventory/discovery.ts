import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';

/** A method of a class, its own or inherited. */
export interface DiscoveredMethod {
  readonly name: string;
  readonly method: object;
  /** Why Nest never looks at it for a handler, as a message says it; absent: it does. */
  readonly unseenAs?: string;
}

/** A class that modules of an application know, however many do and whatever as. */
export interface DiscoveredClass {
  readonly classRef: Type;
  readonly roles: ReadonlySet<ProviderRole>;
  readonly methods: readonly DiscoveredMethod[];
}

type Module = ModulesContainer extends Map<string, infer M> ? M : never;
type InstanceWrapper = Module['providers'] extends Map<unknown, infer W> ? W : never;

/** The controllers, providers and enhancers (guards, interceptors and pipes by `@UseGuards` and its kin) of an application. */
export function discoverClasses(modules: ModulesContainer): readonly DiscoveredClass[] {
  const found = new Map<Type, Set<ProviderRole>>();
  const discoverIn = (wrappers: Iterable<InstanceWrapper>, role: ProviderRole): void => {
    for (const wrapper of wrappers) {
      const classRef = classOf(wrapper);
      if (classRef !== undefined) found.set(classRef, (found.get(classRef) ?? new Set()).add(role));
    }
  };
  for (const { controllers } of modules.values()) discoverIn(controllers.values(), 'controller');
  for (const { providers } of modules.values()) discoverIn(providers.values(), 'provider');
  for (const { injectables } of modules.values()) discoverIn(injectables.values(), 'enhancer');
  return [...found].map(([classRef, roles]) => ({ classRef, roles, methods: methodsOf(classRef) }));
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

function methodsOf(classRef: Type): readonly DiscoveredMethod[] {
  const ofInstances = functionsOf(classRef.prototype as object, Object.prototype).map(([key, method]) =>
    typeof key === 'string'
      ? { name: key, method }
      : { name: String(key), method, unseenAs: 'methods that are named by a symbol' },
  );
  const ofTheClass = functionsOf(classRef, Function.prototype)
    .filter(([, method]) => !isClass(method))
    .map(([key, method]) => ({ name: String(key), method, unseenAs: 'static methods' }));
  return [...ofInstances, ...ofTheClass];
}

/** The functions of an object and what it inherits from, down to `end`. No getter is read. */
function functionsOf(start: object, end: object): readonly (readonly [PropertyKey, object])[] {
  const found = new Map<PropertyKey, unknown>([['constructor', undefined]]);
  let object: object | null = start;
  for (; object !== null && object !== end; object = Object.getPrototypeOf(object) as object | null) {
    for (const key of Reflect.ownKeys(object)) {
      if (!found.has(key)) found.set(key, Object.getOwnPropertyDescriptor(object, key)?.value);
    }
  }
  return [...found].flatMap(([key, value]) => (typeof value === 'function' ? [[key, value] as const] : []));
}

/** A class that another one holds has decorators for itself. */
function isClass(value: object): boolean {
  return Object.getOwnPropertyDescriptor(value, 'prototype')?.writable === false;
}

/** How Nest calls a handler; `method`: a method with `@RunWithAssetScope`, whoever calls it. */
export type AssetScopeEntryKind = 'http' | 'rpc' | 'ws' | 'graphql' | 'method';

/** What a class is registered as in a module; it may be several. An enhancer: a guard, an interceptor or a pipe. */
export type ProviderRole = 'controller' | 'provider' | 'enhancer';

interface EntryPoint {
  readonly kind: Exclude<AssetScopeEntryKind, 'method'>;
  readonly key: string;
  /** Nest looks for routes and message patterns in controllers only, and for the rest in providers only. */
  readonly role: ProviderRole;
}

/**
 * The metadata that makes a method a handler for which Nest runs interceptors. By their strings, the same in Nest 11
 * and 12: these packages are optional, and none of them exports its keys.
 */
const ENTRY_POINTS: readonly EntryPoint[] = [
  { kind: 'http', key: 'path', role: 'controller' }, // @nestjs/common
  { kind: 'rpc', key: 'microservices:pattern', role: 'controller' }, // @nestjs/microservices
  { kind: 'ws', key: 'websockets:message_mapping', role: 'provider' }, // @nestjs/websockets
  { kind: 'graphql', key: 'graphql:resolver_type', role: 'provider' }, // @nestjs/graphql: queries, mutations, subscriptions
  { kind: 'graphql', key: 'graphql:resolve_property', role: 'provider' }, // field resolvers
  { kind: 'graphql', key: 'graphql:resolve_reference', role: 'provider' }, // federation
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

/** The ways in which Nest calls this method and runs its interceptors. */
export function entryKinds(method: object, roles: ReadonlySet<ProviderRole>): readonly AssetScopeEntryKind[] {
  const kinds = ENTRY_POINTS.filter(
    ({ key, role }) => roles.has(role) && Reflect.hasMetadata(key, method),
  ).map(({ kind }) => kind);
  return [...new Set(kinds)];
}

/**
 * Of a method without {@link entryKinds}: what Nest runs no interceptors for, in words; `undefined` if that is not
 * certain, since the method carries metadata of a package unknown here, which may well run them.
 */
export function calledDirectlyAs(method: object): string | undefined {
  const stray = ENTRY_POINTS.find(({ key }) => Reflect.hasMetadata(key, method));
  if (stray !== undefined) {
    return stray.role === 'controller'
      ? 'routes and messages outside of controllers'
      : 'resolvers and gateways that are no providers';
  }
  const keys: readonly unknown[] = Reflect.getMetadataKeys(method);
  for (const key of keys) {
    const name = typeof key === 'string' ? CALLED_DIRECTLY[key] : undefined;
    if (name !== undefined) return name;
  }
  const isPlain = keys.every((key) => typeof key === 'string' && NEUTRAL.test(key));
  return isPlain ? 'methods that are no handlers' : undefined;
}
