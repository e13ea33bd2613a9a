import type { AxiosAdapter, InternalAxiosRequestConfig } from 'axios';
import { AssetRequest, NOT_NARROWED, ownValue } from './asset-request.js';

/** Makes any adapter send through the transport. */
export type AdapterGuard = (adapter: InternalAxiosRequestConfig['adapter']) => AxiosAdapter;

/**
 * Has the transport attach the bearer token, whatever adapter was chosen, and notes what the token is asked for, unless a
 * verb of the service or of a view's `axiosRef` has done so. It is registered first, so that it runs last, on what the
 * application's interceptors made of the request. Synchronous, and it never throws: some versions of axios cannot bear a
 * synchronous interceptor that does.
 */
export class BearerInterceptor {
  readonly #client: string | undefined;
  readonly #guarded: AdapterGuard;

  /** @param client - the client's name; `undefined` for the default one */
  constructor(client: string | undefined, guarded: AdapterGuard) {
    this.#client = client;
    this.#guarded = guarded;
  }

  /** For `interceptors.request.use`, as a synchronous one. */
  readonly attach = (config: InternalAxiosRequestConfig): InternalAxiosRequestConfig => {
    const request = AssetRequest.of(ownValue(config, 'asset'), NOT_NARROWED, this.#client);
    (config as { asset?: unknown }).asset = request;
    config.adapter = this.#guarded(config.adapter);
    if (config.transitional?.legacyInterceptorReqResOrdering !== true) guardLater(config, this.#guarded);
    return config;
  };
}

/**
 * Where a flag turns their order around, interceptors of the application run after ours and may still choose an adapter.
 * The last transform guards that one, right before axios takes it.
 */
function guardLater(config: InternalAxiosRequestConfig, guarded: AdapterGuard): void {
  const guard = function (this: InternalAxiosRequestConfig, data: unknown): unknown {
    this.adapter = guarded(this.adapter);
    return data;
  };
  config.transformRequest = [config.transformRequest ?? [], guard].flat();
}
