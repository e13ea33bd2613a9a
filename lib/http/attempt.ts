import axios, { type AxiosAdapter, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import type { AssetClock } from '../config/clock.js';
import type { AccessToken } from '../token/access-token.js';
import type { ClientConnections } from '../token/endpoint/client-connections.js';
import { AttemptLimit } from './attempt-limit.js';
import { type BearerContents, SentBearer } from './bearer.js';
import { cleanError, cleanResponse } from './clean-answer.js';
import { RedirectGuard } from './redirect-guard.js';
import { giveUp } from './replay.js';
import { isCancelled, timedOut } from './token-wait.js';
import { forForeignAdapter, wireConfig } from './wire-config.js';

/** What an attempt works with. */
export interface AttemptParts {
  readonly connections: ClientConnections;
  readonly clock: AssetClock;
  readonly origin: string;
}

/** One call on its way: what stays the same over its attempts. */
export interface Journey extends Pick<BearerContents, 'call' | 'deadline'> {
  readonly config: InternalAxiosRequestConfig;
  readonly url: URL;
  readonly send: AxiosAdapter;
  /** Whether it is sent by an adapter that the application brought. */
  readonly isForeign: boolean;
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

/** Sends a call once, with the token if it is to carry one. */
export async function attempt(
  journey: Journey,
  token: AccessToken | undefined,
  { clock, connections, origin }: AttemptParts,
): Promise<Outcome> {
  const { config, url, call, deadline } = journey;
  const timeoutMs = deadline === undefined ? undefined : deadline - clock.monotonic();
  if (timeoutMs !== undefined && timeoutMs <= 0) throw timedOut(config);
  if (isCancelled(config, call)) throw new axios.CanceledError(undefined, config);
  const guard = new RedirectGuard(origin, token?.businessId, config.beforeRedirect);
  const { beforeRedirect } = guard;
  const limit = timeoutMs === undefined ? undefined : new AttemptLimit(config, timeoutMs, clock);
  const { route } = connections;
  const sent = { config, url, secret: token?.value };
  try {
    const ours = wireConfig(config, { token, url, route, timeoutMs, beforeRedirect, signal: limit?.signal });
    const response = await journey.send(journey.isForeign ? forForeign(ours, journey, token) : ours);
    limit?.settle(response.data);
    const request: unknown = response.request;
    // Nobody is left to read it.
    if (call.isAbandoned) giveUp(response, request);
    return { response: cleanResponse(response, sent), status: response.status, request, failure: undefined };
  } catch (error) {
    limit?.settle(undefined);
    if (limit?.isPassed === true) throw timedOut(config);
    const response = axios.isAxiosError(error) ? error.response : undefined;
    const request: unknown = response?.request ?? (error as { request?: unknown } | undefined)?.request;
    const status = response?.status ?? statusOf(request);
    return { response, status, request, failure: { error: guard.refusal ?? cleanError(error, sent) } };
  }
}

const forForeign = (
  ours: InternalAxiosRequestConfig,
  { config, call, deadline }: Journey,
  token: AccessToken | undefined,
): InternalAxiosRequestConfig =>
  forForeignAdapter(ours, config, new SentBearer({ call, token, deadline, checked: undefined }));

/** Of an answer whose body was too long or broken, which axios takes for no answer. */
function statusOf(request: unknown): number | undefined {
  const { res } = Object(request) as { res?: { readonly statusCode?: number } };
  return res?.statusCode;
}
