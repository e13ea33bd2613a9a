import type { AssetScopes } from '../config/scope-set.js';

/**
 * What one request asks its token for, in its axios config. It goes before everything else; what is left out comes from
 * the narrowed view, the scope context or the module's defaults. Interceptors of the application find it there complete
 * with what the view and the context say, and may change it.
 *
 * @example
 * ```ts
 * this.asset.get('/v0/business', { asset: { scopes: ['ledger:read'], businessId: null } });
 * ```
 */
export interface AssetRequestOptions {
  /** One scope or a list; `null`: explicitly none. */
  readonly scopes?: AssetScopes | null | undefined;
  /** The business to narrow the token to; `null`: explicitly none. */
  readonly businessId?: string | null | undefined;
  /** Resource indicators (RFC 8707), absolute URIs without fragment; `null`: explicitly none. */
  readonly resource?: string | readonly string[] | null | undefined;
}
