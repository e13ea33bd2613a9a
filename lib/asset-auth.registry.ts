import { Injectable, Logger, type OnModuleInit, Scope } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';
import { ASSET_AUTH_OPTIONS } from './asset-auth.client-providers.js';
import { getAssetAuthConfigToken } from './asset-auth.tokens.js';
import type { AssetAuthConfig } from './config/asset-auth.config.js';
import { AssetConfigError, AssetScopeError } from './config/config.errors.js';
import { scopesBeyond, type ScopeSet } from './config/scope-set.js';
import { AssetScopeExplorer, type AssetScopeInventoryEntry } from './scope/asset-scope.explorer.js';

/** Knows the clients of one application, and checks at boot what can be known then about all of them together. */
@Injectable()
export class AssetAuthRegistry implements OnModuleInit {
  readonly #clients = new Map<string | null, ModuleRef>();
  readonly #logger = new Logger('AssetAuthModule');

  constructor(private readonly explorer: AssetScopeExplorer) {}

  /** @throws AssetConfigError when two clients are registered under one name */
  register(name: string | null, moduleRef: ModuleRef): void {
    if (this.#clients.has(name)) throw registeredTwice(name);
    this.#clients.set(name, moduleRef);
  }

  /**
   * @throws AssetConfigError when the options of a client are request-scoped
   * @throws AssetScopeError `ASSET_SCOPE_NOT_ALLOWED` when a decorator asks for what no client may ask for
   */
  onModuleInit(): void {
    for (const [name, moduleRef] of this.#clients) assertNotRequestScoped(name, moduleRef);
    for (const entry of this.explorer.inventory()) this.#assertAllowed(entry);
    for (const { message } of this.explorer.misplaced()) this.#logger.warn(message);
  }

  #assertAllowed({ scopes, client, className, handlerName, kind }: AssetScopeInventoryEntry): void {
    const place = `${kind === 'method' ? '@RunWithAssetScope' : '@AssetScope'} on ${className}.${handlerName}`;
    if (client !== undefined && !this.#clients.has(client)) throw unknownClient(place, client);
    if (scopes === undefined || scopes === null) return;
    const meant = client === undefined ? [...this.#clients.keys()] : [client];
    const refused = meant.map((name) => this.#beyondAllowed(name, scopes));
    const [first] = refused;
    if (first === undefined || refused.some((beyond) => beyond.length === 0)) return;
    throw new AssetScopeError(
      `${place} asks for ${first.join(' ')}, which is beyond the option allowedScopes${
        client === undefined ? '' : ` of the client "${client}"`
      }. Ask for less there, or allow it.`,
      'ASSET_SCOPE_NOT_ALLOWED',
    );
  }

  #beyondAllowed(name: string | null, scopes: ScopeSet): ScopeSet {
    const config = this.#clients.get(name)?.get<AssetAuthConfig>(getAssetAuthConfigToken(name ?? undefined));
    return config?.allowedScopes === undefined ? [] : scopesBeyond(config.allowedScopes, scopes);
  }
}

function unknownClient(place: string, name: string): AssetConfigError {
  const problem = `${place} is for the client "${name}", which does not exist. Register it with AssetAuthModule.forRoot({ name: '${name}', … }), or correct the name there`;
  return new AssetConfigError([{ option: 'name', problem }]);
}

function registeredTwice(name: string | null): AssetConfigError {
  const problem =
    name === null
      ? 'AssetAuthModule is registered twice without a name. Register it once, or give the second client a name'
      : `two clients are named "${name}". Give each its own name`;
  return new AssetConfigError([{ option: 'name', problem }]);
}

/**
 * Options that depend on a request would make the whole client depend on it: a cache for each request, and no lifecycle
 * hooks. Nest boots such an application without a word.
 */
function assertNotRequestScoped(name: string | null, moduleRef: ModuleRef): void {
  if (moduleRef.introspect(ASSET_AUTH_OPTIONS).scope === Scope.DEFAULT) return;
  throw new AssetConfigError([
    {
      option: 'useFactory',
      problem: `the options${name === null ? '' : ` of the client "${name}"`} depend on a request-scoped provider, which would make a new client for each request. Inject singletons only; what differs from request to request belongs into @AssetBusiness, withScope or a clientSecret function`,
    },
  ]);
}
