import type { RegisteredClient } from './asset-auth.clients.js';
import { AssetConfigError, AssetScopeError } from './config/config.errors.js';
import { scopesBeyond, type ScopeSet } from './config/scope-set.js';
import type { AssetScopeInventoryEntry } from './scope/asset-scope.explorer.js';

/**
 * Holds what a decorator asks for against the clients of the application: the one that it names, or all of them.
 *
 * @throws AssetConfigError when the client that it names does not exist
 * @throws AssetScopeError `ASSET_SCOPE_NOT_ALLOWED` when every client that is meant refuses it
 */
export function assertAllowed(
  { scopes, client, className, handlerName, kind }: AssetScopeInventoryEntry,
  clients: readonly RegisteredClient[],
): void {
  const place = `${kind === 'method' ? '@RunWithAssetScope' : '@AssetScope'} on ${className}.${handlerName}`;
  const meant = clients.filter(({ name }) => client === undefined || client === name);
  if (meant.length === 0 && client !== undefined) throw unknownClient(place, client);
  if (scopes === undefined || scopes === null) return;
  const refused = meant.map((one) => beyondAllowed(one, scopes));
  const [first] = refused;
  if (first === undefined || refused.some((beyond) => beyond.length === 0)) return;
  throw new AssetScopeError(
    `${place} asks for ${first.join(' ')}, which is beyond the option allowedScopes${
      client === undefined ? '' : ` of the client "${client}"`
    }. Ask for less there, or allow it.`,
    'ASSET_SCOPE_NOT_ALLOWED',
  );
}

function beyondAllowed({ moduleRef, configToken }: RegisteredClient, scopes: ScopeSet): ScopeSet {
  const { allowedScopes } = moduleRef.get(configToken);
  return allowedScopes === undefined ? [] : scopesBeyond(allowedScopes, scopes);
}

function unknownClient(place: string, name: string): AssetConfigError {
  const problem = `${place} is for the client "${name}", which does not exist. Register it with AssetAuthModule.forRoot({ name: '${name}', … }), or correct the name there`;
  return new AssetConfigError([{ option: 'name', problem }]);
}
