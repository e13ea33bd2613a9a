import { STATUS_CODES } from 'node:http';
import type { AssetAuthErrorCode, AssetAuthErrorLike } from '../config/asset-auth.error.js';

/** What the application's own callers are told of a failed call to Asset: nothing but how it went. */
export interface CallerAnswer {
  readonly statusCode: number;
  readonly message: string;
  /** Seconds, for `Retry-After` (RFC 9110 §10.2.3). */
  readonly retryAfterSeconds: number | undefined;
}

/** 502: Asset refused the application. 503: not now. 500: the application asked for something that it must not. */
const STATUS: Readonly<Record<AssetAuthErrorCode, 500 | 502 | 503>> = {
  ASSET_CONFIG_INVALID: 500,
  ASSET_SCOPE_INVALID: 500,
  ASSET_SCOPE_UNDECLARED: 500,
  ASSET_SCOPE_NOT_ALLOWED: 500,
  ASSET_BUSINESS_INVALID: 500,
  ASSET_BUSINESS_MISMATCH: 500,
  ASSET_REQUEST_NOT_ALLOWED: 500,
  ASSET_CREDENTIALS_REJECTED: 502,
  ASSET_SCOPE_REJECTED: 502,
  ASSET_BUSINESS_UNKNOWN: 502,
  ASSET_TOKEN_REQUEST_REJECTED: 502,
  ASSET_TOKEN_MALFORMED: 502,
  ASSET_GRANT_MISMATCH: 502,
  ASSET_UNAUTHORIZED: 502,
  ASSET_INSUFFICIENT_SCOPE: 502,
  ASSET_TOKEN_THROTTLED: 503,
  ASSET_TOKEN_UNAVAILABLE: 503,
  ASSET_RATE_LIMITED: 503,
  ASSET_CLOSED: 503,
};

export function callerAnswer(error: AssetAuthErrorLike & { readonly timedOut?: boolean }): CallerAnswer {
  const statusCode = error.timedOut === true ? 504 : STATUS[error.code];
  const { retryAfterMs } = error;
  return {
    statusCode,
    message: STATUS_CODES[statusCode] ?? '',
    retryAfterSeconds:
      statusCode === 503 && retryAfterMs !== undefined ? Math.ceil(retryAfterMs / 1000) : undefined,
  };
}
