// What a token says of itself, without the token, and what it does not say of that which was asked for.
import { redacted } from '../config/redact.js';
import { type IssuedToken, tokenClaims } from '../token/endpoint/token-response.js';
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

/** A token that differs from what was asked for in nothing that it tells. */
export interface UntoldReport {
  readonly untold: readonly Untold[];
  /** In words. */
  readonly reason: string;
}

/**
 * Describes a token. Whatever else a server puts into one, it may be the secret.
 *
 * @example
 * ```ts
 * const { kind, scopes } = tokenReport(issued, clientSecret);
 * ```
 */
export function tokenReport(issued: IssuedToken, clientSecret: string): TokenReport {
  const { value, issuedAt, lifeMs, requestMs } = issued;
  const { scopes, businessId } = tokenClaims(value);
  const shown = shownWithout([clientSecret, value]);
  return {
    lifetimeSeconds: Math.round(lifeMs / 1000),
    expiresAt: new Date(issuedAt.wall + lifeMs).toISOString(),
    requestMs: Math.round(requestMs),
    kind: payloadOf(value) === undefined ? 'opaque' : 'jwt',
    scopes: scopes?.map(shown),
    businessId: businessId === undefined ? undefined : shown(businessId),
    audience: audienceOf(value)?.map(shown),
  };
}

/**
 * What was asked for and is not told by the claims of the token. A resource and an audience need not be the same text (RFC
 * 8707 §2 defines no equivalence), so an audience without the resource is no proof of another grant, and no proof of this.
 *
 * @returns `undefined` if all is told
 *
 * @example
 * ```ts
 * const { untold } = untoldBy(issued, { scopes: ['ledger:read'] }, clientSecret) ?? { untold: [] };
 * ```
 */
export function untoldBy(
  { value }: IssuedToken,
  asked: AccessTokenGrant,
  clientSecret: string,
): UntoldReport | undefined {
  const { scopes, businessId } = tokenClaims(value);
  const audience = audienceOf(value);
  const missing = asked.resource?.filter((resource) => !audience?.includes(resource)) ?? [];
  const shown = shownWithout([clientSecret, value]);
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
  if (untold.length === 0) return undefined;
  const words = untold.map(([, , inWords]) => inWords);
  return { untold: untold.map(([what]) => what), reason: `it ${words.join(' and ')}.` };
}

const shownWithout =
  (secrets: readonly string[]) =>
  (text: string): string =>
    redacted(text, secrets);

/** RFC 7519 §4.1.3: text or a list of it. */
function audienceOf(token: string): readonly string[] | undefined {
  const aud = payloadOf(token)?.aud;
  const list: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  return list.every((audience) => typeof audience === 'string') ? list : undefined;
}

/** RFC 7519 §3: three parts, of which the second is an object. `undefined`: it is no JWT. */
function payloadOf(token: string): Readonly<Record<string, unknown>> | undefined {
  const [, payload, signature, more] = token.split('.', 4);
  if (payload === undefined || signature === undefined || more !== undefined) return undefined;
  try {
    const parsed: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString());
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : undefined;
  } catch {
    return undefined;
  }
}
