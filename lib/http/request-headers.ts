import { AxiosHeaders, type InternalAxiosRequestConfig } from 'axios';
import { AssetRequestError } from './http.errors.js';
import { isStream } from './request-body.js';

/**
 * One table of what the headers of a request may say. An application may hand on the headers of its own callers, so none
 * of them is trusted to say where a message ends or which path it is for.
 */

/**
 * Where a message ends, and what a single connection is to do, is the transport's: with a `Content-Length` that is
 * shorter than the body, the rest of the body is a request of its own, with somebody else's token before it.
 */
const OF_THE_TRANSPORT: readonly string[] = [
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'te',
  'trailer',
  'upgrade',
  'expect',
  'http2-settings',
];

/**
 * Front ends and frameworks take path or method from these in place of those of the request, whose business was checked.
 * `X-Forwarded-Prefix` is none of them: it only goes before the links of an answer.
 */
const OF_ANOTHER_REQUEST: readonly string[] = [
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
];

/** As axios' types for `import` and for `require` both have them. */
type Headers = InternalAxiosRequestConfig['headers'];

/** A header's name as it is compared. Axios trims names, and gateways that speak CGI take `_` for `-`. */
const normalName = (name: string): string => name.trim().toLowerCase().replaceAll('_', '-');

/** Whether a header says how the message is carried, and so is dropped. */
export function isOfTheTransport(name: string): boolean {
  const normal = normalName(name);
  return OF_THE_TRANSPORT.includes(normal) || normal.startsWith('proxy-');
}

/**
 * Refuses a header that names another path or method than the request has.
 *
 * @throws AssetRequestError `ASSET_REQUEST_NOT_ALLOWED`
 */
export function assertOfThisRequest(headers: unknown): void {
  for (const [name, value] of Object.entries(new AxiosHeaders(headers as Headers))) {
    if (isUnset(value) || !OF_ANOTHER_REQUEST.includes(normalName(name))) continue;
    throw new AssetRequestError(
      `The request sets the header ${normalName(name)}, by which a gateway takes another path or method than was checked. Nothing was sent there. Remove it, also from headers that are handed on from a caller.`,
    );
  }
}

/** As axios leaves a header out. */
const isUnset = (value: unknown): boolean => value === undefined || value === null || value === false;

/** A copy of a request's headers without those that are the transport's. */
export function carriedHeaders(given: Headers, data: unknown): Headers {
  const headers: Headers = new AxiosHeaders(given);
  const length: unknown = headers.getContentLength();
  for (const name of Object.keys(headers)) {
    if (isOfTheTransport(name)) Reflect.deleteProperty(headers, name);
  }
  // How long a stream is, nobody else knows. It is held to it.
  if (isStream(data) && /^\d{1,15}$/.test(String(length))) headers.setContentLength(String(length));
  return headers;
}
