import type { AxiosAdapter, InternalAxiosRequestConfig } from 'axios';
import { AssetCall, NOT_NARROWED, Bearer, ownValue } from './asset-request.js';

/** Makes any adapter send through the transport. */
export type AdapterGuard = (adapter: InternalAxiosRequestConfig['adapter']) => AxiosAdapter;

/** What the interceptor works with. */
export interface BearerParts {
  /** The client's name; `undefined` for the default one. */
  readonly client: string | undefined;
  readonly guarded: AdapterGuard;
}

/**
 * First of two stages: settles what a request's token is asked for, and makes sure that the second stage, the transport,
 * sees the request. It is registered first, so that it runs last, on what the application's interceptors made of the
 * request. It neither waits nor throws: as long as every interceptor is synchronous, axios makes no promise for any of
 * them, and some of its versions cannot bear one that throws.
 */
export class BearerInterceptor {
  readonly #parts: BearerParts;

  constructor(parts: BearerParts) {
    this.#parts = parts;
  }

  /** For `interceptors.request.use`, as a synchronous one. */
  readonly attach = (config: InternalAxiosRequestConfig): InternalAxiosRequestConfig => {
    const { client, guarded } = this.#parts;
    const call = AssetCall.of(ownValue(config, 'asset'), NOT_NARROWED, client);
    config.adapter = guarded(config.adapter);
    if (config.transitional?.legacyInterceptorReqResOrdering !== true) guardLater(config, guarded);
    (config as { asset?: unknown }).asset = new Bearer(call);
    return config;
  };
}

/**
 * Where a flag turns their order around, interceptors of the application run after ours and may still choose an adapter.
 * The last transform sees to that one, right before axios takes it.
 */
function guardLater(config: InternalAxiosRequestConfig, guarded: AdapterGuard): void {
  const guard = function (this: InternalAxiosRequestConfig, data: unknown): unknown {
    this.adapter = guarded(this.adapter);
    return data;
  };
  config.transformRequest = [config.transformRequest ?? [], guard].flat();
}
