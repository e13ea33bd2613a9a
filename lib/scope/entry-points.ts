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
