import { DiscoveryService, MetadataScanner, ModulesContainer } from '@nestjs/core';
import type { ScopeSet } from '../config/scope-set.js';
import { AssetScopeExplorer, type AssetScopeInventoryEntry } from './asset-scope.explorer.js';

/** What an application's decorators may ever ask Asset for. */
export interface AssetScopeReport {
  /** Every scope that is named, sorted: what the application's OAuth client has to be granted for them. */
  readonly scopes: ScopeSet;
  /** Handlers that ask for the client's full grant on purpose (`@AssetScope(null)`). */
  readonly fullGrant: readonly string[];
  /** Every handler with what it asks for. */
  readonly handlers: readonly AssetScopeInventoryEntry[];
}

/** The one thing that is needed of an application: `INestApplicationContext` and its kin have it. */
export interface ProviderLookup {
  get<T>(token: new (...args: never[]) => T): T;
}

/**
 * Lists every scope that the application's decorators may ever request, by controller and handler, so that its OAuth
 * client can be granted exactly that. Scopes that code names at run time (`withScope`, the `asset` option, the module's
 * defaults) are not decorators and not in the list. Works on an application in Nest's preview mode, too, which
 * instantiates nothing.
 *
 * @example
 * ```ts
 * const app = await NestFactory.createApplicationContext(AppModule, { preview: true });
 * console.log(listAssetScopes(app).scopes);
 * ```
 */
export function listAssetScopes(app: ProviderLookup): AssetScopeReport {
  const discovery = new DiscoveryService(app.get(ModulesContainer));
  const handlers = new AssetScopeExplorer(discovery, new MetadataScanner()).inventory();
  const nameOf = ({ className, handlerName }: AssetScopeInventoryEntry): string =>
    `${className}.${handlerName}`;
  return {
    scopes: [...new Set(handlers.flatMap(({ scopes }) => scopes ?? []))].sort(),
    fullGrant: handlers.filter(({ scopes }) => scopes === null).map(nameOf),
    handlers,
  };
}

/** What a report asks for beyond a list that was agreed on, in words; empty if nothing. */
export function growthBeyond(
  agreed: Pick<AssetScopeReport, 'scopes' | 'fullGrant'>,
  now: AssetScopeReport,
): string[] {
  const asking = (scope: string): string =>
    now.handlers
      .filter(({ scopes }) => scopes?.includes(scope))
      .map(({ className, handlerName }) => `${className}.${handlerName}`)
      .join(', ');
  return [
    ...now.scopes
      .filter((scope) => !agreed.scopes.includes(scope))
      .map((scope) => `${scope} (${asking(scope)})`),
    ...now.fullGrant
      .filter((name) => !agreed.fullGrant.includes(name))
      .map((name) => `the full grant (${name})`),
  ];
}
