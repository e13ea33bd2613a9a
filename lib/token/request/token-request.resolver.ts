import { resourceSet, type AssetAuthConfig } from '../../config/asset-auth.config.js';
import { checkedBusinessId } from '../../config/business-id.js';
import { AssetConfigError, AssetScopeError } from '../../config/config.errors.js';
import { resource as resourceProblem } from '../../config/option-checks.js';
import { described, quoted } from '../../config/printable.js';
import { scopesBeyond, scopeSet, type AssetScopes, type ScopeSet } from '../../config/scope-set.js';
import { AccessTokenRequest } from './access-token-request.js';
import { flat } from './flat-text.js';

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
