import { AxiosHeaders, type AxiosHeaderValue, type InternalAxiosRequestConfig } from 'axios';
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { AssetHttpDefaults } from '../config/asset-auth.options.js';
import type { AccessToken } from '../token/access-token.js';
import type { SentBearer } from './bearer.js';

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
