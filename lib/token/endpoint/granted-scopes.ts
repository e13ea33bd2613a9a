import type { AccessTokenGrant } from '../request/access-token-request.js';
import type { TokenClaims } from './jwt-claims.js';
import { printable } from '../../config/printable.js';

/**
 * How a token differs from what was asked for, in words, or `undefined`. Only a token's own claims can show it: Asset's
 * answers carry no `scope` field.
 */
export function grantDifference(asked: AccessTokenGrant, claims: TokenClaims): string | undefined {
  const differences = [scopeDifference(asked, claims), businessDifference(asked, claims)];
  const said = differences.filter((difference) => difference !== undefined);
  return said.length > 0 ? said.join('; ') : undefined;
}

function scopeDifference(
  { scopes: asked }: AccessTokenGrant,
  { scopes: granted }: TokenClaims,
): string | undefined {
  if (asked === undefined || granted === undefined) return undefined;
  const missing = asked.filter((scope) => !granted.includes(scope));
  const extra = granted.filter((scope) => !asked.includes(scope));
  const parts = [
    ...(missing.length > 0 ? [`without ${missing.join(' ')}`] : []),
    ...(extra.length > 0 ? [`with ${printable(extra.join(' '))} besides`] : []),
  ];
  return parts.length > 0 ? `it was granted ${parts.join(' and ')}` : undefined;
}

function businessDifference(
  { businessId: asked }: AccessTokenGrant,
  { businessId: granted }: TokenClaims,
): string | undefined {
  if (asked === undefined || granted === undefined || asked === granted) return undefined;
  return `it was granted for business ${printable(granted)}`;
}
