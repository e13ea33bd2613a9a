import axios, { type AxiosAdapter, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import type { AccessToken } from '../token/access-token.js';
import type { ClientConnections } from '../token/endpoint/client-connections.js';
import type { AssetClock } from '../config/clock.js';
import type { AssetTokenService } from '../token/token.service.js';
import { inWords, type UnauthorizedDetails } from './api-errors.js';
import { Bearer, type BearerContents, SentBearer } from './bearer.js';
import { cleanError, cleanResponse } from './clean-answer.js';
import { assertBusiness, finalUrl, isUnchanged } from './final-url.js';
import { AssetRequestError } from './http.errors.js';
import { rateLimitWaitMs } from './rate-limit.retry.js';
import { RedirectGuard } from './redirect-guard.js';
import { giveUp, isReplayable } from './replay.js';
import { assertPlainRequest } from './request-rules.js';
import { isCancelled, pause, timedOut, withinCall } from './token-wait.js';
import { forForeignAdapter, presetBoundary, wireConfig } from './wire-config.js';

/** What the transport works with. */
export interface TransportParts {
  readonly tokens: AssetTokenService;
  readonly connections: ClientConnections;
  readonly clock: AssetClock;
  readonly origin: string;
}

/** How one attempt ended: with an answer, with an error, or with an answer whose status axios takes for an error. */
interface Outcome {
  readonly response: AxiosResponse | undefined;
  /** Node's request object. */
  readonly request: unknown;
  readonly failure: { readonly error: unknown } | undefined;
}

/** One call on its way: what stays the same over its attempts. */
interface Journey extends Pick<BearerContents, 'call' | 'deadline'> {
  readonly config: InternalAxiosRequestConfig;
  readonly url: URL;
  readonly send: AxiosAdapter;
}

/** Follow redirects to anywhere by themselves, and take neither agents nor proxy. */
const ROUTELESS: readonly AxiosAdapter[] = [axios.getAdapter('fetch')];

/**
 * Second of two stages, in the place of axios' adapter, below all interceptors and transforms: checks what it was really
 * handed, and only then writes the token, on a private copy. Replays after a 401 start here too, so that the
 * application's interceptors see one request.
 */
export class AssetTransport {
  readonly #parts: TransportParts;
  readonly #builtIn = axios.getAdapter('http');

  constructor(parts: TransportParts) {
    this.#parts = parts;
  }

  /** The default adapter of the client's axios instance. */
  readonly adapter: AxiosAdapter = (config) => this.#send(config, this.#builtIn, this.adapter);

  /** Any adapter that a request or a test puts in place of ours, made to go through the transport. */
  readonly guarded = (adapter: InternalAxiosRequestConfig['adapter']): AxiosAdapter => {
    if (adapter === this.adapter || adapter === undefined || adapter === 'http') return this.adapter;
    if (typeof adapter === 'function' && !ROUTELESS.includes(adapter)) {
      return (config) => this.#send(config, adapter, adapter);
    }
    throw new AssetRequestError(
      'The request chooses another adapter of axios. Nothing was sent. Asset is called through the adapter "http", which alone keeps to the configured agents and proxy.',
    );
  };

  async #send(
    config: InternalAxiosRequestConfig,
    send: AxiosAdapter,
    restored: AxiosAdapter,
  ): Promise<AxiosResponse> {
    const bearer: unknown = config.asset;
    if (!(bearer instanceof Bearer)) throw unattended();
    const { call, token, deadline, checked } = Bearer.read(bearer);
    if (bearer instanceof SentBearer) return this.#handOn(config, token);
    // From here on, whoever sees the config sees the caller's own, fit to be sent again.
    config.adapter = restored;
    (config as { asset?: unknown }).asset = call;
    const url =
      checked !== undefined && isUnchanged(config, checked)
        ? checked.url
        : finalUrl(config, this.#parts.origin);
    assertPlainRequest(config, url);
    const journey = { config, call, url, deadline, send };
    if (token === undefined) return settled(await this.#attempt(journey, undefined));
    if (url !== checked?.url) assertBusiness(url, token.businessId);
    presetBoundary(config);
    return this.#withReplays(journey, token);
  }

  async #withReplays(journey: Journey, first: AccessToken): Promise<AxiosResponse> {
    let token = first;
    let unauthorized: UnauthorizedDetails | undefined;
    for (let retries = 0; ;) {
      const outcome = await this.#attempt(journey, token);
      const { response } = outcome;
      if (response === undefined) return settled(outcome);
      if (response.status === 401 && unauthorized === undefined) {
        const next = await this.#replacement(journey, token, outcome);
        if ('token' in next) {
          ({ token } = next);
          unauthorized = { why: 'the new token was rejected as well' };
          continue;
        }
        unauthorized = next;
      }
      const wait = this.#rateLimitWait(journey, response, retries);
      if (wait === undefined) return this.#finish(outcome, token, unauthorized);
      giveUp(response, outcome.request);
      retries += 1;
      await withinCall({ ...journey, clock: this.#parts.clock }, (signal) =>
        pause(wait, this.#parts.clock, signal),
      );
    }
  }

  /** The token to replay a 401 with, or why there is none. */
  async #replacement(
    { config, call, deadline }: Journey,
    rejected: AccessToken,
    { response, request }: Outcome,
  ): Promise<{ readonly token: AccessToken } | UnauthorizedDetails> {
    const { tokens, clock } = this.#parts;
    if (response === undefined || !isReplayable(config.data)) {
      // For the calls that come after this one, which does not wait for it.
      tokens.replaceRejected(rejected).catch(() => {});
      return { why: 'the body of the request cannot be sent again' };
    }
    giveUp(response, request);
    try {
      const token = await withinCall({ config, call, clock, deadline }, (signal) =>
        tokens.replaceRejected(rejected, signal),
      );
      if (token === undefined) return { why: 'the token was replaced a moment ago already' };
      if (token.value === rejected.value) return { why: 'the endpoint handed out the same token again' };
      return { token };
    } catch (cause) {
      if (axios.isAxiosError(cause)) throw cause;
      return { why: 'no other token could be had', cause };
    }
  }

  async #attempt({ config, url, call, deadline, send }: Journey, token?: AccessToken): Promise<Outcome> {
    const { clock, connections, origin } = this.#parts;
    const timeoutMs = deadline === undefined ? undefined : deadline - clock.monotonic();
    if (timeoutMs !== undefined && timeoutMs <= 0) throw timedOut(config);
    if (isCancelled(config, call)) throw new axios.CanceledError(undefined, config);
    const guard = new RedirectGuard(origin, token?.businessId, config.beforeRedirect);
    const { beforeRedirect } = guard;
    const ours = wireConfig(config, { token, url, route: connections.route, timeoutMs, beforeRedirect });
    const wire =
      send === this.#builtIn
        ? ours
        : forForeignAdapter(ours, config, new SentBearer({ call, token, deadline, checked: undefined }));
    const sent = { config, url, secret: token?.value };
    try {
      const response = await send(wire);
      const request: unknown = response.request;
      // Nobody is left to read it.
      if (call.isAbandoned) giveUp(response, request);
      return { response: cleanResponse(response, sent), request, failure: undefined };
    } catch (error) {
      const response = axios.isAxiosError(error) ? error.response : undefined;
      const request: unknown = response?.request;
      return { response, request, failure: { error: guard.refusal ?? cleanError(error, sent) } };
    }
  }

  /** Out of an adapter of the application that has no answer of its own. It may have changed what it was given. */
  #handOn(wire: InternalAxiosRequestConfig, token: AccessToken | undefined): Promise<AxiosResponse> {
    const { connections, origin } = this.#parts;
    const url = finalUrl(wire, origin);
    assertBusiness(url, token?.businessId);
    const { beforeRedirect } = wire;
    return this.#builtIn(
      wireConfig(wire, { token, url, route: connections.route, timeoutMs: undefined, beforeRedirect }),
    );
  }

  #rateLimitWait(
    { config, deadline }: Journey,
    response: AxiosResponse,
    retries: number,
  ): number | undefined {
    const { clock } = this.#parts;
    const wait = rateLimitWaitMs(response, retries, clock.now(), Math.random());
    if (wait === undefined || !isReplayable(config.data)) return undefined;
    return deadline === undefined || clock.monotonic() + wait < deadline ? wait : undefined;
  }

  #finish(
    outcome: Outcome,
    token: AccessToken,
    unauthorized: UnauthorizedDetails | undefined,
  ): AxiosResponse {
    if (outcome.failure === undefined) return settled(outcome);
    const details = unauthorized ?? { why: 'no other token could be had' };
    throw inWords(outcome.failure.error, token, this.#parts.clock.now(), details);
  }
}

function settled({ response, failure }: Outcome): AxiosResponse {
  if (response === undefined || failure !== undefined) throw failure?.error;
  return response;
}

const unattended = (): AssetRequestError =>
  new AssetRequestError(
    "The request reached the transport without having passed this client's own interceptor, which gives it a token. Nothing was sent. Do not clear interceptors.request of axiosRef.",
  );
