import type { HttpService } from '@nestjs/axios';
import axios, { type AxiosInstance } from 'axios';
import type { AssetAuthConfig } from '../config/asset-auth.config.js';
import type { AssetHttpDefaults } from '../config/asset-auth.options.js';
import { ROUTE_OPTIONS, type ClientConnections } from '../token/endpoint/client-connections.js';
import type { AssetClock } from '../config/clock.js';
import type { AssetTokenService } from '../token/token.service.js';
import { AssetTransport } from './asset.transport.js';
import { BearerInterceptor } from './bearer.interceptor.js';

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
  const transport = new AssetTransport({ tokens, connections, clock, origin });
  const bearer = new BearerInterceptor({
    tokens,
    clock,
    origin,
    defaultBusiness,
    client,
    guarded: transport.guarded,
  });
  const instance = axios.create({ ...config.http, baseURL: origin, adapter: transport.adapter });
  isolate(instance, config.http);
  // First, so that it runs last: request interceptors run in reverse order of registration.
  instance.interceptors.request.use(bearer.attach);
  return asNestKnowsIt(instance);
}

/** Axios ships one set of types for `import` and one for `require`, and Nest's majors differ in which they use. */
const asNestKnowsIt = (instance: unknown): HttpService['axiosRef'] => instance as HttpService['axiosRef'];

type AxiosDefaults = AxiosInstance['defaults'];

/** A copy of what every axios instance has of itself, but for its adapter and headers. */
const stockOf = (defaults: AxiosDefaults): Partial<AxiosDefaults> => ({
  env: defaults.env,
  maxBodyLength: defaults.maxBodyLength,
  maxContentLength: defaults.maxContentLength,
  timeout: defaults.timeout,
  transformRequest: [defaults.transformRequest ?? []].flat(),
  transformResponse: [defaults.transformResponse ?? []].flat(),
  transitional: { ...defaults.transitional },
  validateStatus: defaults.validateStatus,
  xsrfCookieName: defaults.xsrfCookieName,
  xsrfHeaderName: defaults.xsrfHeaderName,
});

/** As it was before the application changed anything. */
const STOCK = stockOf(axios.defaults);

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

const STOCK_HEADERS = {
  common: { Accept: 'application/json, text/plain, */*' },
  ...Object.fromEntries(VERBS.map((verb) => [verb, {}])),
};

/**
 * Every instance starts as a copy of the global axios, with the headers, transforms and agents that the application set
 * there for somebody else. They are kept out, and so is our own route: among the defaults a single request could override
 * it, so the transport adds it to what it sends.
 */
function isolate({ defaults }: AxiosInstance, http: AssetHttpDefaults): void {
  const { adapter, baseURL } = defaults;
  for (const name of Object.keys(defaults)) Reflect.deleteProperty(defaults, name);
  const chosen = Object.entries(http).filter(([name, value]) => !isRoute(name) && value !== undefined);
  const stock: object = { headers: STOCK_HEADERS };
  Object.assign(defaults, stockOf(STOCK as AxiosDefaults), Object.fromEntries(chosen), {
    adapter,
    baseURL,
    headers: axios.mergeConfig(stock, { headers: http.headers }).headers,
    // As a whole, one that names a single flag would also turn the order of interceptors around.
    transitional: { ...STOCK.transitional, ...http.transitional },
  });
}

const isRoute = (name: string): boolean => ROUTE_OPTIONS.some((route) => route === name);
