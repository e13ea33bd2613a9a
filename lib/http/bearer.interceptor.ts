import type { AxiosAdapter, InternalAxiosRequestConfig } from 'axios';
import type { AssetTokenService } from '../token/token.service.js';
import type { AssetClock } from '../config/clock.js';
import { checkedBusinessId } from '../config/business-id.js';
import { AssetCall, NOT_NARROWED } from './asset-call.js';
import { Bearer, type BearerContents } from './bearer.js';
import { assertBusiness, type CheckedAddress, finalUrl } from './final-url.js';
import { ownValue } from './own-value.js';
import { assertPlainRequest } from './request-rules.js';
import { timeoutMs, withinCall } from './token-wait.js';

/** What the interceptor works with. */
export interface BearerParts {
  readonly tokens: AssetTokenService;
  readonly clock: AssetClock;
  readonly origin: string;
  /** The business of calls that name none. */
  readonly defaultBusiness: string | undefined;
  /** The client's name; `undefined` for the default one. */
  readonly client: string | undefined;
  /** Makes any adapter send through the transport. */
  readonly guarded: (adapter: InternalAxiosRequestConfig['adapter']) => AxiosAdapter;
}

/** A call whose token is being looked for. */
interface Seeker extends Pick<BearerContents, 'call' | 'deadline'> {
  readonly config: InternalAxiosRequestConfig;
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
    const call = AssetCall.of(ownValue(config, 'asset'), NOT_NARROWED, client);
    const { url: written, baseURL } = config;
    const url = finalUrl(config, origin);
    const checked = { written: { url: written, baseURL }, url };
    config.adapter = guarded(config.adapter);
    if (config.transitional?.legacyInterceptorReqResOrdering !== true) guardLater(config, guarded);
    assertPlainRequest(config, url);
    const minimumLifeMs = timeoutMs(config);
    const deadline = minimumLifeMs === undefined ? undefined : clock.monotonic() + minimumLifeMs;
    if (call.isAnonymous) return withBearer(config, { call, token: undefined, deadline, checked });

    call.assertSound();
    const token = tokens.peekAccessToken(call, { minimumLifeMs });
    if (token === undefined) return this.#whenFetched({ config, call, deadline, minimumLifeMs, checked });
    assertBusiness(url, token.businessId);
    return withBearer(config, { call, token, deadline, checked });
  };

  async #whenFetched({
    config,
    call,
    deadline,
    minimumLifeMs,
    checked,
  }: Seeker): Promise<InternalAxiosRequestConfig> {
    const { tokens, clock, defaultBusiness } = this.#parts;
    // Before any token is asked for.
    assertBusiness(checked.url, businessOf(call, defaultBusiness));
    const token = await withinCall({ config, call, clock, deadline }, (signal) =>
      tokens.getAccessToken(call, { signal, minimumLifeMs }),
    );
    return withBearer(config, { call, token, deadline, checked });
  }
}

/**
 * In the other order, interceptors of the application run after ours and may still choose an adapter. The last transform
 * sees to that one, right before axios takes it.
 */
function guardLater(config: InternalAxiosRequestConfig, guarded: BearerParts['guarded']): void {
  const guard = function (this: InternalAxiosRequestConfig, data: unknown): unknown {
    this.adapter = guarded(this.adapter);
    return data;
  };
  config.transformRequest = [config.transformRequest ?? [], guard].flat();
}

/** @throws AssetBusinessError `ASSET_BUSINESS_INVALID` */
function businessOf({ businessId }: AssetCall, byDefault: string | undefined): string | undefined {
  if (businessId === undefined) return byDefault;
  return businessId === null ? undefined : checkedBusinessId(businessId);
}

function withBearer(
  config: InternalAxiosRequestConfig,
  contents: BearerContents,
): InternalAxiosRequestConfig {
  (config as { asset?: unknown }).asset = new Bearer(contents);
  return config;
}
