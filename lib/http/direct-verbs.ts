import type { HttpService } from '@nestjs/axios';

type Axios = HttpService['axiosRef'];

/** A function of an axios instance, as `HttpService` hands it on: its config comes last. */
export type AxiosVerb = (...args: unknown[]) => Promise<never>;

/** What matters here of an axios config. */
type GivenConfig = Readonly<Record<string, unknown>>;

const WITHOUT_BODY = ['get', 'delete', 'head'] as const;
const WITH_BODY = ['post', 'put', 'patch'] as const;

type Method = (typeof WITHOUT_BODY)[number] | (typeof WITH_BODY)[number];

/**
 * The verbs that do nothing but name a method, each as one call of `request`: axios' own copy the config once more, and
 * cost four promises. By identity, so that a verb that a test has replaced stays replaced.
 */
export class DirectVerbs {
  readonly #request: AxiosVerb;
  readonly #direct = new Map<unknown, (config: GivenConfig, args: readonly unknown[]) => object>();

  constructor(instance: Axios) {
    // Functions of an instance are bound to it.
    const own = instance as unknown as Readonly<Record<Method | 'request', AxiosVerb>>;
    this.#request = own.request;
    for (const method of WITHOUT_BODY) {
      this.#direct.set(own[method], (config, [url]) => ({ ...config, method, url }));
    }
    for (const method of WITH_BODY) {
      this.#direct.set(own[method], (config, [url, data]) => ({
        ...config,
        // As axios' own verbs: nothing, in whatever form, is no reason to drop the defaults.
        headers: typeof config.headers === 'object' ? (config.headers ?? {}) : {},
        method,
        url,
        data,
      }));
    }
  }

  /**
   * @param args - what the verb takes before its config
   */
  call(verb: AxiosVerb, args: readonly unknown[], config: GivenConfig): Promise<never> {
    const configFor = this.#direct.get(verb);
    return configFor === undefined ? verb(...args, config) : this.#request(configFor(config, args));
  }
}
