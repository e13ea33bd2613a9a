import {
  type ScopeSet,
  checkedBusinessId,
  scopesBeyond,
  scopeSet,
  type AssetScopes,
} from '../config/scope-set.js';
import { resourceSet, type AssetAuthConfig } from '../config/asset-auth.config.js';
import { AssetConfigError, AssetScopeError } from '../config/asset-auth.errors.js';
import { resource as resourceProblem } from '../config/option-checks.js';
import { described, quoted } from '../config/text.js';

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

/**
 * ASCII text of its own. What was put together stays a tree of its pieces, eleven of them for the key of a request; and
 * what was cut out of a longer text, as an id may be out of a body, holds on to all of that for as long as it is kept.
 */
export const flat = (text: string): string => Buffer.from(text, 'latin1').toString('latin1');

/**
 * What a token is asked for, as a caller says it: `undefined` means "not said here" and takes the module's default,
 * `null` means "explicitly none".
 */
export interface AssetTokenRequest {
  readonly scopes?: AssetScopes | null | undefined;
  readonly businessId?: string | null | undefined;
  /** Resource indicators (RFC 8707 §2): absolute URIs without fragment. */
  readonly resource?: string | readonly string[] | null | undefined;
}

/**
 * Refuses what is no object, or has a name that is not known: text in place of an object and a misspelled `scope` would
 * ask for everything, a misspelled `businessId` for the whole tenant.
 *
 * @throws AssetScopeError `ASSET_SCOPE_INVALID`
 */
export function assertKnownNames(said: unknown): void {
  if (typeof said !== 'object' || said === null || Array.isArray(said)) {
    throw unreadable(`is an object such as { scopes: ['ledger:read'] }, not ${described(said)}`);
  }
  for (const name in said) {
    if (name === 'scopes' || name === 'businessId' || name === 'resource') continue;
    // What somebody put on every object is no word of the caller's.
    if (Object.hasOwn(said, name))
      throw unreadable(`takes scopes, businessId and resource, but not ${quoted(name)}`);
  }
}

const unreadable = (problem: string): AssetScopeError =>
  new AssetScopeError(`A token request ${problem}. Nothing was sent.`, 'ASSET_SCOPE_INVALID');

/** Turns what a caller says into the immutable request: checked, in normal form, within the client's policy. */
export class TokenRequestResolver {
  readonly #config: AssetAuthConfig;

  constructor(config: AssetAuthConfig) {
    this.#config = config;
  }

  /**
   * @throws AssetScopeError `ASSET_SCOPE_INVALID`, `ASSET_SCOPE_UNDECLARED`, `ASSET_SCOPE_NOT_ALLOWED`
   * @throws AssetBusinessError `ASSET_BUSINESS_INVALID`
   * @throws AssetConfigError `ASSET_CONFIG_INVALID` for a resource that is none
   */
  resolve({ scopes, businessId, resource }: AssetTokenRequest): AccessTokenRequest {
    return new AccessTokenRequest(this.#config, {
      scopes: this.#scopes(scopes),
      businessId: businessId === undefined ? this.#config.businessId : this.#business(businessId),
      resource: resource === undefined ? this.#config.resource : this.#resource(resource),
    });
  }

  #scopes(said: AssetScopes | null | undefined): ScopeSet | undefined {
    const { scopes: defaults, allowedScopes, undeclaredScopes } = this.#config;
    const declared = said === undefined ? defaults : said === null ? undefined : scopeSet(said);
    if (declared === undefined) {
      if (undeclaredScopes === 'deny') throw undeclared();
      // An omitted scope asks Asset for everything, which would be beyond what is allowed.
      return allowedScopes;
    }
    const beyond = allowedScopes === undefined ? [] : scopesBeyond(allowedScopes, declared);
    if (beyond.length > 0) throw notAllowed(beyond);
    return declared;
  }

  #business(said: string | null): string | undefined {
    return said === null ? undefined : flat(checkedBusinessId(said));
  }

  #resource(said: string | readonly string[] | null): readonly string[] | undefined {
    if (said === null) return undefined;
    const problem = resourceProblem(said);
    if (problem !== undefined) {
      const wrong = [{ option: 'resource of the request', problem }];
      throw new AssetConfigError(wrong, 'A token cannot be asked for');
    }
    return resourceSet(said);
  }
}

const undeclared = (): AssetScopeError =>
  new AssetScopeError(
    "No scope is declared for this call, and undeclaredScopes: 'deny' forbids asking for everything. Put @AssetScope('…') on the handler, use withScope('…'), or pass scopes with the request.",
    'ASSET_SCOPE_UNDECLARED',
  );

const notAllowed = (beyond: ScopeSet): AssetScopeError =>
  new AssetScopeError(
    `The scope ${beyond.join(' ')} is beyond the option allowedScopes. Ask for less, or allow it there.`,
    'ASSET_SCOPE_NOT_ALLOWED',
  );
