import type { AxiosError, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { errorMonitor } from 'node:events';
import { Readable } from 'node:stream';

/** What is left of the request object in errors and responses: Node's own holds the token in its headers. */
export interface SentRequest {
  readonly method: string;
  readonly host: string;
  readonly path: string;
}

/** What was sent, and what nobody is to see of it. */
export interface Sent {
  /** The caller's own. */
  readonly config: InternalAxiosRequestConfig;
  readonly url: URL;
  readonly secret: string | undefined;
}

/** An answer as it leaves the transport: with the caller's config, and no trace of the token. */
export function cleanResponse(response: AxiosResponse, sent: Sent): AxiosResponse {
  response.config = sent.config;
  response.request = sentRequest(response.request, sent);
  const data: unknown = response.data;
  // What breaks a stream comes with the config and the request as they were sent. A monitor leaves it to the reader
  // whether to handle the error.
  if (data instanceof Readable) data.once(errorMonitor, (error) => cleanError(error, sent));
  return response;
}

/** The same for whatever the adapter failed with. */
export function cleanError(error: unknown, sent: Sent): unknown {
  const seen = new Set<unknown>();
  const found: unknown[] = [error];
  for (let next = found.pop(); next !== undefined || found.length > 0; next = found.pop()) {
    if (!isObject(next) || seen.has(next)) continue;
    seen.add(next);
    cleanOne(next, sent);
    const { cause, errors } = next as Partial<AggregateError>;
    found.push(cause, ...(Array.isArray(errors) ? (errors as unknown[]) : []));
  }
  return error;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** By `Reflect.set`, which minds no frozen error. */
function cleanOne(error: Partial<AxiosError>, sent: Sent): void {
  if (error.config !== undefined) Reflect.set(error, 'config', sent.config);
  if (error.request !== undefined) Reflect.set(error, 'request', sentRequest(error.request, sent));
  if (error.response !== undefined) cleanResponse(error.response, sent);
  for (const name of ['message', 'stack'] as const) {
    const text: unknown = error[name];
    // Adapters that stand in for a server in tests print the headers of what they do not expect.
    if (sent.secret !== undefined && typeof text === 'string' && text.includes(sent.secret)) {
      Reflect.set(error, name, text.replaceAll(sent.secret, '[redacted]'));
    }
  }
}

/** After a redirect, the path is the last one. */
function sentRequest(request: unknown, { config, url }: Sent): SentRequest {
  const { path, method } = (request ?? {}) as { path?: unknown; method?: unknown };
  return {
    method: typeof method === 'string' ? method : (config.method ?? 'get').toUpperCase(),
    host: url.host,
    path: typeof path === 'string' ? path : url.pathname + url.search,
  };
}
