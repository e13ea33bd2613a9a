// What a token can be asked for: when scopes, business ids and resources are well formed, and their normal form.
import { AssetBusinessError, AssetScopeError } from './asset-auth.errors.js';
import type { DocumentedScope } from './documented-scopes.js';
import { described, parsedUrl, quoted } from './text.js';

/**
 * The scopes that Asset documents, for the editor's completion, and any other well-formed string: more exist than are
 * documented, so nothing else is refused.
 */
export type AssetScopeName = DocumentedScope | (string & {});

/** The normal form of a set of scopes: sorted, without duplicates, frozen. Order carries no meaning (RFC 6749 §3.3). */
export type ScopeSet = readonly AssetScopeName[];

/** One scope or a list of them, as a user writes it. */
export type AssetScopes = AssetScopeName | readonly AssetScopeName[];

/** RFC 6749 §3.3: `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )`. Case-sensitive, nothing stricter. */
const SCOPE_TOKEN = /^[\x21\x23-\x5B\x5D-\x7E]+$/;

/**
 * What is wrong with a scope or list of scopes, or `undefined` if nothing is.
 *
 * @param nameOf - how to call the scope at fault; by default it is quoted
 */
export function scopesProblem(
  scopes: unknown,
  nameOf: (scope: string, index: number) => string = quoted,
): string | undefined {
  const list = listOf(scopes);
  if (list.length === 0) {
    return 'an empty list of scopes. Asset takes a request without scopes as a request for everything, so name at least one scope, or leave the scopes out on purpose with null';
  }
  for (const [index, scope] of list.entries()) {
    if (scope === '') return 'an empty string is not a scope. Name a scope such as "ledger:read"';
    if (typeof scope !== 'string')
      return `a scope is a string such as "ledger:read", not ${described(scope)}`;
    if (scope.includes(' ')) {
      return `${nameOf(scope, index)} holds a space. List several scopes separately: ['ledger:read', 'report:read']`;
    }
    if (!SCOPE_TOKEN.test(scope)) {
      return `${nameOf(scope, index)} holds a character that no scope may hold. Allowed are printable ASCII characters except the space, " and \\ (RFC 6749 §3.3)`;
    }
  }
  return undefined;
}

/** For {@link scopesProblem}, of scopes that must not be repeated: any option may hold a secret that belongs elsewhere. */
export const byPlace = (_scope: string, index: number): string => `scope ${index + 1}`;

const listOf = (scopes: unknown): readonly unknown[] => (Array.isArray(scopes) ? scopes : [scopes]);

/**
 * The normal form of one scope or a list of scopes.
 *
 * @throws AssetScopeError `ASSET_SCOPE_INVALID`
 */
export function scopeSet(scopes: AssetScopes): ScopeSet {
  // A copy, so that the list that is checked is the list that is used.
  const list = [...listOf(scopes)];
  const problem = scopesProblem(list);
  if (problem !== undefined) {
    throw new AssetScopeError(`Scopes cannot be used: ${problem}.`, 'ASSET_SCOPE_INVALID');
  }
  return Object.freeze([...new Set(list as string[])].sort());
}

/** The members of `scopes` that `allowed` does not hold. */
export function scopesBeyond(allowed: ScopeSet, scopes: ScopeSet): ScopeSet {
  return scopes.filter((scope) => !allowed.includes(scope));
}

/** `biz_`, then letters and digits; the length is not fixed (Asset API reference). */
const BUSINESS_ID = /^biz_[A-Za-z0-9]+$/;

/** In characters, twice as long as any that is known: each id that is asked for is kept in memory for a while. */
const LONGEST_BUSINESS_ID = 64;

/**
 * What is wrong with a business id, or `undefined` if nothing is.
 *
 * @param name - how to call it; by default it is quoted
 */
export function businessIdProblem(businessId: unknown, name?: string): string | undefined {
  if (typeof businessId === 'string' && businessId.length > LONGEST_BUSINESS_ID) {
    return `${name ?? quoted(businessId)} is no business id: it is ${businessId.length} characters long, and a business id ${LONGEST_BUSINESS_ID} at most`;
  }
  if (typeof businessId === 'string' && BUSINESS_ID.test(businessId)) return undefined;
  return `${name ?? quoted(businessId)} is not a business id. One looks like "biz_GA6EG2qFxA97NZHtxeLPUy": "biz_", then letters and digits`;
}

/**
 * The business id itself, once it is known to be well formed.
 *
 * @throws AssetBusinessError `ASSET_BUSINESS_INVALID`
 */
export function checkedBusinessId(businessId: string): string {
  const problem = businessIdProblem(businessId);
  if (problem !== undefined) throw new AssetBusinessError(`${problem}.`, 'ASSET_BUSINESS_INVALID');
  return businessId;
}

/** Printable ASCII without space: what a URI consists of (RFC 3986). */
export const URI_TEXT = /^[!-~]+$/;

/** What is wrong with one resource indicator or a list, or `undefined` if nothing is (RFC 8707 §2). */
export function resourceProblem(resource: unknown): string | undefined {
  const list = listOf(resource);
  if (list.length === 0) return 'is an empty list. Name a resource or leave the option out';
  return list.every(isAbsoluteUri)
    ? undefined
    : 'must be an absolute URI such as "https://api.getasset.com/mcp" or a list of them, without fragment, user name or password (RFC 8707)';
}

function isAbsoluteUri(uri: unknown): boolean {
  if (typeof uri !== 'string' || !URI_TEXT.test(uri) || uri.includes('#')) return false;
  const url = parsedUrl(uri);
  // The configuration prints its resources, so no password may hide in one.
  return url?.username === '' && url.password === '';
}

/** One or more resource indicators in normal form. Compared as text: RFC 8707 defines no equivalence of URIs. */
export function resourceSet(resource: string | readonly string[]): readonly string[] {
  return Object.freeze([...new Set(typeof resource === 'string' ? [resource] : resource)].sort());
}
