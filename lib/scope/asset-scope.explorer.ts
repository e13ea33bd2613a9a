import { Injectable, type Type } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { type ScopeSet } from '../config/scope-set.js';
import { declared, declaredHere } from './asset-scope.metadata.js';
import { handlerDeclaration } from './asset-scope.reader.js';
import { type AssetScopeEntryKind, calledDirectlyAs, entryKinds, type ProviderRole } from './entry-points.js';

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

interface Discovered {
  readonly classRef: Type;
  readonly roles: Set<ProviderRole>;
  readonly methods: readonly { readonly name: string; readonly method: object }[];
}

type InstanceWrapper = ReturnType<DiscoveryService['getProviders']>[number];

/**
 * Finds what the application's decorators declare: in its controllers and providers, each class once, however many
 * modules provide it. Nothing is instantiated, and no getter is read. It needs `DiscoveryModule`, and knows the
 * providers once they exist, so from `onModuleInit` on.
 *
 * @example
 * ```ts
 * const scopes = new Set(app.get(AssetScopeExplorer).inventory().flatMap((entry) => entry.scopes ?? []));
 * ```
 */
@Injectable()
export class AssetScopeExplorer {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
  ) {}

  /**
   * All decorated handlers, with their class's defaults, and the `@RunWithAssetScope` methods. A method that is no
   * handler is not listed: its `@AssetScope` never asks for anything.
   */
  inventory(): readonly AssetScopeInventoryEntry[] {
    return this.discover().flatMap(({ classRef, roles, methods }) =>
      methods.flatMap(({ name, method }) => {
        const place = { className: classRef.name, handlerName: name };
        const handler = handlerDeclaration(classRef, method);
        const run = declared('run', method);
        const business = (handler?.business?.source ?? null) !== null;
        const asked =
          handler === undefined ? [] : [handler.scope, ...(handler.otherScope ? [handler.otherScope] : [])];
        return [
          ...entryKinds(method, roles).flatMap((kind) =>
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
    return this.discover().flatMap(({ classRef, roles, methods }) => {
      const className = classRef.name;
      const helpless = methods.filter(({ method }) => entryKinds(method, roles).length === 0);
      const onMethods = helpless.flatMap(({ name: methodName, method }) => {
        const decorators = decoratorsOn(method);
        const called = decorators === undefined ? undefined : calledDirectlyAs(method);
        if (decorators === undefined || called === undefined) return [];
        const message = `${decorators} on ${className}.${methodName} has no effect: Nest runs no interceptors for ${called}. Use @RunWithAssetScope there instead, or decorate the handler that calls it.`;
        return [{ className, methodName, message }];
      });
      const onClass = decoratorsOn(classRef);
      const isHelpless =
        helpless.length === methods.length &&
        helpless.every(({ method }) => calledDirectlyAs(method) !== undefined);
      if (onClass === undefined || !isHelpless) return onMethods;
      const message = `${onClass} on ${className} has no effect: the class has no handler for which Nest runs interceptors. Use @RunWithAssetScope on its methods instead.`;
      return [{ className, message }, ...onMethods];
    });
  }

  private discover(): readonly Discovered[] {
    const found = new Map<object, Discovered>();
    const discoverIn = (wrappers: readonly InstanceWrapper[], role: ProviderRole): void => {
      for (const wrapper of wrappers) {
        const classRef = classOf(wrapper);
        if (classRef === undefined) continue;
        const known = found.get(classRef) ?? {
          classRef,
          roles: new Set(),
          methods: this.methodsOf(classRef),
        };
        known.roles.add(role);
        found.set(classRef, known);
      }
    };
    discoverIn(this.discovery.getControllers(), 'controller');
    discoverIn(this.discovery.getProviders(), 'provider');
    return [...found.values()];
  }

  private methodsOf(classRef: Type): Discovered['methods'] {
    const prototype = classRef.prototype as Record<string, object>;
    return this.scanner.getAllMethodNames(prototype).flatMap((name) => {
      const method = prototype[name];
      return method === undefined ? [] : [{ name, method }];
    });
  }
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

function decoratorsOn(target: object): string | undefined {
  const decorators = [
    ...(declaredHere('scope', target) === undefined ? [] : ['@AssetScope']),
    ...(declaredHere('business', target) === undefined ? [] : ['@AssetBusiness']),
  ];
  return decorators.length === 0 ? undefined : decorators.join(' and ');
}
