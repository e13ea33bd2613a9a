import type { AxiosAdapter, InternalAxiosRequestConfig } from 'axios';
import type { AccessToken } from '../token/access-token.js';
import { type ClientConnections, ROUTE_OPTIONS } from '../token/endpoint/connections.js';
import type { AssetRequest } from './asset-request.js';
import type { Deadline } from './deadline.js';
import { AssetRequestError } from './http.errors.js';
import { assertOfThisRequest, carriedHeaders } from './request-headers.js';
import { WireTransport } from './wire-transport.js';

/** What may be on a request, and what goes over the wire. */

/** What goes to the adapter. */
export interface WireConfig extends InternalAxiosRequestConfig {
  transport: WireTransport;
}

/** One call on its way: what stays the same over its attempts. */
export interface Exchange {
  /** The caller's own. */
  readonly config: InternalAxiosRequestConfig;
  readonly request: AssetRequest;
  /** The address that was checked. */
  readonly url: URL;
  readonly deadline: Deadline;
  readonly send: AxiosAdapter;
  /** Whether it is sent by an adapter that the application brought. */
  readonly isForeign: boolean;
  readonly connections: ClientConnections;
}

/**
 * Refuses a request that sets its own agent, proxy or socket, or brings its own credentials. Ours come back on a request that an adapter of the
 * application hands on.
 *
 * @throws AssetRequestError `ASSET_REQUEST_NOT_ALLOWED`
 */
export function assertSendable({ config, request, url, connections }: Exchange): void {
  const { handedOut } = request;
  for (const name of ROUTE_OPTIONS) {
    const value: unknown = config[name];
    const isOurs =
      handedOut !== undefined && (value === connections.route[name] || value instanceof WireTransport);
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
  // Whatever kind of object an interceptor made of the headers. Axios trims the names of what a transform put there.
  const headers: Readonly<Record<string, unknown>> = config.headers;
  for (const name in headers) {
    const value = headers[name];
    const sentName = name.trim().toLowerCase();
    if (value === undefined || value === null) continue;
    if (sentName === 'authorization' && value !== ours) {
      throw new AssetRequestError(
        'The request brings its own Authorization header, which belongs to this client. Nothing was sent. Remove it, or use another HTTP client for calls with other credentials.',
      );
    }
    if (sentName === 'host') assertHost(value, url);
  }
  assertOfThisRequest(headers);
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
  { config, url, deadline, connections }: Exchange,
  token: AccessToken | undefined,
  beforeRedirect: InternalAxiosRequestConfig['beforeRedirect'],
): WireConfig {
  const headers = carriedHeaders(config.headers, config.data);
  headers.delete('Authorization');
  if (token !== undefined) headers.set('Authorization', authorizationWith(token));
  // Without prototype, as axios makes its own: a polluted one decides nothing.
  const wire = Object.create(null) as WireConfig;
  // Without a guard none is followed. Axios would follow some with a NaN, as with any value but 0.
  const maxRedirects = beforeRedirect === undefined ? 0 : config.maxRedirects;
  Object.assign(wire, config, connections.route, {
    headers,
    // The address is combined and parsed once: what was checked is what is sent.
    url: url.href,
    baseURL: undefined,
    asset: undefined,
    maxRedirects,
    beforeRedirect,
    transport: new WireTransport(connections.route.transport, maxRedirects, beforeRedirect),
    signal: deadline.signal,
    // The deadline of the whole call counts, also where axios would not.
    timeout: 0,
    // A form of the form-data package must not bring a Host or an Authorization of its own.
    formDataHeaderPolicy: 'content-only',
  });
  return wire;
}

/**
 * For adapters that an application brings: they match on the address as it was written, call the methods of a plain
 * object, keep the time themselves, and may hand on to ours what they have no answer to.
 */
export function forForeignAdapter(
  wire: InternalAxiosRequestConfig,
  { config, deadline }: Exchange,
  handedOut: AssetRequest,
): InternalAxiosRequestConfig {
  const { url, baseURL } = config;
  const timeout = Math.ceil(deadline.remainingMs ?? 0);
  return Object.assign({}, wire, { url, baseURL, timeout, asset: handedOut });
}
