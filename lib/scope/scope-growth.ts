import type { ScopeSet } from '../config/scope-set.js';
import { type AssetScopeReport, placeOf } from './scope-report.js';

/** What was agreed on: a report, or of an earlier or handwritten list whatever it holds. */
export type AgreedScopes = Pick<AssetScopeReport, 'scopes'> & Partial<AssetScopeReport>;

/**
 * What a report asks for beyond a list that was agreed on, in words; empty if nothing. Client by client: a scope that
 * was agreed for one client is growth when all are asked for it.
 */
export function growthBeyond(agreed: AgreedScopes, now: AssetScopeReport): string[] {
  const agreedForAll = scopesForAll(agreed);
  const more = scopesForAll(now).filter((scope) => !agreedForAll.includes(scope));
  const moreOfClients = Object.entries(now.clients).flatMap(([client, scopes]) =>
    scopes
      .filter((scope) => !agreedForAll.includes(scope) && !scopesOnlyFor(client, agreed).includes(scope))
      .map((scope) => `${scope} of the client "${client}" (${asking(now, scope, client)})`),
  );
  return [
    ...more.map((scope) => {
      const wasForOne = agreed.scopes.includes(scope);
      return `${scope}${wasForOne ? ' of every client' : ''} (${asking(now, scope, undefined)})`;
    }),
    ...moreOfClients,
    ...newNames(agreed.fullGrant, now.fullGrant).map((name) => `the full grant (${name})`),
    ...newNames(agreed.undeclared, now.undeclared).map((name) => `no declared scopes (${name})`),
  ];
}

/** A list without clients is meant for all of them. */
function scopesForAll({ scopes, clients = {} }: AgreedScopes): ScopeSet {
  const ofOne = Object.values(clients).flat();
  return scopes.filter((scope) => !ofOne.includes(scope));
}

function scopesOnlyFor(client: string, { clients = {} }: AgreedScopes): ScopeSet {
  return new Map(Object.entries(clients)).get(client) ?? [];
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
