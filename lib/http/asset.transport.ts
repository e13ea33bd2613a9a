import axios, { type AxiosAdapter, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import { AnswerPolicy, type AnswerPolicyParts } from './answer-policy.js';
import { Bearer, type BearerContents, SentBearer } from './bearer.js';
import { assertBusiness, finalUrl, isUnchanged } from './final-url.js';
import { AssetRequestError } from './http.errors.js';
import { assertHandedOn, assertPlainRequest } from './request-rules.js';
import { presetBoundary, wireConfig } from './wire-config.js';

/** Follow redirects to anywhere by themselves, and take neither agents nor proxy. */
const ROUTELESS: readonly AxiosAdapter[] = [axios.getAdapter('fetch')];

/**
 * Second of two stages, in the place of axios' adapter, below all interceptors and transforms: checks what it was really
 * handed. Only what passes is sent, and only then the token is written, on a private copy.
 */
export class AssetTransport {
  readonly #parts: AnswerPolicyParts;
  readonly #policy: AnswerPolicy;
  readonly #builtIn = axios.getAdapter('http');
  /** Adapters that go through the transport already. */
  readonly #guarded = new WeakSet<AxiosAdapter>();

  constructor(parts: AnswerPolicyParts) {
    this.#parts = parts;
    this.#policy = new AnswerPolicy(parts);
  }

  /** The default adapter of the client's axios instance. */
  readonly adapter: AxiosAdapter = (config) => this.#send(config, this.#builtIn, this.adapter);

  /** Any adapter that a request or a test puts in place of ours, made to go through the transport. */
  readonly guarded = (adapter: InternalAxiosRequestConfig['adapter']): AxiosAdapter => {
    if (adapter === this.adapter || adapter === undefined || adapter === 'http') return this.adapter;
    if (typeof adapter === 'function' && !ROUTELESS.includes(adapter)) return this.#guardedOnce(adapter);
    throw new AssetRequestError(
      'The request chooses another adapter of axios. Nothing was sent. Asset is called through the adapter "http", which alone keeps to the configured agents and proxy.',
    );
  };

  #guardedOnce(adapter: AxiosAdapter): AxiosAdapter {
    if (this.#guarded.has(adapter)) return adapter;
    const guarded: AxiosAdapter = (config) => this.#send(config, adapter, adapter);
    this.#guarded.add(guarded);
    return guarded;
  }

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
    if (url !== checked?.url) assertBusiness(url, token?.businessId);
    presetBoundary(config);
    const journey = { config, call, url, deadline, send, isForeign: send !== this.#builtIn };
    return this.#policy.answerTo(journey, token);
  }

  /** Out of an adapter of the application that has no answer of its own. It may have changed what it was given. */
  #handOn(wire: InternalAxiosRequestConfig, token: BearerContents['token']): Promise<AxiosResponse> {
    const { connections, origin } = this.#parts;
    const { route } = connections;
    const url = finalUrl(wire, origin);
    assertBusiness(url, token?.businessId);
    assertHandedOn(wire, url, route);
    const { beforeRedirect } = wire;
    return this.#builtIn(wireConfig(wire, { token, url, route, timeoutMs: undefined, beforeRedirect }));
  }
}

const unattended = (): AssetRequestError =>
  new AssetRequestError(
    "The request reached the transport without having passed this client's own interceptor, which gives it a token. Nothing was sent. Do not clear interceptors.request of axiosRef.",
  );
