// What token requests fail with, and what interrupts them.
import {
  AssetAuthError,
  type AssetAuthErrorCode,
  type AssetAuthErrorDetails,
} from '../../config/asset-auth.errors.js';
import type { AssetAuthConfig } from '../../config/asset-auth.config.js';
import type { ScopeSet } from '../../config/scope-set.js';
import type { Fault } from '../../retry/backoff.js';
import { type AccessTokenGrant, describeGrant } from '../token-request.js';

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

/** The client that a token was asked for by, as far as errors tell of it. */
export type TokenClient = Pick<AssetAuthConfig, 'environment' | 'label'>;

/** What an {@link AssetTokenError} tells besides its message. */
export interface AssetTokenErrorDetails extends AssetAuthErrorDetails {
  readonly code: AssetTokenErrorCode;
  /** What was asked for. */
  readonly grant: AccessTokenGrant;
  /** Who asked. */
  readonly client: TokenClient;
  /** HTTP status of the token endpoint's answer, if there was one. */
  readonly status?: number | undefined;
  /** Whether there was no answer in time. */
  readonly timedOut?: boolean | undefined;
  /** The id of the answer, if it has one. */
  readonly requestId?: string | undefined;
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
  /** Which client: its name if it has one, its environment, and its origin if that is not the usual one. */
  readonly client: string;
  declare readonly status?: number;
  /** The id of the endpoint's answer (`x-request-id` and the like), if it has one: what Asset's support asks for. */
  declare readonly requestId?: string;
  /** Whether the endpoint gave no complete answer in time. */
  readonly timedOut: boolean;
  /** What came back and what to do about it, without what was asked for. */
  readonly reason: string;

