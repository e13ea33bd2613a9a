import axios, { type AxiosAdapter, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import { checkedBusinessId } from '../config/scope-set.js';
import type { AccessToken } from '../token/access-token.js';
import { AnswerPolicy, type AnswerPolicyParts } from './retry.policy.js';
import { type AssetCall, Bearer, SentBearer } from './asset-request.js';
import type { Journey } from './attempt.js';
import { assertBusiness, finalUrl } from './request-url.js';
import { AssetRequestError } from './http.errors.js';
import { assertHandedOn, assertPlainRequest, presetBoundary, wireConfig } from './wire-config.js';
import { timeoutMs, withinCall } from './deadline.js';

/** What the transport works with. */
export interface AssetTransportParts extends AnswerPolicyParts {
  /** The business of calls that name none. */
  readonly defaultBusiness: string | undefined;
}

/** Follow redirects to anywhere by themselves, and take neither agents nor proxy. */
const ROUTELESS: readonly AxiosAdapter[] = [axios.getAdapter('fetch')];

/**
 * Second of two stages, in the place of axios' adapter, below all interceptors and transforms: checks what it was really
 * handed, and gets the token for it. Only what passes is sent, and only then the token is written, on a private copy.
 */
export class AssetTransport {
  readonly #parts: AssetTransportParts;
  readonly #policy: AnswerPolicy;
  readonly #builtIn = axios.getAdapter('http');
  /** Adapters that go through the transport already, or refuse. */
  readonly #guarded = new WeakSet<AxiosAdapter>();

  constructor(parts: AssetTransportParts) {
    this.#parts = parts;
    this.#policy = new AnswerPolicy(parts);
  }

  /** The default adapter of the client's axios instance. */
  readonly adapter: AxiosAdapter = (config) => this.#send(config, this.#builtIn, this.adapter);

  /** Any adapter that a request or a test puts in place of ours, made to go through the transport. */
  readonly guarded = (adapter: InternalAxiosRequestConfig['adapter']): AxiosAdapter => {
    if (adapter === this.adapter || adapter === undefined || adapter === 'http') return this.adapter;
    if (typeof adapter !== 'function' || ROUTELESS.includes(adapter)) return this.#refusing;
    if (this.#guarded.has(adapter)) return adapter;
    // Asynchronous, so that what it throws is an answer like any other.
    const send: AxiosAdapter = async (config) => adapter(config);
    const guarded: AxiosAdapter = (config) => this.#send(config, send, adapter);
    this.#guarded.add(guarded);
    return guarded;
  };

  readonly #refusing: AxiosAdapter = () =>
    Promise.reject(
      new AssetRequestError(
        'The request chooses another adapter of axios. Nothing was sent. Asset is called through the adapter "http", which alone keeps to the configured agents and proxy.',
      ),
    );

  /** Makes no promise of its own where the token is at hand. */
  #send(
    config: InternalAxiosRequestConfig,
    send: AxiosAdapter,
    restored: AxiosAdapter,
  ): Promise<AxiosResponse> {
    try {
      const bearer: unknown = config.asset;
      if (!(bearer instanceof Bearer)) throw unattended();
      if (bearer instanceof SentBearer) return this.#handOn(config, SentBearer.tokenOf(bearer));
      const call = Bearer.callOf(bearer);
      // From here on, whoever sees the config sees the caller's own, fit to be sent again.
      config.adapter = restored;
      (config as { asset?: unknown }).asset = call;
      const { clock, origin } = this.#parts;
      const url = finalUrl(config, origin);
      presetBoundary(config);
      const timeout = timeoutMs(config);
      const deadline = timeout === undefined ? undefined : clock.monotonic() + timeout;
      const isForeign = send !== this.#builtIn;
      const isDirect = !isForeign && this.#policy.directWay.isOpenTo(config);
      const journey = { config, call, url, deadline, send, isForeign, isDirect };
      return call.isAnonymous
        ? this.#policy.answerTo(journey, undefined)
        : this.#sendAuthorized(journey, timeout);
    } catch (error) {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- hooks of the application may throw anything
      return Promise.reject(error);
    }
  }

  #sendAuthorized(journey: Journey, minimumLifeMs: number | undefined): Promise<AxiosResponse> {
    const { call } = journey;
    call.assertSound();
    const token = this.#parts.tokens.peekAccessToken(call, { minimumLifeMs });
    if (token === undefined) return this.#sendOnceFetched(journey, minimumLifeMs);
    return this.#policy.answerTo(journey, token);
  }

  async #sendOnceFetched(journey: Journey, minimumLifeMs: number | undefined): Promise<AxiosResponse> {
    const { tokens, clock, defaultBusiness } = this.#parts;
    const { call, config, url } = journey;
    // Before any token is asked for.
    assertPlainRequest(config, url);
    assertBusiness(url, businessOf(call, defaultBusiness));
    const token = await withinCall({ ...journey, clock }, (signal) =>
      tokens.getAccessToken(call, { signal, minimumLifeMs }),
    );
    return this.#policy.answerTo(journey, token);
  }

  /** Out of an adapter of the application that has no answer of its own. It may have changed what it was given. */
  #handOn(wire: InternalAxiosRequestConfig, token: AccessToken | undefined): Promise<AxiosResponse> {
    const { connections, origin } = this.#parts;
    const { route } = connections;
    const url = finalUrl(wire, origin);
    assertBusiness(url, token?.businessId);
    assertHandedOn(wire, url, route);
    const { beforeRedirect } = wire;
    return this.#builtIn(wireConfig(wire, { token, url, route, timeoutMs: undefined, beforeRedirect }));
  }
}

/** @throws AssetBusinessError `ASSET_BUSINESS_INVALID` */
function businessOf({ businessId }: AssetCall, byDefault: string | undefined): string | undefined {
  if (businessId === undefined) return byDefault;
  return businessId === null ? undefined : checkedBusinessId(businessId);
}

const unattended = (): AssetRequestError =>
  new AssetRequestError(
    "The request reached the transport without having passed this client's own interceptor, which gives it a token. Nothing was sent. Do not clear interceptors.request of axiosRef.",
  );
