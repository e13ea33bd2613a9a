import type { ScopeSet } from '../../config/scope-set.js';
import { flat } from './flat-text.js';

/** What is the same in every token request of a client. */
export interface TokenRequestConstants {
  readonly clientId: string;
  readonly tokenTtlSeconds: number;
}

/** What an access token is asked for: nothing means the client's full grant. */
export interface AccessTokenGrant {
  readonly scopes: ScopeSet | undefined;
  readonly businessId: string | undefined;
  readonly resource: readonly string[] | undefined;
}

/**
 * One access token request, immutable. Its key *is* the form that is sent, without the secret: a parameter that is
 * sent but does not tell tokens apart cannot be written.
 */
export class AccessTokenRequest implements AccessTokenGrant {
  readonly scopes: ScopeSet | undefined;
  readonly businessId: string | undefined;
  readonly resource: readonly string[] | undefined;
  readonly key: string;

  constructor({ clientId, tokenTtlSeconds }: TokenRequestConstants, grant: AccessTokenGrant) {
    this.scopes = grant.scopes;
    this.businessId = grant.businessId;
    this.resource = grant.resource;
    const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId });
    if (grant.scopes !== undefined) form.append('scope', grant.scopes.join(' '));
    if (grant.businessId !== undefined) form.append('business_id', grant.businessId);
    for (const uri of grant.resource ?? []) form.append('resource', uri);
    form.append('expires_in', String(tokenTtlSeconds));
    this.key = flat(form.toString());
    Object.freeze(this);
  }

  /** The form body as it goes over the wire. */
  body(clientSecret: string): string {
    return `${this.key}&${new URLSearchParams({ client_secret: clientSecret }).toString()}`;
  }
}

/** Says what was asked for, for messages: `scopes ledger:read, business biz_1`. */
export function describeGrant({ scopes, businessId, resource }: AccessTokenGrant): string {
  const parts = [scopes === undefined ? 'the full grant' : `scopes ${scopes.join(' ')}`];
  if (businessId !== undefined) parts.push(`business ${businessId}`);
  if (resource !== undefined) parts.push(`resource ${resource.join(' ')}`);
  return parts.join(', ');
}
