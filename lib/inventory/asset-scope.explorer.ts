import { Injectable } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { ScopeSet } from '../config/scope-set.js';
import { declared, declaredHere, handlerDeclaration } from '../scope/scope-metadata.js';
import {
  type DiscoveredClass,
  type DiscoveredMethod,
  discoverClasses,
  type AssetScopeEntryKind,
  calledDirectlyAs,
  entryKinds,
} from './discovery.js';

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
    return discoverClasses(this.modules).flatMap(({ classRef, roles, methods }) =>
      methods.flatMap((discovered) => {
        const place = { className: classRef.name, handlerName: discovered.name };
        const handler = handlerDeclaration(classRef, discovered.method);
        const run = declared('run', discovered.method);
        const business = (handler?.business?.source ?? null) !== null;
        const asked =
          handler === undefined ? [] : [handler.scope, ...(handler.otherScope ? [handler.otherScope] : [])];
        return [
          ...kindsOf(discovered, roles).flatMap((kind) =>
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
      }),
    );
  }

  /** The decorators that have no effect where they stand, as far as that is certain. */
  misplaced(): readonly MisplacedAssetScope[] {
    return discoverClasses(this.modules).flatMap((discovered) => [
      ...misplacedOnClass(discovered),
      ...misplacedOnMethods(discovered),
    ]);
  }
}

function kindsOf(
  { method, unseenAs }: DiscoveredMethod,
  roles: DiscoveredClass['roles'],
): readonly AssetScopeEntryKind[] {
  return unseenAs === undefined ? entryKinds(method, roles) : [];
}

/** How it is called, if that is without interceptors; `undefined`: with them, or nobody knows. */
function helplessAs(discovered: DiscoveredMethod, roles: DiscoveredClass['roles']): string | undefined {
  if (kindsOf(discovered, roles).length > 0) return undefined;
  return discovered.unseenAs ?? calledDirectlyAs(discovered.method);
}

function misplacedOnMethods({ classRef, roles, methods }: DiscoveredClass): readonly MisplacedAssetScope[] {
  return methods.flatMap((discovered) => {
    const decorators = decoratorsOn(discovered.method);
    const called = decorators === undefined ? undefined : helplessAs(discovered, roles);
    if (decorators === undefined || called === undefined) return [];
    const [className, methodName] = [classRef.name, discovered.name];
    const message = `${decorators} on ${className}.${methodName} has no effect: Nest runs no interceptors for ${called}. Use @RunWithAssetScope there instead, or decorate the handler that calls it.`;
    return [{ className, methodName, message }];
  });
}

function misplacedOnClass({ classRef, roles, methods }: DiscoveredClass): readonly MisplacedAssetScope[] {
  const decorators = decoratorsOn(classRef);
  const isHelpless = methods.every((discovered) => helplessAs(discovered, roles) !== undefined);
  if (decorators === undefined || !isHelpless) return [];
  const className = classRef.name;
  const message = `${decorators} on ${className} has no effect: the class has no handler for which Nest runs interceptors. Use @RunWithAssetScope on its methods instead.`;
  return [{ className, message }];
}

function decoratorsOn(target: object): string | undefined {
  const decorators = [
    ...(declaredHere('scope', target) === undefined ? [] : ['@AssetScope']),
    ...(declaredHere('business', target) === undefined ? [] : ['@AssetBusiness']),
  ];
  return decorators.length === 0 ? undefined : decorators.join(' and ');
}
