import { type ArgumentsHost, Catch, HttpException, Logger } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import axios, { AxiosError } from 'axios';
import { STATUS_CODES } from 'node:http';
import { throwError } from 'rxjs';
import {
  AssetAuthError,
  type AssetAuthErrorCode,
  type AssetAuthErrorLike,
  AssetConfigError,
  isAssetAuthError,
} from '../config/asset-auth.errors.js';
import { printable, quoted, withoutQuery } from '../config/text.js';
import { LONGEST_WAIT_MS, lowerCaseHeaders, retryAfterMs } from '../retry/rate-limit.js';
import { isAssetConfig } from './asset-request.js';
import { discard } from './attempt.js';
import type { SentRequest } from './http.errors.js';

/**
 * Answers the application's own callers when a call to Asset failed for a reason of this library: 502 if Asset refused
 * the application, 503 with `Retry-After` (at most an hour) if it is a matter of time, 504 if the token endpoint did not
 * answer in time, 500 if the application asked for what it must not. The caller learns nothing more; the log gets one
 * line with the error's message. A malformed business id stays a 400. Plain `AxiosError`s stay with Nest, unless the
 * filter comes from {@link AssetAuthExceptionFilter.with}. Opt-in: bind it where it is wanted, or globally.
 *
 * @example
 * ```ts
 * const filter = { provide: APP_FILTER, useClass: AssetAuthExceptionFilter }; // a provider of the root module
 * ```
 */
@Catch(AssetAuthError)
export class AssetAuthExceptionFilter extends BaseExceptionFilter {
  /** Statuses of Asset's that go to the caller. */
  protected readonly passOn: ReadonlySet<number> = new Set();
  readonly #logger = new Logger(AssetAuthExceptionFilter.name);

  /**
   * The filter for applications that leave all of Asset's failures to it. It also handles the `AxiosError`s of calls
   * through an Asset client; those of other users of axios, and calls that the application cancelled, stay with Nest.
   *
   * - A status in `passOn` goes to the caller as `{ statusCode, message }`. The message is the `message`, `detail` or
   *   `error_description` of Asset's JSON answer, at most 500 characters, without whatever looks like a token; else the
   *   name of the status. Nothing more of the answer is passed on: no header, and no other field. Logged as `debug`.
   * - With 404, so does a business that the token endpoint does not know (`ASSET_BUSINESS_UNKNOWN`).
   * - A 503 stays a 503, with Asset's `Retry-After`. A call without an answer in time becomes a 504, anything else a
   *   502. Logged as `warn`: method, path and status, never a body.
   *
   * Returns a class, to be bound like any other. An instance works as well: `new (AssetAuthExceptionFilter.with(…))()`.
   *
   * @param options - `passOn`: statuses from 400 to 499 that are about the caller's request. 401, 403, 407 and 429 are
   * about the application's own, and are refused.
   * @throws AssetConfigError if `passOn` is no such list
   *
   * @example
   * ```ts
   * const AssetFilter = AssetAuthExceptionFilter.with({ passOn: [400, 404, 409, 422] });
   * const filter = { provide: APP_FILTER, useClass: AssetFilter }; // a provider of the root module
   * ```
   */
  static with(options: { readonly passOn: readonly number[] }): typeof AssetAuthExceptionFilter {
    const statuses = checkedStatuses(options.passOn);

    @Catch(AssetAuthError, FailedAssetCall)
    class PassingAssetAuthExceptionFilter extends AssetAuthExceptionFilter {
      protected override readonly passOn = statuses;
    }
    return PassingAssetAuthExceptionFilter;
  }

  override catch(error: AssetAuthErrorLike | AxiosError, host: ArgumentsHost): unknown {
    if (error instanceof HttpException) return this.#answer(error, host, undefined);
    const passedOn = passedOnAnswer(error, this.passOn);
    const line = logLine(error);
    if (passedOn === undefined) this.#logger.warn(line);
    else this.#logger.debug(`${line} (passed on as ${passedOn.getStatus()})`);
    // Nobody reads a streamed answer any more, and it would keep its connection.
    discard((error as Partial<AxiosError>).response, undefined);
    const exception = passedOn ?? answer(statusFor(error));
    return this.#answer(exception, host, exception.getStatus() === 503 ? retryAfter(error) : undefined);
  }

  /** Where there are no HTTP answers, an error that says no more. */
  #answer(exception: HttpException, host: ArgumentsHost, wait: string | undefined): unknown {
    const type = host.getType<string>();
    const error = { status: 'error', message: exception.message };
    if (type === 'rpc') return throwError(() => error);
    const adapter = this.applicationRef ?? this.httpAdapterHost?.httpAdapter;
    if (type === 'ws') sendException(host.switchToWs().getClient(), error);
    else if (type !== 'http') throw exception;
    else if (adapter === undefined) sendPlainly(host.getArgByIndex(1), exception, wait);
    else {
      const response: unknown = host.getArgByIndex(1);
      if (wait !== undefined && !adapter.isHeadersSent(response)) {
        adapter.setHeader(response, 'Retry-After', wait);
      }
      super.catch(exception, host);
    }
    return undefined;
  }
}

type Failure = (AssetAuthErrorLike & { readonly timedOut?: boolean }) | AxiosError;

/** What `@Catch` goes by: an `AxiosError` of a call through an Asset client that the application did not cancel. */
class FailedAssetCall {
  static [Symbol.hasInstance](error: unknown): boolean {
    return axios.isAxiosError(error) && !axios.isCancel(error) && isAssetConfig(error.config);
  }
}

/** Statuses about the application's own credentials, scopes and pace: no caller's fault. */
const APPLICATION_STATUSES: readonly number[] = [401, 403, 407, 429];

