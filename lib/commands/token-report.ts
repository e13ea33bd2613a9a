// What a token says of itself, without the token, and what it does not say of that which was asked for.
import { redacted } from '../config/redact.js';
import { type IssuedToken, jwtPayload, tokenClaims } from '../token/endpoint/token-response.js';
import type { AccessTokenGrant } from '../token/token-request.js';

/** A token, without itself. */
export interface TokenReport {
  readonly lifetimeSeconds: number;
  /** ISO 8601. */
  readonly expiresAt: string;
  /** Milliseconds that the last attempt took. */
  readonly requestMs: number;
  readonly kind: 'jwt' | 'opaque';
  /** By its own claims. */
  readonly scopes?: readonly string[] | undefined;
  /** By its own claims. */
  readonly businessId?: string | undefined;
  /** By its own claims: what the token is for. */
  readonly audience?: readonly string[] | undefined;
}

/** What may be asked for, and not be told by the token that comes back. */
export type Untold = 'scopes' | 'business' | 'resource';

/** A token, and what it does not tell. */
export interface TokenDescription {
  readonly token: TokenReport;
  /** What was asked for and is not told; left out if all is. */
  readonly untold?: readonly Untold[];
  /** The same in words. */
  readonly reason?: string;
}

/**
 * Describes a token by its claims. Whatever else a server puts into one, it may be the secret. A resource and an audience
 * need not be the same text (RFC 8707 §2 defines no equivalence), so an audience without the resource is no proof of another
 * grant, and no proof of this.
 *
 * @example
 * ```ts
 * const { token, untold = [] } = describeToken(issued, { scopes: ['ledger:read'] }, clientSecret);
 * ```
 */
export function describeToken(
  { value, issuedAt, lifeMs, requestMs }: IssuedToken,
  asked: AccessTokenGrant,
  clientSecret: string,
): TokenDescription {
  const payload = jwtPayload(value);
  const { scopes, businessId } = tokenClaims(value);
  const audience = audienceIn(payload);
  const shown = (text: string): string => redacted(text, [clientSecret, value]);
  const token: TokenReport = {
    lifetimeSeconds: Math.round(lifeMs / 1000),
    expiresAt: new Date(issuedAt.wall + lifeMs).toISOString(),
    requestMs: Math.round(requestMs),
    kind: payload === undefined ? 'opaque' : 'jwt',
    scopes: scopes?.map(shown),
    businessId: businessId === undefined ? undefined : shown(businessId),
    audience: audience?.map(shown),
  };
  const missing = asked.resource?.filter((resource) => !audience?.includes(resource)) ?? [];
  const found: readonly (readonly [Untold, boolean, string])[] = [
    ['scopes', asked.scopes !== undefined && scopes === undefined, 'names no scopes'],
    ['business', asked.businessId !== undefined && businessId === undefined, 'names no business'],
    [
      'resource',
      missing.length > 0,
      audience === undefined
        ? 'names no audience'
        : `has the audience ${shown(audience.join(' '))}, without ${shown(missing.join(' '))}`,
    ],
  ];
  const untold = found.filter(([, isUntold]) => isUntold);
  if (untold.length === 0) return { token };
  const reason = `it ${untold.map(([, , inWords]) => inWords).join(' and ')}.`;
  return { token, untold: untold.map(([what]) => what), reason };
}

/** RFC 7519 §4.1.3: text or a list of it. */
function audienceIn(payload: Readonly<Record<string, unknown>> | undefined): readonly string[] | undefined {
  const aud = payload?.aud;
  const list: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  return list.every((audience) => typeof audience === 'string') ? list : undefined;
}
