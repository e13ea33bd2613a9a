import { type ArgumentsHost, Catch, HttpException, Logger } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { throwError } from 'rxjs';
import {
  AssetAuthError,
  type AssetAuthErrorLike,
  type AssetAuthErrorCode,
} from '../config/asset-auth.errors.js';
import { STATUS_CODES } from 'node:http';

/**
 * Answers the application's own callers when a call to Asset failed for a reason of this library: 502 if Asset refused
 * the application, 503 with `Retry-After` if it is a matter of time, 504 if the token endpoint did not answer in time,
 * 500 if the application asked for what it must not. Plain timeouts of axios are not this library's, and stay with Nest.
 * The caller learns nothing more; the log gets the error's message. A malformed business id stays a 400. Opt-in: bind it
 * where it is wanted, or globally.
 *
 * @example
 * ```ts
 * @Module({ providers: [{ provide: APP_FILTER, useClass: AssetAuthExceptionFilter }] })
 * export class AppModule {}
 * ```
 */
@Catch(AssetAuthError)
export class AssetAuthExceptionFilter extends BaseExceptionFilter {
  readonly #logger = new Logger(AssetAuthExceptionFilter.name);

  override catch(error: AssetAuthErrorLike, host: ArgumentsHost): unknown {
    if (error instanceof HttpException) return this.#answer(error, host, undefined);
    const answer = callerAnswer(error);
    this.#logger.warn(`${error.code}: ${error.message}`);
    const { statusCode, message } = answer;
    return this.#answer(new HttpException({ statusCode, message }, statusCode), host, answer);
  }

  /** Where there are no HTTP answers, an error that says no more. */
  #answer(exception: HttpException, host: ArgumentsHost, answer: CallerAnswer | undefined): unknown {
    const type = host.getType<string>();
    const error = { status: 'error', message: exception.message };
    if (type === 'rpc') return throwError(() => error);
    if (type === 'ws') {
      sendException(host.switchToWs().getClient(), error);
      return undefined;
    }
    if (type !== 'http') throw exception;
    const adapter = this.applicationRef ?? this.httpAdapterHost?.httpAdapter;
    const response: unknown = host.getArgByIndex(1);
    if (answer?.retryAfterSeconds !== undefined && adapter?.isHeadersSent(response) === false) {
      adapter.setHeader(response, 'Retry-After', String(answer.retryAfterSeconds));
    }
    super.catch(exception, host);
    return undefined;
  }
}

/** What matters here of a client of a gateway, be it Socket.IO's or a native WebSocket. */
interface GatewayClient {
  readonly readyState?: unknown;
  send?(data: string): void;
  emit?(event: string, payload: unknown): void;
}

/**
 * Tells the client as Nest's own filter for gateways does. Not thrown: on Nest 11 nobody catches what a filter of a
 * gateway throws, and the process ends.
 */
function sendException(client: GatewayClient, data: unknown): void {
  try {
    if (typeof client.readyState === 'number') client.send?.(JSON.stringify({ event: 'exception', data }));
    else client.emit?.('exception', data);
  } catch {
    // The client cannot be told; the log has the error already.
  }
}

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