/** @throws AssetConfigError */
function checkedStatuses(passOn: unknown): ReadonlySet<number> {
  const isCallers = (status: unknown): boolean =>
    Number.isInteger(status) &&
    (status as number) >= 400 &&
    (status as number) <= 499 &&
    !APPLICATION_STATUSES.includes(status as number);
  if (Array.isArray(passOn) && passOn.every(isCallers)) return new Set(passOn as number[]);
  const given = Array.isArray(passOn) ? quoted(passOn.find((status) => !isCallers(status))) : quoted(passOn);
  const problem = `must be a list of HTTP statuses from 400 to 499 without ${APPLICATION_STATUSES.join(', ')}, such as [400, 404, 409, 422]; ${given} is none`;
  throw new AssetConfigError(
    [{ option: 'passOn', problem }],
    'The options of AssetAuthExceptionFilter cannot be used',
  );
}

/** 500: the application asked for something that it must not. 503: not now. Any other, 502: Asset refused it. */
const STATUS: Readonly<Partial<Record<AssetAuthErrorCode, 500 | 503>>> = {
  ASSET_CONFIG_INVALID: 500,
  ASSET_SCOPE_INVALID: 500,
  ASSET_SCOPE_UNDECLARED: 500,
  ASSET_SCOPE_NOT_ALLOWED: 500,
  ASSET_BUSINESS_INVALID: 500,
  ASSET_BUSINESS_MISMATCH: 500,
  ASSET_REQUEST_NOT_ALLOWED: 500,
  ASSET_TOKEN_THROTTLED: 503,
  ASSET_TOKEN_UNAVAILABLE: 503,
  ASSET_RATE_LIMITED: 503,
  ASSET_CLOSED: 503,
};

const LATE: readonly unknown[] = [AxiosError.ECONNABORTED, AxiosError.ETIMEDOUT];

function statusFor(error: Failure): number {
  if (isAssetAuthError(error)) return error.timedOut === true ? 504 : (STATUS[error.code] ?? 502);
  const { response, code } = error;
  if (response === undefined) return LATE.includes(code) ? 504 : 502;
  return response.status === 503 ? 503 : 502;
}

/** The value of `Retry-After`, in seconds (RFC 9110 §10.2.3). */
function retryAfter(error: Failure): string | undefined {
  const waitMs = isAssetAuthError(error)
    ? error.retryAfterMs
    : retryAfterMs(lowerCaseHeaders(error.response ?? {}), Date.now());
  if (waitMs === undefined || !(waitMs >= 0)) return undefined;
  return String(Math.ceil(Math.min(waitMs, LONGEST_WAIT_MS) / 1000));
}

/** What the application's own callers are told of a failed call to Asset. */
const answer = (statusCode: number, message = STATUS_CODES[statusCode] ?? ''): HttpException =>
  new HttpException({ statusCode, message }, statusCode);

function passedOnAnswer(error: Failure, passOn: ReadonlySet<number>): HttpException | undefined {
  if (passOn.has(404) && isAssetAuthError(error, 'ASSET_BUSINESS_UNKNOWN')) {
    return answer(404, 'There is no such business.');
  }
  const { response } = error as Partial<AxiosError>;
  if (response === undefined || !passOn.has(response.status)) return undefined;
  return answer(response.status, messageOf(response.data));
}

const LONGEST_MESSAGE = 500;

/** A bearer, or what begins like a JWT. */
const TOKEN = /\bBearer\s+\S+|\beyJ[\w-]{10,}(\.[\w-]*)*/gi;

/** Asset does not document the fields of its error bodies. */
function messageOf(body: unknown): string | undefined {
  const { message, detail, error_description } = Object(body) as Readonly<Record<string, unknown>>;
  const text = [message, detail, error_description].find((said) => typeof said === 'string' && said !== '');
  if (typeof text !== 'string') return undefined;
  // Cut once before, since the text may be long, and once after, so that no part of a token is left over.
  return printable(text.slice(0, 10 * LONGEST_MESSAGE).replace(TOKEN, '[redacted]'), LONGEST_MESSAGE);
}

/** Of any error, in one line and without a body. */
function logLine(error: Failure): string {
  const text = isAssetAuthError(error) ? `${error.code}: ${error.message}` : failedCall(error);
  return printable(text.replaceAll(/\s*\n\s*/g, ' '), 2000);
}

function failedCall({ message, code, request, config, response }: AxiosError): string {
  const sent = Object(request) as Partial<SentRequest>;
  // Without the query, which may hold a caller's data.
  const path = sent.path === undefined ? '' : ` ${withoutQuery(sent.path)}`;
  const call = `${sent.method ?? (config?.method ?? 'get').toUpperCase()}${path}`;
  if (response !== undefined) return `Asset answered ${response.status} to ${call}`;
  return `Asset gave no answer to ${call}: ${message || (code ?? 'unknown error')}`;
}

/** What Express and Fastify agree on, for a filter that Nest did not make and so gave no adapter. */
interface PlainResponse {
  readonly raw?: { readonly headersSent: boolean; end(): void };
  readonly headersSent?: boolean;
  status(code: number): PlainResponse;
  header(name: string, value: string): PlainResponse;
  send(body: unknown): unknown;
  end(): void;
}

function sendPlainly(response: PlainResponse, exception: HttpException, wait: string | undefined): void {
  const raw = response.raw ?? response;
  if (raw.headersSent === true) {
    raw.end();
    return;
  }
  if (wait !== undefined) response.header('Retry-After', wait);
  response.status(exception.getStatus()).send(exception.getResponse());
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
