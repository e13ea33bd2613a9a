import axios, { type AxiosAdapter, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import type { AssetAuthConfig } from '../config/asset-auth.config.js';
import { AssetBusinessError, AssetScopeError } from '../config/asset-auth.errors.js';
import type { AssetHttpDefaults } from '../config/asset-auth.options.js';
import type { AssetClock } from '../config/clock.js';
import type { EventPublisher } from '../events/event-publisher.js';
import type { AccessToken } from '../token/access-token.js';
import type { ClientConnections } from '../token/endpoint/connections.js';
import { AssetTokenService } from '../token/token.service.js';
import { AssetRequest } from './asset-request.js';
import { attempt, isFinal } from './attempt.js';
import { Deadline } from './deadline.js';
import { AssetRequestError, errorOfCall } from './http.errors.js';
import { assertBusiness, requestUrl } from './request-url.js';
import { RetryPolicy } from './retry.policy.js';
import { assertSendable, type Exchange, presetBoundary } from './wire-config.js';

/** The collaborators of a call. */
export interface AssetHttpParts {
  readonly config: AssetAuthConfig;
  readonly tokens: AssetTokenService;
  readonly connections: ClientConnections;
  readonly clock: AssetClock;
  readonly events: EventPublisher;
}

/** As they were before a test or an application put others in their place, on one service or on all. */
const [OUR_GET, OUR_PEEK] = ['getAccessToken', 'peekAccessToken'].map((name): unknown =>
  Reflect.get(AssetTokenService.prototype, name),
);

/** Follow redirects to anywhere by themselves, and take neither agents nor proxy. */
const ROUTELESS: readonly AxiosAdapter[] = [axios.getAdapter('fetch')];

const OTHER_ADAPTER =
  'The request chooses another adapter of axios. Nothing was sent. Asset is called through the adapter "http", which alone keeps to the configured agents and proxy.';

/** Of all clients: a config that one of them refused may be sent again through another. */
const REFUSING = new WeakSet<AxiosAdapter>();

/** An adapter that refuses every call, in these words. */
export function refusingAdapter(why: string, client: string | undefined): AxiosAdapter {
  const refusing: AxiosAdapter = (config) =>
    Promise.resolve().then(() => {
      throw errorOfCall(new AssetRequestError(why), config, client);
    });
  REFUSING.add(refusing);
  return refusing;
}

/** The request itself is at fault, and was not sent. */
const isRefusal = (error: unknown): error is AssetRequestError | AssetScopeError | AssetBusinessError =>
  error instanceof AssetRequestError ||
  error instanceof AssetScopeError ||
  error instanceof AssetBusinessError;

/**
 * In the place of axios' adapter, below all interceptors and transforms. Checks what it was really handed, gets the token
 * for it, sends it, and hands an answer that is no success to the retry policy. A request that does not pass is not sent;
 * the token is written at the last moment, on a private copy.
 */
export class AssetTransport {
  readonly #parts: AssetHttpParts;
  readonly #retries: RetryPolicy;
  readonly #route: AssetHttpDefaults;
  readonly #isLimited: boolean;
  readonly #builtIn = axios.getAdapter('http');
  readonly #refusing: AxiosAdapter;
  /** Adapters that go through the transport already. */
  readonly #guarded = new WeakSet<AxiosAdapter>();

  constructor(parts: AssetHttpParts) {
    this.#parts = parts;
    this.#refusing = refusingAdapter(OTHER_ADAPTER, parts.config.name);
    this.#route = parts.connections.route;
    this.#isLimited = parts.connections.isLimited;
    this.#retries = new RetryPolicy(parts.tokens, parts.clock);
  }

  /** The default adapter of the client's axios instance. */
  readonly adapter: AxiosAdapter = (config) => this.#call(config, this.#builtIn);

  /** Any adapter that a request or a test puts in place of ours, made to go through the transport. */
  readonly guarded = (adapter: InternalAxiosRequestConfig['adapter']): AxiosAdapter => {
    if (adapter === this.adapter || adapter === undefined || adapter === 'http') return this.adapter;
    if (typeof adapter !== 'function' || ROUTELESS.includes(adapter) || REFUSING.has(adapter))
      return this.#refusing;
    if (this.#guarded.has(adapter)) return adapter;
    const guarded: AxiosAdapter = (config) => this.#call(config, adapter);
    this.#guarded.add(guarded);
    return guarded;
  };

  /** The one way out: whatever a call fails with leaves as an error of this call. */
  async #call(config: InternalAxiosRequestConfig, send: AxiosAdapter): Promise<AxiosResponse> {
    // As the application knows it: a config must be fit to be sent again.
    config.adapter = send === this.#builtIn ? this.adapter : send;
    try {
      return await this.#send(config, send);
    } catch (error) {
      // Published before it gets the config of the call, with its headers. One that has a config was published by the inner call,
      // which an adapter of the application handed on.
      if (isRefusal(error) && !Object.hasOwn(error, 'config'))
        this.#parts.events.publish('call.refused', { error });
      throw errorOfCall(error, config, this.#parts.config.name);
    }
  }

  async #send(config: InternalAxiosRequestConfig, send: AxiosAdapter): Promise<AxiosResponse> {
    const request: unknown = config.asset;
    if (!(request instanceof AssetRequest)) {
      throw new AssetRequestError(
        "The request reached the transport without having passed this client's own interceptor, which says what token it needs. Nothing was sent. Do not clear interceptors.request of axiosRef.",
      );
    }
    const { clock, events } = this.#parts;
    const { origin } = this.#parts.config;
    const url = requestUrl(config, origin);
    presetBoundary(config);
    const deadline = new Deadline(config, request, clock);
    const isForeign = send !== this.#builtIn;
    const exchange = {
      config,
      request,
      url,
      deadline,
      events,
      send,
      isForeign,
      route: this.#route,
      isLimited: this.#isLimited,
    };
    let response: AxiosResponse | undefined;
    try {
      // Handed on by an adapter of the application: the call that it comes from has the token, and sends it again.
      const handedOn = isForeign || request.handedOut?.origin !== origin ? undefined : request.handedOut;
      const token = handedOn === undefined ? await this.#tokenFor(exchange) : handedOn.token;
      const outcome = await attempt(exchange, token);
      const replaceable = handedOn === undefined ? token : undefined;
      response = isFinal(outcome)
        ? outcome.response
        : await this.#retries.settle(exchange, replaceable, outcome);
      return response;
    } finally {
      // After an error, axios too leaves a streamed body to its reader.
      deadline.settle(response?.data);
    }
  }

  async #tokenFor(exchange: Exchange): Promise<AccessToken | undefined> {
    const { config, request, url, deadline } = exchange;
    const { tokens } = this.#parts;
    if (request.isAnonymous) return undefined;
    request.assertValid();
    // Before any token is asked for.
    assertSendable(exchange);
    const { businessId = this.#parts.config.businessId } = request;
    assertBusiness(url, businessId);
    try {
      return await deadline.wait(() => {
        const { tokenRequest } = request;
        const withinMs = deadline.remainingMs;
        // Where the token is at hand, no signal has to be made. What replaced a method of ours may take any time, and is asked.
        const isOurs = tokens.getAccessToken === OUR_GET && tokens.peekAccessToken === OUR_PEEK;
        const atHand = isOurs ? tokens.peekAccessToken(tokenRequest, { minimumLifeMs: withinMs }) : undefined;
        if (atHand !== undefined) return atHand;
        const { signal } = deadline;
        return tokens.getAccessToken(tokenRequest, { signal, withinMs, minimumLifeMs: withinMs });
      });
    } catch (error) {
      if (!(error instanceof AssetScopeError)) throw error;
      // Names the call: the log line is all that is known of a handler that forgot its scope.
      const call = `${(config.method ?? 'get').toUpperCase()} ${url.pathname}`;
      const code = error.code as ConstructorParameters<typeof AssetScopeError>[1];
      throw new AssetScopeError(`${call}: ${error.message}`, code);
    }
  }
}
