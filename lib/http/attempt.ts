// One attempt of a call: what is sent with the token, and what comes back, freed of it.
import axios, { type AxiosError, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import { errorMonitor } from 'node:events';
import { Readable } from 'node:stream';
import { parsedUrl } from '../config/text.js';
import type { AssetCallReplayedEvent } from '../events/asset-auth.events.js';
import type { AccessToken } from '../token/access-token.js';
import { isDeadSocket, isIdleTimeout, MOST_KEPT_SOCKETS, noteAnswer } from '../token/endpoint/connections.js';
import { AssetRequestError, type SentRequest } from './http.errors.js';
import { RedirectGuard } from './redirects.js';
import { assertBusiness } from './request-url.js';
import {
  assertSendable,
  type Exchange,
  forForeignAdapter,
  isReplayable,
  type WireConfig,
  wireConfig,
} from './wire-config.js';
import { WireTransport } from './wire-transport.js';

/** How one attempt ended: with an answer, with an error, or with an answer whose status axios takes for an error. */
export interface Outcome {
  readonly response: AxiosResponse | undefined;
  /** Known even where there is no response, since its body could not be read. */
  readonly status: number | undefined;
  /** Node's request object. */
  readonly nodeRequest: unknown;
  readonly failure: { readonly error: unknown } | undefined;
}

/** Whether neither another attempt nor a typed error is needed. */
export const isFinal = (outcome: Outcome): outcome is Outcome & { readonly response: AxiosResponse } =>
  outcome.failure === undefined && outcome.status !== 401 && outcome.status !== 429;

/**
 * Sends a call once, with the token if it is to carry one. What comes back holds the caller's own config and no trace of
 * the token.
 *
 * @throws AxiosError if the call is over
 * @throws AssetRequestError, AssetBusinessError if it is not fit to be sent with this token
 */
export async function attempt(exchange: Exchange, token: AccessToken | undefined): Promise<Outcome> {
  const { config, request, url, deadline, send, isForeign } = exchange;
  deadline.beginAttempt();
  // What stands in for the token service may answer anything.
  const { value }: { readonly value?: unknown } = token ?? {};
  if (!request.isAnonymous && (typeof value !== 'string' || value === ''))
    throw new AssetRequestError(NO_TOKEN);
  // What was checked before the wait for a token may have changed in it.
  assertSendable(exchange);
  assertBusiness(url, token?.businessId);
  const guard = config.maxRedirects ? new RedirectGuard(url.origin, token?.businessId, config) : undefined;
  const wire = wireConfig(exchange, token, guard?.beforeRedirect);
  const sent: Sent = { config, url, secret: token?.value };
  const handedOut = isForeign ? request.handOut({ token, origin: url.origin }) : undefined;
  try {
    const response = handedOut
      ? await send(forForeignAdapter(wire, exchange, handedOut))
      : await sentOverLiveSocket(exchange, wire, token);
    const nodeRequest: unknown = response.request;
    const { status } = response;
    const sanitized = sanitizedResponse(response, sent);
    // Nobody is left to read it.
    if (request.hasLeft) discard(sanitized, nodeRequest);
    return { response: sanitized, status, nodeRequest, failure: undefined };
  } catch (error) {
    deadline.throwIfOver();
    const response = axios.isAxiosError(error) ? error.response : undefined;
    const nodeRequest: unknown = response?.request ?? (error as { request?: unknown } | undefined)?.request;
    const status = response?.status ?? statusOf(nodeRequest);
    if (request.hasLeft) discard(response, nodeRequest);
    const { transport } = wire;
    const refusal = guard?.refusal ?? (transport instanceof WireTransport ? transport.refusal : undefined);
    const failure = { error: refusal ?? sanitizedError(error, sent) };
    return { response, status, nodeRequest, failure };
  } finally {
    handedOut?.takeBack();
  }
}

const NO_TOKEN =
  'There is no access token for the request, and without one it is not sent. What stands in the place of getAccessToken of AssetTokenService must answer an AccessToken, or an object with its value; a request without token says asset: false.';

/** May be sent twice (RFC 9110 §9.2.2), and by their nature carry nothing that is used up. */
const REPEATABLE: readonly unknown[] = ['get', 'head', 'options'];

/** Where a kept socket turns out to be dead, a request that may be repeated goes out again at once, over another. */
async function sentOverLiveSocket(
  exchange: Exchange,
  wire: WireConfig,
  token: AccessToken | undefined,
): Promise<AxiosResponse> {
  const { config, send, deadline, isLimited } = exchange;
  const isRepeatable =
    REPEATABLE.includes(config.method?.toLowerCase() ?? 'get') && isReplayable(config.data);
  for (let left = isRepeatable ? MOST_KEPT_SOCKETS : 0; ; left -= 1) {
    try {
      const response = await send(wire);
      // The status first: an ordinary answer costs no look at its socket.
      if (left === 0 || response.status !== 408 || !isIdleTimeout(response)) {
        if (isLimited) noteAnswer(response.request);
        return response;
      }
      discard(response, response.request);
    } catch (error) {
      const { response } = Object(error) as Partial<AxiosError>;
      const isDead = isDeadSocket(error) || (response !== undefined && isIdleTimeout(response));
      if (left === 0 || !isDead) throw error;
      discard(response, response?.request);
    }
    deadline.throwIfOver();
    tellReplay(exchange, 'stale_socket', token);
  }
}

/** @param token - the one that it is sent with this time */
export function tellReplay(
  { config, events }: Exchange,
  reason: AssetCallReplayedEvent['reason'],
  token: AccessToken | undefined,
): void {
  const method = (config.method ?? 'get').toUpperCase();
  events.publish('call.replayed', { reason, method, scopes: token?.scopes, businessId: token?.businessId });
}

/** The status of an answer whose body was too long or broken, which axios takes for no answer. */
function statusOf(nodeRequest: unknown): number | undefined {
  const { res } = Object(nodeRequest) as { res?: { readonly statusCode?: number } };
  return res?.statusCode;
}

/**
 * Frees the connection of a streamed answer that nobody is going to read: with one socket, it would keep the next
 * attempt and its token waiting without end.
 *
 * @param nodeRequest - the request that it came with, since not every stream of axios' ends its source
 */
export function discard(response: AxiosResponse | undefined, nodeRequest: unknown): void {
  const data: unknown = response?.data;
  if (response === undefined || !(data instanceof Readable)) return;
  data.destroy();
  (nodeRequest as { destroy?: () => void } | undefined)?.destroy?.();
  // In case that it is the last answer after all: reading it ends at once, instead of never.
  response.data = Readable.from([]);
}

interface Sent {
  readonly config: InternalAxiosRequestConfig;
  readonly url: URL;
  readonly secret: string | undefined;
}

function sanitizedResponse(response: AxiosResponse, sent: Sent): AxiosResponse {
  response.config = sent.config;
  response.request = sentRequest(response.request, sent);
  const data: unknown = response.data;
  // An error that breaks a stream comes with the config and the request as they were sent. A monitor leaves it to the
  // reader whether to handle the error.
  if (data instanceof Readable) data.once(errorMonitor, (error) => sanitizedError(error, sent));
  return response;
}

/** Also of what it was caused by: errors that are no `AxiosError` may wrap one. */
function sanitizedError(error: unknown, sent: Sent, seen = new Set<unknown>()): unknown {
  if (typeof error !== 'object' || error === null || seen.has(error)) return error;
  seen.add(error);
  const { config, request, response, cause, errors } = error as FoundError;
  // `Reflect.set` does not throw on frozen errors.
  if (config !== undefined) Reflect.set(error, 'config', sent.config);
  if (request !== undefined) Reflect.set(error, 'request', sentRequest(request, sent));
  if (response !== undefined) sanitizedResponse(response, sent);
  for (const name of ['message', 'stack'] as const) {
    const text: unknown = (error as Partial<Error>)[name];
    // Adapters that stand in for a server in tests print the headers of what they do not expect.
    if (sent.secret !== undefined && typeof text === 'string' && text.includes(sent.secret)) {
      Reflect.set(error, name, text.replaceAll(sent.secret, '[redacted]'));
    }
  }
  for (const inner of [cause, ...(Array.isArray(errors) ? (errors as unknown[]) : [])])
    sanitizedError(inner, sent, seen);
  return error;
}

interface FoundError extends Partial<AxiosError> {
  readonly request?: unknown;
  readonly errors?: unknown;
}

/** After a redirect, the path is the last one. */
function sentRequest(nodeRequest: unknown, { config, url }: Sent): SentRequest {
  const { path, method } = (nodeRequest ?? {}) as { path?: unknown; method?: unknown };
  const sent = {
    method: typeof method === 'string' ? method : (config.method ?? 'get').toUpperCase(),
    host: url.host,
    path: typeof path === 'string' ? path : url.pathname + url.search,
  };
  const res = (): unknown => ({ responseUrl: parsedUrl(sent.path, url)?.href ?? url.href });
  return Object.defineProperty(sent, 'res', { get: res });
}
