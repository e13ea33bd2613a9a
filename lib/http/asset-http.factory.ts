import type { HttpService } from '@nestjs/axios';
import axios, { type AxiosInstance } from 'axios';
import type { AssetAuthConfig } from '../config/asset-auth.config.js';
import { type ClientConnections, ROUTE_OPTIONS } from '../token/endpoint/connections.js';
import type { AssetClock } from '../config/clock.js';
import type { AssetTokenService } from '../token/token.service.js';
import { AssetTransport } from './asset.transport.js';
import { BearerInterceptor } from './bearer.interceptor.js';
import type { AssetHttpDefaults } from '../config/asset-auth.options.js';

/** What a client's HTTP side is built of. */
export interface AssetHttpParts {
  readonly config: AssetAuthConfig;
  readonly tokens: AssetTokenService;
  readonly connections: ClientConnections;
  readonly clock: AssetClock;
  readonly client: string | undefined;
}

/** A private axios instance that sends to Asset only, with a token. Axios' global instance is never touched. */
export function createAssetAxios({
  config,
  tokens,
  connections,
  clock,
  client,
}: AssetHttpParts): HttpService['axiosRef'] {
  const { origin, businessId: defaultBusiness } = config;
  const transport = new AssetTransport({ tokens, connections, clock, origin, defaultBusiness });
  const bearer = new BearerInterceptor({ client, guarded: transport.guarded });
  const instance = axios.create({ ...config.http, baseURL: origin, adapter: transport.adapter });
  isolate(instance, config.http);
  // First, so that it runs last: request interceptors run in reverse order of registration.
  instance.interceptors.request.use(bearer.attach, undefined, { synchronous: true });
  return asNestKnowsIt(instance);
}

/** Axios ships one set of types for `import` and one for `require`, and Nest's majors differ in which they use. */
const asNestKnowsIt = (instance: unknown): HttpService['axiosRef'] => instance as HttpService['axiosRef'];

type AxiosDefaults = AxiosInstance['defaults'];

/** A copy of what every axios instance has of itself, but for its adapter and headers. */
const stockOf = (defaults: AxiosDefaults): Partial<AxiosDefaults> => ({
  maxBodyLength: defaults.maxBodyLength,
  maxContentLength: defaults.maxContentLength,
  timeout: defaults.timeout,
  transformRequest: [defaults.transformRequest ?? []].flat(),
  transformResponse: [defaults.transformResponse ?? []].flat(),
  transitional: { ...defaults.transitional },
  validateStatus: defaults.validateStatus,
});

/** As it was before the application changed anything. */
const STOCK = stockOf(axios.defaults);

/** Axios reads them in browsers only, or has them as well where it does not find them here. */
const IDLE = ['env', 'xsrfCookieName', 'xsrfHeaderName'] as const;

const VERBS = [
  'delete',
  'get',
  'head',
  'link',
  'options',
  'patch',
  'post',
  'purge',
  'put',
  'query',
  'unlink',
];

/**
 * Every instance starts as a copy of the global axios, with the headers, transforms and agents that the application set
 * there for somebody else. They are kept out, and so is our own route: among the defaults a single request could override
 * it, so the transport adds it to what it sends.
 */
export function isolate({ defaults }: AxiosInstance, http: AssetHttpDefaults): void {
  const { adapter, baseURL } = defaults;
  const idle = IDLE.map((name) => [name, defaults[name]] as const);
  for (const name of Object.keys(defaults)) Reflect.deleteProperty(defaults, name);
  const chosen = Object.entries(http).filter(([name, value]) => !isRoute(name) && value !== undefined);
  const stock: object = { headers: { common: { Accept: 'application/json, text/plain, */*' } } };
  for (const [name, value] of idle) sleeping(defaults, name, value);
  Object.assign(defaults, stockOf(STOCK as AxiosDefaults), Object.fromEntries(chosen), {
    adapter,
    baseURL,
    headers: axios.mergeConfig(stock, { headers: http.headers }).headers,
    // As a whole, one that names a single flag would also turn the order of interceptors around.
    transitional: { ...STOCK.transitional, ...http.transitional },
  });
  for (const verb of VERBS) {
    if (!Object.hasOwn(defaults.headers, verb)) sleeping(defaults.headers, verb, {});
  }
}

const isRoute = (name: string): boolean => ROUTE_OPTIONS.some((route) => route === name);

/**
 * A default that takes part only once somebody looks at it: axios copies every enumerable
 * one for each request, headers of eleven verbs among them, which costs as much as all that this library does.
 */
function sleeping(defaults: object, name: string, value: unknown): void {
  const wake = (awake: unknown): void => {
    Object.defineProperty(defaults, name, {
      value: awake,
      enumerable: true,
      writable: true,
      configurable: true,
    });
  };
  Object.defineProperty(defaults, name, {
    get: () => {
      wake(value);
      return value;
    },
    set: wake,
    enumerable: false,
    configurable: true,
  });
}
