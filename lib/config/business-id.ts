import { AssetBusinessError } from './config.errors.js';
import { quoted } from './printable.js';

/** `biz_`, then letters and digits; the length is not fixed (Asset API reference). */
const BUSINESS_ID = /^biz_[A-Za-z0-9]+$/;

/**
 * What is wrong with a business id, or `undefined` if nothing is.
 *
 * @param name - how to call it; by default it is quoted
 */
export function businessIdProblem(businessId: unknown, name?: string): string | undefined {
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