  constructor(reason: string, details: AssetTokenErrorDetails) {
    super(
      `No access token for ${describeGrant(details.grant)} (${details.client.label}): ${reason}`,
      details,
    );
    this.reason = reason;
    this.scopes = details.grant.scopes;
    this.businessId = details.grant.businessId;
    this.resource = details.grant.resource;
    this.client = details.client.label;
    this.environment = details.client.environment;
    this.timedOut = details.timedOut ?? details.status === 504;
    if (details.status !== undefined) this.status = details.status;
    if (details.requestId !== undefined) this.requestId = details.requestId;
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
  const { code, environment, client: label, status, timedOut, retryable, requestId } = cause;
  return new AssetTokenError(`${cause.reason} Not asked again for ${retryAfterMs} ms.`, {
    code,
    grant,
    client: { environment, label },
    status,
    timedOut,
    retryable,
    retryAfterMs,
    requestId,
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

/** The time for one token request is up. */
export class TokenTimeout extends Error {}

/** Ends an attempt that is made again, as the first of its request. */
export class Interrupted extends Error {}

/** It was sent before the machine slept: its answer, if there is one, is out of date. */
export class Outlived extends Interrupted {
  override readonly message = 'the machine slept meanwhile';
}

/** Its key hangs, and another one gets its slot. */
export class GaveWay extends Interrupted {
  override readonly message =
    'it had no answer after half of its time, while others that were sent no earlier had theirs, so its turn went to another key. The endpoint may be slow for this business or these scopes; try again later';
}

/** A token request that brought no token. Thrown within this room, and caught once, where the request was started. */
export class TokenRequestFailure extends Error {
  /**
   * @param error - what its callers are told
   * @param orderedWaitMs - milliseconds that the server ordered to wait
   */
  constructor(
    readonly error: AssetTokenError,
    readonly fault: Fault,
    readonly orderedWaitMs: number | undefined,
  ) {
    super(error.message);
  }
}

/** What a failure is told with. */
export interface FailureDetails extends Pick<
  AssetTokenErrorDetails,
  'status' | 'timedOut' | 'retryable' | 'requestId' | 'cause'
> {
  /** What came back and what to do about it, without what was asked for. */
  readonly what: string;
  readonly fault: Fault;
  readonly orderedWaitMs?: number | undefined;
}

/** A failure with everything that callers, and the policies for waiting and retrying, need to know. */
export function tokenRequestFailure(
  { request, config }: { readonly request: AccessTokenGrant; readonly config: TokenClient },
  code: AssetTokenErrorCode,
  { what, fault, orderedWaitMs, ...details }: FailureDetails,
): TokenRequestFailure {
  const about = { code, grant: request, client: config, retryAfterMs: orderedWaitMs };
  return new TokenRequestFailure(new AssetTokenError(what, { ...about, ...details }), fault, orderedWaitMs);
}

/** What to do about a connection that failed with this code of Node's. */
export const connectionCure = (code: unknown): string =>
  typeof code === 'string' && CERTIFICATE_CODE.test(code)
    ? "The certificate of the endpoint, or of a proxy that opens TLS, is not trusted here: check its name, its dates and this machine's clock. A CA of your own goes into NODE_EXTRA_CA_CERTS, or into the option ca of http.httpsAgent."
    : 'If this lasts, check network, proxy and DNS.';

/** Node's codes for a certificate that is not trusted (X509 certificate error codes, ERR_TLS_CERT_ALTNAME_INVALID). */
const CERTIFICATE_CODE = /CERT|LEAF_SIGNATURE|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|HOSTNAME_MISMATCH|_CRL/;

/** The failure of a request that brought a token whose life is over. */
export const alreadyExpired = (request: AccessTokenGrant, config: TokenClient): TokenRequestFailure =>
  tokenRequestFailure({ request, config }, 'ASSET_TOKEN_MALFORMED', {
    what: "the endpoint handed out a token that has already expired. Check this machine's clock, and whether a gateway caches token answers.",
    fault: 'unclear',
    retryable: true,
  });

/** For events, and for callers if no other attempt is made after all. */
export const interruptedFailure = (
  { message }: Interrupted,
  request: AccessTokenGrant,
  config: TokenClient,
): TokenRequestFailure =>
  tokenRequestFailure({ request, config }, 'ASSET_TOKEN_UNAVAILABLE', {
    what: `the attempt was given up: ${message}.`,
    fault: 'unclear',
    timedOut: true,
    retryable: true,
  });

/** The failure of a request that the endpoint did not answer in time. */
export const tooSlow = (request: AccessTokenGrant, config: AssetAuthConfig): TokenRequestFailure =>
  tokenRequestFailure({ request, config }, 'ASSET_TOKEN_UNAVAILABLE', {
    what: `there was no complete answer within tokenTimeoutMs (${config.tokenTimeoutMs} ms). Check network and proxy, or raise it, if this lasts.`,
    fault: 'unavailable',
    timedOut: true,
    retryable: true,
  });

/**
 * The error of a request that got no slot.
 *
 * @param waitMs - when its turn would have come, if that is the reason; else no answer came for too long
 */
export function neverSent(
  request: AccessTokenGrant,
  client: AssetAuthConfig,
  waitMs: number | undefined,
): AssetTokenError {
  const { tokenTimeoutMs, maxConcurrentTokenRequests } = client;
  const why =
    waitMs === undefined
      ? `all ${maxConcurrentTokenRequests} slots for token requests were taken, and no answer came for ${tokenTimeoutMs} ms. If this lasts, the endpoint is slow, or maxConcurrentTokenRequests is too low.`
      : `so many requests for other new businesses and scopes are queued, or have spent their half of the rate limit, that its turn would come in about ${Math.ceil(waitMs)} ms, after its caller has left. Limit how many new businesses your own callers can name in a second.`;
  return new AssetTokenError(`${why} Nothing was sent.`, {
    code: 'ASSET_TOKEN_UNAVAILABLE',
    grant: request,
    client,
    retryable: true,
    retryAfterMs: waitMs === undefined ? undefined : Math.ceil(waitMs),
  });
}
