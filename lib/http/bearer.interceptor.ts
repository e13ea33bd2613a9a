import type { AxiosAdapter, InternalAxiosRequestConfig } from 'axios';
import type { AssetTokenRequest } from '../token/request/token-request.resolver.js';
import type { AssetTokenService } from '../token/token.service.js';
import type { AssetClock } from '../config/clock.js';
import { AssetCall } from './asset-call.js';
import { Bearer, type BearerContents } from './bearer.js';
import { assertBusiness, type CheckedAddress, finalUrl } from './final-url.js';
import { assertPlainRequest } from './request-rules.js';
import { timeoutMs, withinCall } from './token-wait.js';

/** What the interceptor works with. */
export interface BearerParts {
  readonly tokens: AssetTokenService;
  readonly clock: AssetClock;
  readonly origin: string;
  /** The client's name; `undefined` for the default one. */
  readonly client: string | undefined;
  /** Makes any adapter send through the transport. */
  readonly guarded: (adapter: InternalAxiosRequestConfig['adapter']) => AxiosAdapter;
}

/** A call whose token is being looked for. */
interface Seeker extends Pick<BearerContents, 'call' | 'deadline'> {
  readonly config: InternalAxiosRequestConfig;
  readonly request: AssetTokenRequest;
  readonly minimumLifeMs: number | undefined;
  readonly checked: CheckedAddress;
}

/**
 * First of two stages: settles what a request's token is asked for, refuses what can be refused, and gets the token. It
 * is registered first, so that it runs last, on what the application's interceptors made of the request. Only the second
 * stage, the transport, puts the token on the wire.
 */
export class BearerInterceptor {
  readonly #parts: BearerParts;

  constructor(parts: BearerParts) {
    this.#parts = parts;
  }

  /** For `interceptors.request.use`. Awaits nothing if the token is at hand. */
  readonly attach = (
    config: InternalAxiosRequestConfig,
  ): InternalAxiosRequestConfig | Promise<InternalAxiosRequestConfig> => {
    const { tokens, clock, origin, client, guarded } = this.#parts;
    const call = AssetCall.of(config.asset);
    const { url: written, baseURL } = config;
    const url = finalUrl(config, origin);
    const checked = { written: { url: written, baseURL }, url };
    config.adapter = guarded(config.adapter);
    assertPlainRequest(config, url);
    const minimumLifeMs = timeoutMs(config);
    const deadline = minimumLifeMs === undefined ? undefined : clock.monotonic() + minimumLifeMs;
    if (call.isAnonymous) return withBearer(config, { call, token: undefined, deadline, checked });

    const request = call.tokenRequest(client);
    const token = tokens.peekAccessToken(request, { minimumLifeMs });
    if (token === undefined) {
      return this.#whenFetched({ config, call, request, deadline, minimumLifeMs, checked });
    }
    assertBusiness(url, token.businessId);
    return withBearer(config, { call, token, deadline, checked });
  };

  async #whenFetched({
    config,
    call,
    request,
    deadline,
    minimumLifeMs,
    checked,
  }: Seeker): Promise<InternalAxiosRequestConfig> {
    const { tokens, clock } = this.#parts;
    // Before any token is asked for.
    assertBusiness(checked.url, tokens.businessOf(request));
    const token = await withinCall({ config, call, clock, deadline }, (signal) =>
      tokens.getAccessToken(request, { signal, minimumLifeMs }),
    );
    return withBearer(config, { call, token, deadline, checked });
  }
}

function withBearer(
  config: InternalAxiosRequestConfig,
  contents: BearerContents,
): InternalAxiosRequestConfig {
  (config as { asset?: unknown }).asset = new Bearer(contents);
  return config;
}
