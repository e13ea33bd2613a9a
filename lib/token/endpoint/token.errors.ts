import {
  AssetAuthError,
  type AssetAuthErrorCode,
  type AssetAuthErrorDetails,
} from '../../config/asset-auth.errors.js';
import type { ScopeSet } from '../../config/scope-set.js';
import { describeGrant, type AccessTokenGrant } from '../token-request.js';

/** The codes of an {@link AssetTokenError}. */
export type AssetTokenErrorCode = Extract<
  AssetAuthErrorCode,
  | 'ASSET_CONFIG_INVALID'
  | 'ASSET_CREDENTIALS_REJECTED'
  | 'ASSET_SCOPE_REJECTED'
  | 'ASSET_BUSINESS_UNKNOWN'
  | 'ASSET_TOKEN_REQUEST_REJECTED'
  | 'ASSET_TOKEN_THROTTLED'
  | 'ASSET_TOKEN_UNAVAILABLE'
  | 'ASSET_TOKEN_MALFORMED'
  | 'ASSET_GRANT_MISMATCH'
>;

/** What an {@link AssetTokenError} tells besides its message. */
export interface AssetTokenErrorDetails extends AssetAuthErrorDetails {
  readonly code: AssetTokenErrorCode;
  /** What was asked for. */
  readonly grant: AccessTokenGrant;
  readonly environment: string;
  /** HTTP status of the token endpoint's answer, if there was one. */
  readonly status?: number | undefined;
  /** Whether there was no answer in time. */
  readonly timedOut?: boolean | undefined;
}

/**
 * No token could be had. The message says what was asked for, what came back and what to do about it; it holds neither
 * the client secret nor a token.
 *
 * @example
 * ```ts
 * if (isAssetAuthError(error, 'ASSET_SCOPE_REJECTED')) this.logger.error(error.message);
 * ```
 */
export class AssetTokenError extends AssetAuthError {
  override readonly name: string = 'AssetTokenError';
  declare readonly code: AssetTokenErrorCode;
  readonly scopes: ScopeSet | undefined;
  readonly businessId: string | undefined;
  readonly resource: readonly string[] | undefined;
  readonly environment: string;
  declare readonly status?: number;
  /** Whether the endpoint gave no complete answer in time. */
  readonly timedOut: boolean;
  /** What came back and what to do about it, without what was asked for. */
  readonly reason: string;

  constructor(reason: string, details: AssetTokenErrorDetails) {
    super(`No access token for ${describeGrant(details.grant)} (${details.environment}): ${reason}`, details);
    this.reason = reason;
    this.scopes = details.grant.scopes;
    this.businessId = details.grant.businessId;
    this.resource = details.grant.resource;
    this.environment = details.environment;
    this.timedOut = details.timedOut ?? false;
    if (details.status !== undefined) this.status = details.status;
  }
}

/**
 * The error of a caller that was not served because an earlier request failed and it is too early to ask again: the
 * real cause, for what this caller asked, and when to come back.
 */
export function stillFailing(
  cause: AssetTokenError,
  grant: AccessTokenGrant,
  waitMs: number,
): AssetTokenError {
  const retryAfterMs = Math.max(1, Math.ceil(waitMs));
  const { code, environment, status, timedOut, retryable } = cause;
  return new AssetTokenError(`${cause.reason} Not asked again for ${retryAfterMs} ms.`, {
    code,
    grant,
    environment,
    status,
    timedOut,
    retryable,
    retryAfterMs,
    cause,
  });
}

/** The client was closed with the application; nothing more is sent. */
export class AssetClosedError extends AssetAuthError {
  override readonly name: string = 'AssetClosedError';

  constructor() {
    super(
      'This Asset client is closed, since the application was shut down. Calls to Asset belong before the end of onApplicationShutdown.',
      { code: 'ASSET_CLOSED' },
    );
  }
}

/** A token request that brought no token: what to tell callers, and whose fault it is. */
export interface TokenFailure {
  readonly error: AssetTokenError;
  /** `'endpoint'`: every other request would fare the same. `'key'`: this very request is at fault, or unlucky. */
  readonly blame: 'endpoint' | 'key';
  /** Whether the endpoint could not be used at all; several of these in a row are blamed on it. */
  readonly unavailable: boolean;
  /** Whether the endpoint answered in substance, and so is well. */
  readonly endpointIsWell: boolean;
  /** Milliseconds that the server ordered to wait. */
  readonly orderedWaitMs: number | undefined;
}

/** What the endpoint's answer, or the lack of one, comes to. */
export type TokenOutcome<T> = { readonly token: T } | { readonly failure: TokenFailure };
