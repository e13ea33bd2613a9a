import type { HttpService } from '@nestjs/axios';
import axios, { type AxiosAdapter, type AxiosInstance } from 'axios';
import type { AssetAuthConfig } from '../config/asset-auth.config.js';
import type { AssetHttpDefaults } from '../config/asset-auth.options.js';
import type { AssetClock } from '../config/clock.js';
import { userAgent } from '../config/user-agent.js';
import type { EventPublisher } from '../events/event-publisher.js';
import { type ClientConnections, ROUTE_OPTIONS } from '../token/endpoint/connections.js';
import type { AssetTokenService } from '../token/token.service.js';
import { AssetTransport } from './asset.transport.js';
import { BearerInterceptor } from './bearer.interceptor.js';
import { errorOfCall } from './call-error.js';
import { AssetRequestError } from './http.errors.js';

/** The rooms and settings of a client's HTTP side. */
export interface AssetHttpParts {
  readonly config: AssetAuthConfig;
  readonly tokens: AssetTokenService;
  readonly connections: ClientConnections;
  readonly clock: AssetClock;
  readonly events: EventPublisher;
  /** The client's name; `undefined` for the default one. */
  readonly client: string | undefined;
}

/** A private axios instance that sends to Asset only, with a token. Axios' global instance is never touched. */
export function createAssetAxios(parts: AssetHttpParts): HttpService['axiosRef'] {
  const { config, tokens, connections, clock, events, client } = parts;
  const { origin, businessId: defaultBusiness, http } = config;
  const transport = new AssetTransport({
    tokens,
    connections,
    clock,
    events,
    origin,
    client,
    defaultBusiness,
  });
  const bearer = new BearerInterceptor(client, transport.guarded);
  const instance = axios.create({ ...http, baseURL: origin, adapter: transport.adapter });
  isolate(instance, http);
  instance.create = (defaults) => axios.create({ ...defaults, baseURL: origin, adapter: ofAnotherInstance });
  // First, so that it runs last: request interceptors run in reverse order of registration.
  instance.interceptors.request.use(bearer.attach, undefined, { synchronous: true });
  return asNestKnowsIt(instance);
}

/** What `create` of the instance makes has none of its interceptors, and so would know of no token. */
const ofAnotherInstance: AxiosAdapter = (config) =>
  Promise.resolve().then(() => {
    const refusal = new AssetRequestError(
      'The request goes through an instance that axiosRef.create() made. It is none of this client, and its calls would carry no token. Nothing was sent. Use axiosRef itself, or that of a view (withScope, forBusiness), and give what is to differ with each request.',
    );
    throw errorOfCall(refusal, config);
  });

/** Axios ships one set of types for `import` and one for `require`, and Nest's majors differ in which they use. */
const asNestKnowsIt = (instance: unknown): HttpService['axiosRef'] => instance as HttpService['axiosRef'];

type AxiosDefaults = AxiosInstance['defaults'];

/** What every axios instance brings, copied deeply enough that nothing is shared. */
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

const VERBS = 'delete get head link options patch post purge put query unlink'.split(' ');

/**
 * Every instance starts as a copy of the global axios, with the headers, transforms and agents that the application set
 * there for something else. They are kept out, and so is our own route: among the defaults a single request could
 * override it, so the transport adds it to what it sends.
 */
function isolate({ defaults }: AxiosInstance, http: AssetHttpDefaults): void {
  const { adapter, baseURL } = defaults;
  for (const name of Object.keys(defaults)) Reflect.deleteProperty(defaults, name);
  const routes: readonly string[] = ROUTE_OPTIONS;
  const chosen = Object.entries(http).filter(
    ([name, value]) => value !== undefined && !routes.includes(name),
  );
  const common = { Accept: 'application/json, text/plain, */*' };
  const headers: object = { common, ...Object.fromEntries(VERBS.map((verb) => [verb, {}])) };
  const chosenHeaders = Object.assign({}, http.headers, { 'User-Agent': userAgent(http) });
  Object.assign(defaults, stockOf(STOCK as AxiosDefaults), Object.fromEntries(chosen), {
    adapter,
    baseURL,
    headers: axios.mergeConfig({ headers }, { headers: chosenHeaders }).headers,
    // As a whole, one that names a single flag would also turn the order of interceptors around.
    transitional: { ...STOCK.transitional, ...http.transitional },
  });
}
