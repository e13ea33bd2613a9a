import { BadRequestException } from '@nestjs/common';
import {
  ASSET_AUTH_ERROR,
  type AssetAuthErrorLike,
  AssetBusinessError,
  AssetScopeError,
} from '../config/asset-auth.errors.js';

/**
 * The request names something that is no business id where `@AssetBusiness` looks for one: the caller's fault, so an
 * HTTP 400 before the handler runs and before any token is asked for. Nest's own exception, so that filters treat it as
 * one; `isAssetAuthError(error, 'ASSET_BUSINESS_INVALID')` knows it too. In a microservice or a gateway, whose handlers know
 * no HTTP errors, the caller gets Nest's "Internal server error" unless a filter maps it.
 *
 * @example
 * ```ts
 * // Below a line with the decorator Catch(BadRequestException):
 * export class BadRequestFilter extends BaseExceptionFilter {
 *   override catch(error: BadRequestException, host: ArgumentsHost) {
 *     if (isAssetAuthError(error, 'ASSET_BUSINESS_INVALID')) this.logger.debug(error.message);
 *     super.catch(error, host);
 *   }
 * }
 * ```
 */
export class AssetBusinessRequestError extends BadRequestException implements AssetAuthErrorLike {
  readonly code = 'ASSET_BUSINESS_INVALID';
  readonly retryable = false;

  static {
    Object.defineProperty(this.prototype, ASSET_AUTH_ERROR, { value: true });
  }
}

/** @param at - the decorator and where it stands */
export const unusableScope = (at: string, problem: string): AssetScopeError =>
  new AssetScopeError(`${at} cannot be used: ${problem}.`, 'ASSET_SCOPE_INVALID');

/** @param at - the decorator and where it stands */
export const unusableBusiness = (at: string, problem: string): AssetBusinessError =>
  new AssetBusinessError(`${at} cannot be used: ${problem}.`, 'ASSET_BUSINESS_INVALID');
