import axios, {
  type AxiosAdapter,
  type AxiosResponse,
  type InternalAxiosRequestConfig,
  type AxiosError,
} from 'axios';
import type { AssetClock } from '../config/clock.js';
import type { AccessToken } from '../token/access-token.js';
import type { ClientConnections } from '../token/endpoint/connections.js';
import { AttemptLimit, isCancelled, timedOut } from './deadline.js';
import { type AssetCall, SentBearer } from './asset-request.js';
import { directTransport } from './direct-way.js';
import { assertBusiness } from './request-url.js';
import { RedirectGuard } from './redirect-guard.js';
import { giveUp } from './retry.policy.js';
import { assertPlainRequest, forForeignAdapter, wireConfig } from './wire-config.js';
import { errorMonitor } from 'node:events';
import { Readable } from 'node:stream';

/** What an attempt works with. */
export interface AttemptParts {
  readonly connections: ClientConnections;
  readonly clock: AssetClock;
  readonly origin: string;
}

/** One call on its way: what stays the same over its attempts. */
export interface Journey {
  readonly config: InternalAxiosRequestConfig;
  readonly call: AssetCall;
  /** When the call's `timeout` is over, by the monotonic clock. */
  readonly deadline: number | undefined;
  readonly url: URL;
  readonly send: AxiosAdapter;
  /** Whether it is sent by an adapter that the application brought. */
  readonly isForeign: boolean;
  /** Whether it is sent past follow-redirects, and so comes to an end with the first redirect. */
  readonly isDirect: boolean;
}

/** How one attempt ended: with an answer, with an error, or with an answer whose status axios takes for an error. */
export interface Outcome {
  readonly response: AxiosResponse | undefined;
  /** Known even where there is no response, since its body could not be read. */
  readonly status: number | undefined;
  /** Node's request object. */
  readonly request: unknown;
  readonly failure: { readonly error: unknown } | undefined;
}

/**
 * Sends a call once, with the token if it is to carry one. By callbacks: each `async` function on the way costs three
 * promises, for which Node 20 calls back as soon as `AsyncLocalStorage` is in use.
 *
 * @param conclude - makes of the outcome what the promise is to settle with
 * @throws AxiosError if the call's time is over or nobody waits for it any more, synchronously, like all here
 * @throws AssetRequestError, AssetBusinessError if it is not fit to be sent with this token
 */
export function attempt<T>(
  journey: Journey,
  token: AccessToken | undefined,
  { clock, connections, origin }: AttemptParts,
  conclude: (outcome: Outcome) => T | Promise<T>,
): Promise<T> {
  const { config, url, call, deadline, isDirect } = journey;
  const timeoutMs = deadline === undefined ? undefined : deadline - clock.monotonic();
  if (timeoutMs !== undefined && timeoutMs <= 0) throw timedOut(config);
  if (isCancelled(config, call)) throw new axios.CanceledError(undefined, config);
  // What was checked before a wait may have changed in it.
  assertPlainRequest(config, url);
  assertBusiness(url, token?.businessId);
  const guard = new RedirectGuard(origin, token?.businessId, config.beforeRedirect);
  const { beforeRedirect } = guard;
  const { route } = connections;
  const wire = wireConfig(config, { token, url, route, timeoutMs, beforeRedirect });
  const limit = timeoutMs === undefined ? undefined : new AttemptLimit(config, timeoutMs, clock);
  if (limit !== undefined) wire.signal = limit.signal;
  if (isDirect) wire.transport = directTransport;
  const sent = { call, guard, limit, config, url, secret: token?.value };
  return journey.send(journey.isForeign ? forForeign(wire, journey, token) : wire).then(
    (response) => conclude(answered(response, sent)),
    (error: unknown) => conclude(failed(error, sent)),
  );
}

/** An attempt that is under way. */
interface SentAttempt extends Sent {
  readonly call: AssetCall;
  readonly guard: RedirectGuard;
  readonly limit: AttemptLimit | undefined;
}

