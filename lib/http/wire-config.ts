import { AxiosHeaders, type AxiosHeaderValue, type InternalAxiosRequestConfig } from 'axios';
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { AssetHttpDefaults } from '../config/asset-auth.options.js';
import type { AccessToken } from '../token/access-token.js';
import type { SentBearer } from './asset-request.js';
import { ROUTE_OPTIONS } from '../token/endpoint/connections.js';
import { AssetRequestError } from './http.errors.js';

/** What the wire needs besides the caller's config. */
export interface WireParts {
  readonly token: AccessToken | undefined;
  /** The address that was checked. */
  readonly url: URL;
  /** The client's agents and proxy. */
  readonly route: AssetHttpDefaults;
  /** Milliseconds left of the call's `timeout`, more than 0; `undefined`: it has none. */
  readonly timeoutMs: number | undefined;
  readonly beforeRedirect: InternalAxiosRequestConfig['beforeRedirect'];
}

/**
 * The private copy of a config that goes to the adapter. The token is written here and nowhere else: errors and responses
 * carry the caller's own config.
 */
export function wireConfig(
  config: InternalAxiosRequestConfig,
  { token, url, route, timeoutMs, beforeRedirect }: WireParts,
): InternalAxiosRequestConfig {
  const headers = withoutAuthorization(AxiosHeaders.from(config.headers));
  if (token !== undefined) headers.Authorization = `Bearer ${token.value}`;
  // Without prototype, as axios makes its own: a polluted one decides nothing.
  const wire = copied(Object.create(null) as InternalAxiosRequestConfig, config, route);
  wire.headers = headers;
  // The address is combined and parsed once: what was checked is what is sent.
  wire.url = url.href;
  wire.baseURL = undefined;
  wire.beforeRedirect = beforeRedirect;
  (wire as { asset?: unknown }).asset = undefined;
  // A form of the form-data package must not bring a Host or an Authorization of its own.
  wire.formDataHeaderPolicy = 'content-only';
  // The caller's own stream would refer to Node's request, and so to the token, for as long as it is piped.
  const data: unknown = config.data;
  if (data instanceof Readable) wire.data = Readable.from(data, { objectMode: false });
  if (timeoutMs !== undefined) {
    // Never 0, which would be none.
    wire.timeout = Math.ceil(timeoutMs);
    wire.timeoutErrorMessage ??= `timeout of ${config.timeout ?? 0}ms exceeded`;
  }
  return wire;
}

/** A copy, with no second look at names and values that axios has normalized already. Ours is the only one of its name. */
function withoutAuthorization(
  headers: InternalAxiosRequestConfig['headers'],
): InternalAxiosRequestConfig['headers'] {
  const copy = new AxiosHeaders();
  for (const name of Object.keys(headers)) {
    if (name.trim().toLowerCase() !== 'authorization') copy[name] = headers[name] as AxiosHeaderValue;
  }
  return copy;
}

/** What `Object.assign` does, in a third of the time where objects have no prototype. */
function copied<T extends object>(target: T, ...sources: readonly object[]): T {
  for (const source of sources) {
    for (const name of Object.keys(source)) target[name as keyof T] = source[name as keyof object];
  }
  return target;
}

/**
 * For adapters that an application brings: they match on the address as it was written, call the methods of a plain
 * object, and may hand on to ours what they have no answer to.
 */
export function forForeignAdapter(
  wire: InternalAxiosRequestConfig,
  { url, baseURL }: InternalAxiosRequestConfig,
  bearer: SentBearer,
): InternalAxiosRequestConfig {
  return Object.assign({}, wire, { url, baseURL, asset: bearer });
}

/** What axios takes for a boundary; anything else it replaces by one of its own. */
const BOUNDARY = /boundary=[-_\w\d]{10,70}/i;

/**
 * Settles the boundary of a multipart form before it is sent, since axios would roll another one for a replay.
 */
export function presetBoundary({ data, headers }: InternalAxiosRequestConfig): void {
  if (!(data instanceof FormData) || BOUNDARY.test(String(headers.getContentType() ?? ''))) return;
  headers.setContentType(`multipart/form-data; boundary=asset-${randomUUID()}`);
}

/**
 * Refuses a request that brings its own way out or its own credentials.
 *
 * @throws AssetRequestError `ASSET_REQUEST_NOT_ALLOWED`
 */
export function assertPlainRequest(config: InternalAxiosRequestConfig, url: URL): void {
  assertOurWay(config, NO_ROUTE);
  assertPlainHeaders(config.headers, url);
}

/**
 * The same of a request that an adapter of the application hands on: it holds our route and our header already.
 *
 * @throws AssetRequestError `ASSET_REQUEST_NOT_ALLOWED`
 */
export function assertHandedOn(config: InternalAxiosRequestConfig, url: URL, route: AssetHttpDefaults): void {
  assertOurWay(config, route);
  if (config.headers.has('Host')) assertHost(config.headers.get('Host'), url);
}

const NO_ROUTE: AssetHttpDefaults = Object.freeze({});

function assertOurWay(config: InternalAxiosRequestConfig, route: AssetHttpDefaults): void {
  for (const name of ROUTE_OPTIONS) {
    if (config[name] !== undefined && config[name] !== route[name]) {
      throw new AssetRequestError(
        `The request sets "${name}". Nothing was sent. The way to Asset is set up once, in the option http of AssetAuthModule, so that no single request can send a token elsewhere.`,
      );
    }
  }
  if (config.auth !== undefined) {
    throw new AssetRequestError(
      'The request sets "auth", which would replace the access token. Nothing was sent. Remove it.',
    );
  }
}

/**
 * Header names are compared as Node sends them, whatever kind of object an interceptor made of the headers.
 *
 * @throws AssetRequestError `ASSET_REQUEST_NOT_ALLOWED`
 */
function assertPlainHeaders(headers: Readonly<Record<string, unknown>> | undefined, url: URL): void {
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || value === null) continue;
    // Axios trims the names of what a transform put in place of its headers.
    const lowerCase = name.trim().toLowerCase();
    if (lowerCase === 'authorization') {
      throw new AssetRequestError(
        'The request brings its own Authorization header, which belongs to this client. Nothing was sent. Remove it, or use another HTTP client for calls with other credentials.',
      );
    }
    if (lowerCase === 'host') assertHost(value, url);
  }
}

/**
 * A front end that serves several hosts goes by this header, and so does TLS: the server of another one could be given
 * the token.
 *
 * @throws AssetRequestError `ASSET_REQUEST_NOT_ALLOWED`
 */
export function assertHost(value: unknown, url: URL): void {
  if (String(value).toLowerCase() === url.host) return;
  throw new AssetRequestError(
    `The request sets the header Host to another host than ${url.host}. Nothing was sent there. Remove it.`,
  );
}
