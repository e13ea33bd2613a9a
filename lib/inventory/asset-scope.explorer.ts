import { Injectable } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { ScopeSet } from '../config/scope-set.js';
import { declared, declaredFor, handlerDeclaration, isDeclaredOn } from '../scope/scope-metadata.js';
import {
  type AssetScopeEntryKind,
  type DiscoveredClass,
  type DiscoveredMethod,
  discoverClasses,
} from './discovery.js';
import { namedForMessages } from './route-parameters.js';
import { sharedAnswers } from './shared-answers.js';

/**
 * Finds what the application's decorators declare: in its controllers, providers and enhancers (guards, interceptors and
 * pipes), each class once, however many modules know it. Nothing is instantiated, and no getter is read. What a factory
 * provides is known once it exists, so from `onModuleInit` on, and never in preview mode. Objects that no module knows,
 * as in `@UseGuards(new LedgerGuard())`, are not found.
 *
 * @example
 * ```ts
 * const scopes = new Set(app.get(AssetScopeExplorer).inventory().flatMap((entry) => entry.scopes ?? []));
 * ```
 */
@Injectable()
export class AssetScopeExplorer {
  constructor(private readonly modules: ModulesContainer) {}

  /**
   * All decorated handlers, with their class's defaults, and the `@RunWithAssetScope` methods, static ones too. A method
   * that is no handler is not listed: its `@AssetScope` never asks for anything.
   */
  inventory(): readonly AssetScopeInventoryEntry[] {
    return inventoryOf(discoverClasses(this.modules));
  }

  /** The decorators that have no effect where they stand, as far as that is certain. */
  misplaced(): readonly MisplacedAssetScope[] {
    return discoverClasses(this.modules).flatMap(misplacedIn);
  }
}

/** A handler, and what its decorators or its class's make its calls to Asset ask for. */
export interface AssetScopeInventoryEntry {
  readonly className: string;
  readonly handlerName: string;
  readonly kind: AssetScopeEntryKind;
  /** `null`: explicitly none; `undefined`: only a business is declared. */
  readonly scopes: ScopeSet | null | undefined;
  /** The one named client that the scopes are for; absent: every client. */
  readonly client?: string;
  /** Whether its tokens are narrowed to one business. */
  readonly business: boolean;
}

/** `@AssetScope` or `@AssetBusiness` where nothing reads it. */
export interface MisplacedAssetScope {
  readonly className: string;
  /** Absent: it stands on the class. */
  readonly methodName?: string;
  /** What is wrong and the cure, in one or two sentences. */
  readonly message: string;
}

/** What the classes declare; see {@link AssetScopeExplorer.inventory}. */
export const inventoryOf = (classes: readonly DiscoveredClass[]): readonly AssetScopeInventoryEntry[] =>
  classes.flatMap(({ methods }) => methods.flatMap(entriesOf));

/** What is declared and will not do what it says, in words. */
export const warningsOf = (
  modules: ModulesContainer,
  classes: readonly DiscoveredClass[],
): readonly string[] => [
  ...classes.flatMap(misplacedIn).map(({ message }) => message),
  ...classes.flatMap(hooksIn),
  ...namedForMessages(classes),
  ...sharedAnswers(modules, classes),
];

function entriesOf({ classRef, name, method, kinds }: DiscoveredMethod): readonly AssetScopeInventoryEntry[] {
  const place = { className: classRef.name, handlerName: name };
  const handler = handlerDeclaration(classRef, method);
  const run = declaredFor('run', classRef, method);
  const business = (handler?.business?.source ?? null) !== null;
  const asked =
    handler === undefined ? [] : [handler.scope, ...(handler.otherScope ? [handler.otherScope] : [])];
  return [
    ...kinds.flatMap((kind) =>
      asked.map((scope) => ({
        ...place,
        kind,
        scopes: scope?.scopes,
        ...(scope?.client !== undefined && { client: scope.client }),
        business,
      })),
    ),
    ...(run === undefined ? [] : [{ ...place, kind: 'method' as const, ...run }]),
  ];
}

function misplacedIn({ classRef, methods }: DiscoveredClass): readonly MisplacedAssetScope[] {
  const className = classRef.name;
  const misplaced: MisplacedAssetScope[] = [];
  const onClass = decorators((kind) => isDeclaredOn(classRef, kind));
  if (onClass !== undefined && methods.every(({ calledDirectlyAs }) => calledDirectlyAs !== undefined)) {
    const message = `${onClass} on ${className} has no effect: the class has no handler for which Nest runs interceptors. Use @RunWithAssetScope on its methods instead.`;
    misplaced.push({ className, message });
  }
  for (const { name: methodName, method, calledDirectlyAs } of methods) {
    const onMethod = decorators((kind) => declaredFor(kind, classRef, method) !== undefined);
    if (onMethod === undefined || calledDirectlyAs === undefined) continue;
    const message = `${onMethod} on ${className}.${methodName} has no effect: Nest runs no interceptors for ${calledDirectlyAs}. Use @RunWithAssetScope there instead, or decorate the handler that calls it.`;
    misplaced.push({ className, methodName, message });
  }
  return misplaced;
}

/** Nest calls them itself, with no interceptors. */
const LIFECYCLE_HOOKS: readonly string[] = [
  'onModuleInit',
  'onApplicationBootstrap',
  'onModuleDestroy',
  'beforeApplicationShutdown',
  'onApplicationShutdown',
];
const GATEWAY_HOOKS: readonly string[] = ['afterInit', 'handleConnection', 'handleDisconnect'];

/**
 * The hooks of classes with `@AssetScope` or `@AssetBusiness`: Nest calls them outside of every scope. Those with
 * `@RunWithAssetScope` have one.
 */
function hooksIn({ classRef, methods }: DiscoveredClass): readonly string[] {
  const onClass = decorators((kind) => declared(kind, classRef) !== undefined);
  if (onClass === undefined) return [];
  const isGateway = Reflect.hasMetadata('websockets:is_gateway', classRef);
  const names = isGateway ? [...LIFECYCLE_HOOKS, ...GATEWAY_HOOKS] : LIFECYCLE_HOOKS;
  const hooks = methods
    .filter(({ name, method }) => names.includes(name) && declaredFor('run', classRef, method) === undefined)
    .map(({ name }) => name);
  if (hooks.length === 0) return [];
  const are = hooks.length === 1 ? 'runs' : 'run';
  return [
    `${classRef.name}.${hooks.join(', ')} ${are} without the ${onClass} of the class: Nest runs no interceptors for hooks. If a call to Asset is made there, use @RunWithAssetScope on the method; it also ends this warning.`,
  ];
}

function decorators(stands: (kind: 'scope' | 'business') => boolean): string | undefined {
  const scope = stands('scope');
  if (stands('business')) return scope ? '@AssetScope and @AssetBusiness' : '@AssetBusiness';
  return scope ? '@AssetScope' : undefined;
}