function answered(response: AxiosResponse, sent: SentAttempt): Outcome {
  const { call, limit } = sent;
  // An adapter of the application may answer nothing at all.
  limit?.settle((response as Partial<AxiosResponse> | undefined)?.data);
  const request: unknown = response.request;
  const { status } = response;
  // Nobody is left to read it.
  if (call.departure.hasLeft) giveUp(response, request);
  return { response: cleanResponse(response, sent), status, request, failure: undefined };
}

function failed(error: unknown, sent: SentAttempt): Outcome {
  const { config, guard, limit } = sent;
  limit?.settle(undefined);
  if (limit?.isPassed === true) throw timedOut(config);
  const response = axios.isAxiosError(error) ? error.response : undefined;
  const request: unknown = response?.request ?? (error as { request?: unknown } | undefined)?.request;
  const status = response?.status ?? statusOf(request);
  return { response, status, request, failure: { error: guard.refusal ?? cleanError(error, sent) } };
}

const forForeign = (
  wire: InternalAxiosRequestConfig,
  { config, call }: Journey,
  token: AccessToken | undefined,
): InternalAxiosRequestConfig => forForeignAdapter(wire, config, new SentBearer(call, token));

/** Of an answer whose body was too long or broken, which axios takes for no answer. */
function statusOf(request: unknown): number | undefined {
  const { res } = Object(request) as { res?: { readonly statusCode?: number } };
  return res?.statusCode;
}

/** What is left of the request object in errors and responses: Node's own holds the token in its headers. */
export interface SentRequest {
  readonly method: string;
  readonly host: string;
  readonly path: string;
}

/** What was sent, and what nobody is to see of it. */
export interface Sent {
  /** The caller's own. */
  readonly config: InternalAxiosRequestConfig;
  readonly url: URL;
  readonly secret: string | undefined;
}

/** An answer as it leaves the transport: with the caller's config, and no trace of the token. */
export function cleanResponse(response: AxiosResponse, sent: Sent): AxiosResponse {
  response.config = sent.config;
  response.request = sentRequest(response.request, sent);
  const data: unknown = response.data;
  // What breaks a stream comes with the config and the request as they were sent. A monitor leaves it to the reader
  // whether to handle the error.
  if (data instanceof Readable) data.once(errorMonitor, (error) => cleanError(error, sent));
  return response;
}

/** The same for whatever the adapter failed with. */
export function cleanError(error: unknown, sent: Sent): unknown {
  const seen = new Set<unknown>();
  const found: unknown[] = [error];
  for (let next = found.pop(); next !== undefined || found.length > 0; next = found.pop()) {
    if (!isObject(next) || seen.has(next)) continue;
    seen.add(next);
    cleanOne(next, sent);
    const { cause, errors } = next as Partial<AggregateError>;
    found.push(cause, ...(Array.isArray(errors) ? (errors as unknown[]) : []));
  }
  return error;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** By `Reflect.set`, which minds no frozen error. */
function cleanOne(error: Partial<AxiosError>, sent: Sent): void {
  if (error.config !== undefined) Reflect.set(error, 'config', sent.config);
  if (error.request !== undefined) Reflect.set(error, 'request', sentRequest(error.request, sent));
  if (error.response !== undefined) cleanResponse(error.response, sent);
  for (const name of ['message', 'stack'] as const) {
    const text: unknown = error[name];
    // Adapters that stand in for a server in tests print the headers of what they do not expect.
    if (sent.secret !== undefined && typeof text === 'string' && text.includes(sent.secret)) {
      Reflect.set(error, name, text.replaceAll(sent.secret, '[redacted]'));
    }
  }
}

/** After a redirect, the path is the last one. */
function sentRequest(request: unknown, { config, url }: Sent): SentRequest {
  const { path, method } = (request ?? {}) as { path?: unknown; method?: unknown };
  return {
    method: typeof method === 'string' ? method : (config.method ?? 'get').toUpperCase(),
    host: url.host,
    path: typeof path === 'string' ? path : url.pathname + url.search,
  };
}
