import { type AxiosAdapter, AxiosHeaders, type InternalAxiosRequestConfig } from 'axios';
import { randomUUID } from 'node:crypto';
import { types } from 'node:util';
import type { AssetHttpDefaults } from '../config/asset-auth.options.js';
import type { EventPublisher } from '../events/event-publisher.js';
import type { AccessToken } from '../token/access-token.js';
import { ROUTE_OPTIONS } from '../token/endpoint/connections.js';
import type { AssetRequest } from './asset-request.js';
import type { Deadline } from './deadline.js';
import { AssetRequestError } from './http.errors.js';
import { WireTransport } from './wire-transport.js';

// What may be on a request, and what goes over the wire. An application may hand on the headers of its own callers, so none
// of them is trusted to say where a message ends or which path it is for.

/**
 * Where a message ends, and what a single connection is to do, is the transport's: with a `Content-Length` that is
 * shorter than the body, the rest of the body is a request of its own, with somebody else's token before it.
 */
const OF_THE_TRANSPORT = new Set([
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'te',
  'trailer',
  'upgrade',
  'expect',
  'http2-settings',
]);

/**
 * Front ends and frameworks take path or method from these in place of those of the request, whose business was checked.
 * `X-Forwarded-Prefix` is none of them: it only goes before the links of an answer.
 */
const OF_ANOTHER_REQUEST = new Set([
  'x-original-url',
  'x-original-uri',
  'x-original-method',
  'x-rewrite-url',
  'x-rewrite-uri',
  'x-forwarded-uri',
  'x-forwarded-path',
  'x-forwarded-method',
  'x-envoy-original-path',
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
]);

/** As axios' types for `import` and for `require` both have them. */
type Headers = InternalAxiosRequestConfig['headers'];

/** A header's name as it is compared. Axios trims names, and gateways that speak CGI take `_` for `-`. */
export const normalName = (name: string): string => name.trim().toLowerCase().replaceAll('_', '-');

/** Whether a header says how the message is carried, and so is dropped. */
export function isOfTheTransport(name: string): boolean {
  const normal = normalName(name);
  return OF_THE_TRANSPORT.has(normal) || normal.startsWith('proxy-');
}

/**
 * Refuses a header that names another path or method than the request has.
 *
 * @throws AssetRequestError `ASSET_REQUEST_NOT_ALLOWED`
 */
export function assertOfThisRequest(name: string): void {
  const normal = normalName(name);
  if (!OF_ANOTHER_REQUEST.has(normal)) return;
  throw new AssetRequestError(
    `The request sets the header ${normal}, by which a gateway takes another path or method than was checked. Nothing was sent there. Remove it, also from headers that are handed on from a caller.`,
  );
}

/** A copy of a request's headers without those that are the transport's. */
function carriedHeaders(given: Headers, data: unknown): Headers {
  const headers: Headers = new AxiosHeaders(given);
  const length: unknown = headers.getContentLength();
  for (const name of Object.keys(headers)) {
    if (isOfTheTransport(name)) Reflect.deleteProperty(headers, name);
  }
  // How long a stream is, nobody else knows. It is held to it.
  if (isStream(data) && /^\d{1,15}$/.test(String(length))) headers.setContentLength(String(length));
  return headers;
}

/** As axios tells it. */
export const isStream = (data: unknown): data is NodeJS.ReadableStream =>
  typeof data === 'object' && data !== null && typeof (data as { pipe?: unknown }).pipe === 'function';

/**
 * Whether a request body, as axios has transformed it, can be sent a second time byte for byte. Streams are used up, and
 * so is form data of the form-data package: axios would send an empty body, and the server may well accept it.
 */
export function isReplayable(body: unknown): boolean {
  if (body === undefined || body === null || typeof body === 'string') return true;
  if (types.isAnyArrayBuffer(body) || ArrayBuffer.isView(body)) return true;
  // Read again for each attempt.
  return body instanceof Blob || (body instanceof FormData && !('pipe' in body));
}

/** What axios takes for a boundary; anything else it replaces by one of its own. */
const BOUNDARY = /boundary=[-_\w\d]{10,70}/i;

/** Settles the boundary of a multipart form before it is sent, since axios would choose another one for a replay. */
export function presetBoundary({ data, headers }: InternalAxiosRequestConfig): void {
  if (!(data instanceof FormData) || BOUNDARY.test(String(headers.getContentType() ?? ''))) return;
  headers.setContentType(`multipart/form-data; boundary=asset-${randomUUID()}`);
}

