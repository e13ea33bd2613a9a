import { ModulesContainer } from '@nestjs/core';
import type { ScopeSet } from '../config/scope-set.js';
import { AssetScopeExplorer, type AssetScopeInventoryEntry } from './asset-scope.explorer.js';

/**
 * Lists every scope that the application's decorators may ever request, by controller and handler, so that its OAuth
 * client can be granted exactly that. Scopes that code names at run time (`withScope`, the `asset` option, the module's
 * defaults) are not decorators and not in the list; neither is a handler without any of our decorators.
 *
 * Works on an application in Nest's preview mode, too, which instantiates nothing. It calls no factories either, so the
 * `@RunWithAssetScope` methods of a class that only a `useFactory` makes are missing there: provide the class itself, or
 * take the list of the running application.
 *
 * @example
 * ```ts
 * const app = await NestFactory.createApplicationContext(AppModule, { preview: true });
 * console.log(listAssetScopes(app).scopes);
 * ```
 */
export function listAssetScopes(app: ProviderLookup): AssetScopeReport {
  const handlers = new AssetScopeExplorer(app.get(ModulesContainer)).inventory();
  return {
    scopes: scopesOf(handlers),
    clients: scopesByClient(handlers),
    fullGrant: handlers.filter(({ scopes }) => scopes === null).map(nameOf),
    undeclared: handlers.filter(({ scopes }) => scopes === undefined).map(nameOf),
    handlers,
  };
}

/** The one thing that is needed of an application: `INestApplicationContext` and its kin have it. */
export interface ProviderLookup {
  get<T>(token: new (...args: never[]) => T): T;
}

/** What an application's decorators may ever ask Asset for. */
export interface AssetScopeReport {
  /** Every scope that is named, sorted: what the application's OAuth client has to be granted for them. */
  readonly scopes: ScopeSet;
  /** Of those, by the client's name, the ones that only this client is asked for (`{ client: 'eu' }`). */
  readonly clients: Readonly<Record<string, ScopeSet>>;
  /** Handlers with `@AssetScope(null)`. Their calls fail, or with `undeclaredScopes: 'allow'` ask for all that the client may. */
  readonly fullGrant: readonly string[];
  /**
   * Handlers that declare a business and no scopes: they ask for what the module's option `scopes` names; without it,
   * `undeclaredScopes` decides.
   */
  readonly undeclared: readonly string[];
  /** Every handler with what it asks for. */
  readonly handlers: readonly AssetScopeInventoryEntry[];
}

function scopesOf(handlers: readonly AssetScopeInventoryEntry[]): ScopeSet {
  return [...new Set(handlers.flatMap(({ scopes }) => scopes ?? []))].sort();
}

function scopesByClient(handlers: readonly AssetScopeInventoryEntry[]): AssetScopeReport['clients'] {
  const ofAll = scopesOf(handlers.filter(({ client }) => client === undefined));
  const names = [...new Set(handlers.flatMap(({ client }) => client ?? []))].sort();
  const ofEach = names.map((name) => {
    const scopes = scopesOf(handlers.filter(({ client }) => client === name));
    return [name, scopes.filter((scope) => !ofAll.includes(scope))] as const;
  });
  return Object.fromEntries(ofEach.filter(([, scopes]) => scopes.length > 0));
}

/** Where it is, and for which client, if for one. */
function nameOf(entry: AssetScopeInventoryEntry): string {
  return entry.client === undefined ? placeOf(entry) : `${placeOf(entry)} for "${entry.client}"`;
}

function placeOf({ className, handlerName }: AssetScopeInventoryEntry): string {
  return `${className}.${handlerName}`;
}

/** What was agreed on: a report, or of an earlier or handwritten list whatever it holds. */
export type AgreedScopes = Pick<AssetScopeReport, 'scopes'> & Partial<AssetScopeReport>;

/**
 * What a report asks for beyond a list that was agreed on, in words; empty if nothing. Client by client: a scope that
 * was agreed for one client is growth when all are asked for it.
 */
export function growthBeyond(agreed: AgreedScopes, now: AssetScopeReport): string[] {
  const agreedForAll = scopesForAll(agreed);
  const agreedFor = new Map(Object.entries(agreed.clients ?? {}));
  const growth: string[] = [];
  for (const scope of scopesForAll(now)) {
    if (agreedForAll.includes(scope)) continue;
    const agreedForOne = agreed.scopes.includes(scope);
    growth.push(`${scope}${agreedForOne ? ' of every client' : ''} (${asking(now, scope, undefined)})`);
  }
  for (const [client, scopes] of Object.entries(now.clients)) {
    const known = [...agreedForAll, ...(agreedFor.get(client) ?? [])];
    for (const scope of scopes) {
      if (known.includes(scope)) continue;
      growth.push(`${scope} of the client "${client}" (${asking(now, scope, client)})`);
    }
  }
  for (const name of newNames(agreed.fullGrant, now.fullGrant)) growth.push(`the full grant (${name})`);
  for (const name of newNames(agreed.undeclared, now.undeclared)) {
    growth.push(`no declared scopes (${name})`);
  }
  return growth;
}

/** A list without clients is meant for all of them. */
function scopesForAll({ scopes, clients = {} }: AgreedScopes): ScopeSet {
  const ofOne = Object.values(clients).flat();
  return scopes.filter((scope) => !ofOne.includes(scope));
}

function asking({ handlers }: AssetScopeReport, scope: string, client: string | undefined): string {
  return handlers
    .filter((handler) => handler.client === client && handler.scopes?.includes(scope))
    .map(placeOf)
    .join(', ');
}

/** A name for one client was agreed on as well where the same place was agreed on for all. */
function newNames(agreed: readonly string[] = [], now: readonly string[]): string[] {
  return now.filter((name) => !agreed.includes(name) && !agreed.includes(name.replace(/ for ".*"$/, '')));
}
