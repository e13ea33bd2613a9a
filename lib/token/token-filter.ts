import { AssetScopeError } from '../config/asset-auth.errors.js';
import { isPlainObject, said, unknownName } from '../config/plain-object.js';
import { checkedBusinessId, scopeSet, type AssetScopes } from '../config/scope-set.js';
import { quoted } from '../config/text.js';
import type { AccessTokenGrant } from './token-request.js';

/**
 * Which tokens are meant, for code that holds none: those of a business, of scopes, or of both. `null` means "those without".
 */
export interface AssetTokenFilter {
  readonly businessId?: string | null | undefined;
  /** Exactly these, in any order. */
  readonly scopes?: AssetScopes | null | undefined;
}

const NAMES = ['businessId', 'scopes'];

/**
 * Whether a token is one of those that are meant.
 *
 * @throws AssetScopeError, AssetBusinessError when nothing is named, or something that no token has: taken for "all", a slip
 * would give up every token there is
 */
export function matcherOf(asked: AssetTokenFilter): (token: AccessTokenGrant) => boolean {
  if (!isPlainObject(asked)) throw unclear("is an object such as { businessId: 'biz_…' }");
  const unknown = unknownName(asked, NAMES);
  if (unknown !== undefined) throw unclear(`takes businessId and scopes, but not ${quoted(unknown)}`);
  const businessId = said(asked, 'businessId');
  const scopes = said(asked, 'scopes');
  if (businessId === undefined && scopes === undefined) {
    throw unclear(
      'names a business or scopes, and here both are missing. For all tokens there is invalidateAll()',
    );
  }
  if (businessId !== undefined && businessId !== null) checkedBusinessId(businessId);
  // Not by `&&`: an empty string is a mistake.
  const wanted = scopes === undefined || scopes === null ? scopes : scopeSet(scopes).join(' ');
  return (token) => {
    const isOfScopes = scopes === undefined || (token.scopes?.join(' ') ?? null) === wanted;
    return isOfScopes && (businessId === undefined || (token.businessId ?? null) === businessId);
  };
}

const unclear = (problem: string): AssetScopeError =>
  new AssetScopeError(`What invalidate() is given ${problem}. No token was given up.`, 'ASSET_SCOPE_INVALID');
