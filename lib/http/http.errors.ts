// What a call rejects with: errors about an answer of the API or a refused request, and how any error becomes that of one call.
import axios, { AxiosError, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import {
  ASSET_AUTH_ERROR,
  AssetAuthError,
  type AssetAuthErrorCode,
  type AssetAuthErrorLike,
  isAssetAuthError,
} from '../config/asset-auth.errors.js';
import type { AccessToken } from '../token/access-token.js';
import { describeGrant } from '../token/token-request.js';
import { mentioned, redacted, requestIdOf } from '../config/redact.js';
import { withoutQuery } from '../config/text.js';
import { orderedWaitMs, lowerCaseHeaders } from '../retry/rate-limit.js';

/**
 * The request was refused before anything was sent: its address is not Asset's, it would be redirected away, it brings
 * its own `Authorization` or its own agent or proxy (`ASSET_REQUEST_NOT_ALLOWED`).
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
  'ASSET_UNAUTHORIZED' | 'ASSET_INSUFFICIENT_SCOPE' | 'ASSET_RATE_LIMITED' | 'ASSET_REQUEST_NOT_ALLOWED'
>;

/** What an {@link AssetApiError} is made of besides the failed answer. */
export interface AssetApiErrorDetails {
  readonly code: AssetApiErrorCode;
  readonly retryable: boolean;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/**
 * The API answered 401, 403 or 429, or with a redirect that is not followed (`ASSET_REQUEST_NOT_ALLOWED`), in words.
 * Stays an `AxiosError` with its `response`, so that axios-retry, exception filters and `isAxiosError` go on working;
 * only `code` and `message` are ours.
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
  /** The id of Asset's answer (`x-request-id` and the like), if it has one: what Asset's support asks for. */
  declare readonly requestId?: string;

  static {
    Object.defineProperty(this.prototype, ASSET_AUTH_ERROR, { value: true });
  }

  constructor(message: string, response: AxiosResponse, details: AssetApiErrorDetails) {
    super(message, details.code, response.config, response.request, response);
    this.name = 'AssetApiError';
    this.retryable = details.retryable;
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs;
    const requestId = requestIdOf(lowerCaseHeaders(response), []);
    if (requestId !== undefined) this.requestId = requestId;
    if (details.cause !== undefined) {
      // As `Error` itself does it: not enumerable, since loggers walk what is.
      Object.defineProperty(this, 'cause', { value: details.cause, writable: true, configurable: true });
    }
  }
}

/** The 401, 403 or 429 of a request that axios would reject, in words; anything else as it is. */
export function toApiError(
  error: unknown,
  token: AccessToken,
  now: number,
  details: UnauthorizedDetails | undefined,
): unknown {
  // By its marker: an adapter of the application may come with another copy of axios.
  if (!axios.isAxiosError(error) || error.response === undefined) return error;
  const { response } = error;
  if (response.status === 401 && details !== undefined) return unauthorized(response, token, details);
  if (response.status === 403) return insufficientScope(response, token);
  return response.status === 429 ? rateLimited(response, now) : error;
}

function unauthorized(
  response: AxiosResponse,
  token: AccessToken,
  { why, cause }: UnauthorizedDetails,
): AssetApiError {
  return new AssetApiError(
    `Asset answered 401 to ${describeCall(response)}, sent with a token for ${describeGrant(token)}; ${why}. ${CURES[why]}`,
    response,
    { code: 'ASSET_UNAUTHORIZED', retryable: why !== 'the new token was rejected as well', cause },
  );
}

/** By why a 401 remained. */
const CURES = {
  'the new token was rejected as well':
    'Check that the credentials belong to this environment and that the client has not been disabled.',
  'no other token could be had': 'The cause says why; the call may be made again later.',
  'the body of the request cannot be sent again':
    'Streams are used up by the first attempt: make the call again with a new stream, or send a Buffer.',
  'the endpoint handed out the same token again':
    'Asset does not take the token that it hands out: check that the client has not been disabled.',
  'the token was replaced a moment ago already': 'The call may be made again in half a minute.',
};

/** Why a 401 remained. */
export interface UnauthorizedDetails {
  readonly why: keyof typeof CURES;
  readonly cause?: unknown;
}

function insufficientScope(response: AxiosResponse, token: AccessToken): AssetApiError {
  const challenge = lowerCaseHeaders(response)['www-authenticate'];
  const said = typeof challenge === 'string' ? ` (${redacted(challenge, [token.value])})` : '';
  return new AssetApiError(
    `Asset answered 403 to ${describeCall(response)}${said}, sent with a token for ${describeGrant(token)}. Ask for the scope that the call needs, with @AssetScope or withScope, and check that the OAuth client is granted it and may act for this business.`,
    response,
    { code: 'ASSET_INSUFFICIENT_SCOPE', retryable: false },
  );
}

function rateLimited(response: AxiosResponse, now: number): AssetApiError {
  const retryAfterMs = orderedWaitMs(lowerCaseHeaders(response), now);
  const when = retryAfterMs === undefined ? 'later' : `in ${Math.ceil(retryAfterMs)} ms`;
  return new AssetApiError(
    `Asset answered 429 to ${describeCall(response)}: too many requests. Make the call again ${when}.`,
    response,
    { code: 'ASSET_RATE_LIMITED', retryable: true, retryAfterMs },
  );
}

/** What is left of the request object in errors and responses: Node's own holds the token in its headers. */
export interface SentRequest {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  /** The address that answered, where tools look for it. Not enumerable, since `path` says it already. */
  readonly res?: { readonly responseUrl: string };
}

/** Method and path, without the query: it may hold a secret. */
export function describeCall(response: AxiosResponse): string {
  const { method, path } = response.request as SentRequest;
  const requestId = requestIdOf(lowerCaseHeaders(response), []);
  return `${method} ${withoutQuery(path)}${mentioned(requestId)}`;
}

/**
 * What a call rejects with, as all that is built on axios expects it: an error that `isAxiosError` knows, with the config
 * of this very call. Caches find by it what they have to clean up, and health checks whose failure it is.
 *
 * An error of ours keeps its class, name, code and message. It is copied, since all callers that wait for one token are
 * told of one error, and the config of none of them is for the others. With several clients, it says which one failed.
 *
 * @param client - the client's name; `undefined` for the default one
 */
export function errorOfCall(
  error: unknown,
  config: InternalAxiosRequestConfig,
  client: string | undefined,
): unknown {
  const own = withConfig(error, config);
  if (client === undefined || !isAssetAuthError(own)) return own;
  const prefix = `client ${client}: `;
  // Those of tokens say it themselves, and a call that an adapter hands on comes by twice.
  const isNamed = 'client' in own || own.message.startsWith(prefix);
  return isNamed ? own : Object.assign(own, { message: prefix + own.message });
}

function withConfig(error: unknown, config: InternalAxiosRequestConfig): unknown {
  if (axios.isAxiosError(error)) return error.config === undefined ? copyFor(error, { config }) : error;
  if (isAssetAuthError(error)) return copyFor(error, { config, isAxiosError: true, toJSON: toPlainObject });
  // By its looks: an error of Node's is no instance of this realm's `Error` under Jest.
  const { message } = Object(error) as { readonly message?: unknown };
  // What is no error at all comes from an adapter of the application, which knows what it means.
  return typeof message === 'string' ? AxiosError.from(error, undefined, config) : error;
}

/** The same error once more, with what one call adds to it. Loggers walk what is enumerable, and a config is long. */
function copyFor(error: Error, added: object): Error {
  // Made by `Error`, so that it prints as one.
  const copy = new Error(error.message);
  Object.setPrototypeOf(copy, Object.getPrototypeOf(error) as object);
  const { stack } = error;
  const own = Object.getOwnPropertyDescriptors(error);
  Object.defineProperties(copy, { ...own, stack: { value: stack, writable: true, configurable: true } });
  for (const [name, value] of Object.entries(added)) {
    Object.defineProperty(copy, name, { value: value as unknown, writable: true, configurable: true });
  }
  return copy;
}

/** As an `AxiosError` has it, but without the config. */
function toPlainObject(this: Error): object {
  return Object.assign({ message: this.message }, this);
}
