import type { HttpService } from '@nestjs/axios';
import axios, { type AxiosInstance } from 'axios';
import type { AssetHttpDefaults } from '../config/asset-auth.options.js';
import { userAgent } from '../config/user-agent.js';
import { ROUTE_OPTIONS } from '../token/endpoint/connections.js';
import { type AssetHttpParts, AssetTransport, refusingAdapter } from './asset.transport.js';
import { BearerInterceptor } from './bearer.interceptor.js';

/** A private axios instance that sends to Asset only, with a token. Axios' global instance is never touched. */
export function createAssetAxios(parts: AssetHttpParts): HttpService['axiosRef'] {
  const { name, origin, http } = parts.config;
  const transport = new AssetTransport(parts);
  const bearer = new BearerInterceptor(name, transport.guarded);
  const instance = axios.create();
  isolate(instance, http, { baseURL: origin, adapter: transport.adapter });
  const ofAnother = refusingAdapter(OF_ANOTHER_INSTANCE, name);
  instance.create = (defaults) => axios.create({ ...defaults, baseURL: origin, adapter: ofAnother });
  // First, so that it runs last: request interceptors run in reverse order of registration.
  instance.interceptors.request.use(bearer.attach, undefined, { synchronous: true });
  return asNestKnowsIt(instance);
}

/** What `create` of the instance makes has none of its interceptors, and so would know of no token. */
const OF_ANOTHER_INSTANCE =
  'The request goes through an instance that axiosRef.create() made. It is none of this client, and its calls would carry no token. Nothing was sent. Use axiosRef itself, or that of a view (withScope, forBusiness), and give what is to differ with each request.';

/** Axios ships one set of types for `import` and one for `require`, and Nest's majors differ in which they use. */
const asNestKnowsIt = (instance: unknown): HttpService['axiosRef'] => instance as HttpService['axiosRef'];

type AxiosDefaults = AxiosInstance['defaults'];

/** The defaults that axios itself brings; any other is the application's. */
const OF_AXIOS: readonly (keyof AxiosDefaults)[] = [
  'env',
  'maxBodyLength',
  'maxContentLength',
  'timeout',
  'transformRequest',
  'transformResponse',
  'transitional',
  'validateStatus',
  'xsrfCookieName',
  'xsrfHeaderName',
];

/** As they were before the application changed anything. */
const STOCK = axios.mergeConfig({}, Object.fromEntries(OF_AXIOS.map((name) => [name, axios.defaults[name]])));

const VERBS = 'delete get head link options patch post purge put query unlink'.split(' ');

/**
 * Every instance starts as a copy of the global axios, with the headers, transforms and agents that the application set
 * there for something else. They are kept out, and so is our own route: among the defaults a single request could
 * override it, so the transport adds it to what it sends.
 */
function isolate({ defaults }: AxiosInstance, http: AssetHttpDefaults, own: Partial<AxiosDefaults>): void {
  for (const name of Object.keys(defaults)) Reflect.deleteProperty(defaults, name);
  const routes: readonly string[] = ROUTE_OPTIONS;
  const chosen = Object.entries(http).filter(
    ([name, value]) => value !== undefined && !routes.includes(name),
  );
  const common = { Accept: 'application/json, text/plain, */*' };
  const headers: object = { common, ...Object.fromEntries(VERBS.map((verb) => [verb, {}])) };
  const chosenHeaders = Object.assign({}, http.headers, { 'User-Agent': userAgent(http) });
  Object.assign(defaults, axios.mergeConfig(STOCK, Object.fromEntries(chosen)), own, {
    headers: axios.mergeConfig({ headers }, { headers: chosenHeaders }).headers,
    // As a whole, one that names a single flag would also turn the order of interceptors around.
    transitional: { ...STOCK.transitional, ...http.transitional },
  });
}
