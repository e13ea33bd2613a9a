import { AxiosError, type AxiosResponse } from 'axios';
import {
  ASSET_AUTH_ERROR,
  AssetAuthError,
  type AssetAuthErrorCode,
  type AssetAuthErrorLike,
} from '../config/asset-auth.error.js';

/**
 * The request was refused before anything was sent: its address is not Asset's, it would be redirected away, it brings
 * its own `Authorization` or its own way out (`ASSET_REQUEST_NOT_ALLOWED`).
 */
export class AssetRequestError extends AssetAuthError {
  override readonly name: string = 'AssetRequestError';

  constructor(message: string) {
    super(message, { code: 'ASSET_REQUEST_NOT_ALLOWED' });
  }
}

/** The codes of an {@link AssetApiError}. */
export type AssetApiErrorCode = Extract<
  AssetAuthErrorCode,
  'ASSET_UNAUTHORIZED' | 'ASSET_INSUFFICIENT_SCOPE' | 'ASSET_RATE_LIMITED'
>;

/** What an {@link AssetApiError} is made of besides the failed answer. */
export interface AssetApiErrorDetails {
  readonly code: AssetApiErrorCode;
  readonly retryable: boolean;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/**
 * The API answered 401, 403 or 429, in words. Stays an `AxiosError` with its `response`, so that axios-retry, exception
 * filters and `isAxiosError` go on working; only `code` and `message` are ours.
 *
 * @example
 * ```ts
 * catchError((error) => {
 *   if (isAssetAuthError(error, 'ASSET_RATE_LIMITED')) return timer(error.retryAfterMs ?? 1000);
 *   throw error;
 * });
 * ```
 */
export class AssetApiError extends AxiosError implements AssetAuthErrorLike {
  declare readonly code: AssetApiErrorCode;
  readonly retryable: boolean;
  declare readonly retryAfterMs?: number;

  static {
    Object.defineProperty(this.prototype, ASSET_AUTH_ERROR, { value: true });
  }

  constructor(message: string, response: AxiosResponse, details: AssetApiErrorDetails) {
    super(message, details.code, response.config, response.request, response);
    this.name = 'AssetApiError';
    this.retryable = details.retryable;
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs;
    if (details.cause !== undefined) {
      // As `Error` itself does it: not enumerable, since loggers walk what is.
      Object.defineProperty(this, 'cause', { value: details.cause, writable: true, configurable: true });
    }
  }
}