/** What goes to the adapter. */
export interface WireConfig extends InternalAxiosRequestConfig {
  transport?: unknown;
}

/** One call on its way: what stays the same over its attempts. */
export interface Exchange {
  /** The caller's own. */
  readonly config: InternalAxiosRequestConfig;
  readonly request: AssetRequest;
  /** The address that was checked. */
  readonly url: URL;
  readonly deadline: Deadline;
  readonly events: EventPublisher;
  readonly send: AxiosAdapter;
  /** Whether it is sent by an adapter that the application brought. */
  readonly isForeign: boolean;
  /** The way that every request of the client takes. */
  readonly route: AssetHttpDefaults;
  /** Whether requests may have to wait for a socket. */
  readonly isLimited: boolean;
}

/**
 * Refuses a request that sets its own agent, proxy or socket, or brings its own credentials. Ours come back on a request
 * that an adapter of the application hands on.
 *
 * @throws AssetRequestError `ASSET_REQUEST_NOT_ALLOWED`
 */
export function assertSendable({ config, request, url, route }: Exchange): void {
  const { handedOut } = request;
  for (const name of ROUTE_OPTIONS) {
    const value: unknown = config[name];
    const isOurs = handedOut !== undefined && (value === route[name] || value instanceof WireTransport);
    if (value !== undefined && !isOurs) {
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
  const ours = handedOut?.token && authorizationWith(handedOut.token);
  // Whatever kind of object an interceptor made of the headers, and what axios makes of that.
  assertHeaders(config.headers, url, ours);
  if (!(config.headers instanceof AxiosHeaders)) assertHeaders(new AxiosHeaders(config.headers), url, ours);
}

function assertHeaders(headers: Headers, url: URL, ours: string | undefined): void {
  const given: Readonly<Record<string, unknown>> = headers;
  for (const name in given) {
    const value = given[name];
    const sentName = normalName(name);
    if (value === undefined || value === null) continue;
    if (sentName === 'authorization' && value !== ours) {
      throw new AssetRequestError(
        'The request brings its own Authorization header, which belongs to this client. Nothing was sent. Remove it, or use another HTTP client for calls with other credentials.',
      );
    }
    if (sentName === 'host') assertHost(value, url);
    if (value !== false) assertOfThisRequest(name);
  }
}

const authorizationWith = ({ value }: AccessToken): string => `Bearer ${value}`;

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

/**
 * The private copy of a config that goes to the adapter. The token is written here and nowhere else: errors and responses
 * carry the caller's own config.
 */
export function wireConfig(
  { config, url, deadline, route }: Exchange,
  token: AccessToken | undefined,
  beforeRedirect: InternalAxiosRequestConfig['beforeRedirect'],
): WireConfig {
  const headers = carriedHeaders(config.headers, config.data);
  headers.delete('Authorization');
  if (token !== undefined) headers.set('Authorization', authorizationWith(token));
  // Without prototype, as axios makes its own: a polluted one decides nothing.
  const wire = Object.create(null) as WireConfig;
  // Without a guard none is followed. Axios would follow some with a NaN, as with any value but 0.
  const maxRedirects = beforeRedirect === undefined ? 0 : (config.maxRedirects ?? 0);
  Object.assign(wire, config, route, {
    headers,
    // The address is combined and parsed once: what was checked is what is sent.
    url: url.href,
    baseURL: undefined,
    asset: undefined,
    maxRedirects,
    beforeRedirect,
    signal: deadline,
    // The deadline of the whole call counts, also where axios would not.
    timeout: 0,
    // A form of the form-data package must not bring a Host or an Authorization of its own.
    formDataHeaderPolicy: 'content-only',
  });
  // All else goes through Node's own http and https.
  if (maxRedirects !== 0 || isStream(config.data)) {
    wire.transport = new WireTransport(route.transport, maxRedirects, beforeRedirect);
  }
  return wire;
}

/**
 * For adapters that an application brings: they match on the address as it was written, call the methods of a plain
 * object, keep the time themselves, may need a real `AbortSignal`, and may hand on to ours what they have no answer to.
 */
export function forForeignAdapter(
  wire: InternalAxiosRequestConfig,
  { config, deadline }: Exchange,
  handedOut: AssetRequest,
): InternalAxiosRequestConfig {
  const { url, baseURL } = config;
  const timeout = Math.ceil(deadline.remainingMs ?? 0);
  const { signal } = deadline;
  return Object.assign({}, wire, { url, baseURL, timeout, signal, asset: handedOut });
}
