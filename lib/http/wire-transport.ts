import followRedirects from 'follow-redirects';
import http, { type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import { type Readable, Writable } from 'node:stream';
import type { InternalAxiosRequestConfig } from 'axios';
import { AssetRequestError } from './http.errors.js';

/** What axios asks of `http`, of `https`, and of whatever stands in their place. */
interface NodeTransport {
  request(options: WireOptions, onResponse: (response: IncomingMessage) => void): ClientRequest;
}

/** Node's options of a request, as axios makes them. */
interface WireOptions extends RequestOptions {
  headers: Record<string, string | string[]>;
  maxRedirects?: number;
  beforeRedirects: { config?: unknown };
}

/**
 * Below axios' adapter, in the place of Node's `http` and `https`, for what they would not carry safely: a stream as body,
 * and redirects. Holds a body to its `Content-Length`, and keeps Node's request, and so the token, out of the caller's
 * stream and out of debug output.
 */
export class WireTransport {
  readonly #configured: NodeTransport | undefined;
  readonly #maxRedirects: number;
  readonly #beforeRedirect: InternalAxiosRequestConfig['beforeRedirect'];
  #refusal: AssetRequestError | undefined;

  /**
   * @param configured - the option `http.transport`, which follows no redirects
   * @param maxRedirects - how many to follow; 0: none
   */
  constructor(
    configured: unknown,
    maxRedirects: number,
    beforeRedirect: InternalAxiosRequestConfig['beforeRedirect'],
  ) {
    this.#configured = configured as NodeTransport | undefined;
    this.#maxRedirects = maxRedirects;
    this.#beforeRedirect = beforeRedirect;
  }

  /** Why the latest request was broken off, if it was by us. Axios wraps it; this is the error itself. */
  get refusal(): AssetRequestError | undefined {
    return this.#refusal;
  }

  request(options: WireOptions, onResponse: (response: IncomingMessage) => void): ClientRequest {
    this.#refusal = undefined;
    const request = this.#open(options, onResponse);
    const length = Object.entries(options.headers).find(([name]) => name.toLowerCase() === 'content-length');
    if (length !== undefined) this.#holdTo(Number(length[1]), request);
    request.on('pipe', (source: Readable) => {
      // Node sends the stream of a GET or DELETE as it is, and the server would read it as the next request.
      if (length === undefined) request.setHeader('Transfer-Encoding', 'chunked');
      hide(request, source);
    });
    return request;
  }

  #open(options: WireOptions, onResponse: (response: IncomingMessage) => void): ClientRequest {
    if (this.#configured !== undefined) return this.#configured.request(options, onResponse);
    const isSecure = options.protocol === 'https:';
    if (this.#maxRedirects === 0) return (isSecure ? https : http).request(options, onResponse);
    options.maxRedirects = this.#maxRedirects;
    options.beforeRedirects.config = this.#beforeRedirect;
    // follow-redirects prints its options where DEBUG is set, so the credentials come after them.
    const credentials = Object.entries(options.headers).filter(([name]) => CREDENTIALS.test(name));
    for (const [name] of credentials) Reflect.deleteProperty(options.headers, name);
    const following = isSecure ? followRedirects.https : followRedirects.http;
    // One object for the requests of all hops; axios uses it as a ClientRequest.
    const request = following.request(options, onResponse) as unknown as ClientRequest;
    for (const [name, value] of credentials) request.setHeader(name, value);
    return request;
  }

  /** Of a longer body, the rest would be read as another request; for a shorter one, the next would be its end. */
  #holdTo(declared: number, request: ClientRequest): void {
    let bytes = 0;
    const breakOff = (): void => {
      this.#refusal = new AssetRequestError(
        `The body of the request has ${bytes > declared ? 'more' : 'fewer'} bytes than the ${declared} of its header Content-Length. The call was broken off. Leave the header out, or give the length of the body that is sent.`,
      );
      request.destroy(this.#refusal);
    };
    const write = request.write.bind(request) as (chunk: unknown, ...more: unknown[]) => boolean;
    const end = request.end.bind(request) as (...more: unknown[]) => ClientRequest;
    request.write = (chunk: string | Uint8Array, ...more: unknown[]): boolean => {
      bytes += Buffer.byteLength(chunk);
      if (bytes <= declared) return write(chunk, ...more);
      breakOff();
      return false;
    };
    request.end = (...more: unknown[]): ClientRequest => {
      if (bytes === declared) return end(...more);
      if (!request.destroyed) breakOff();
      return request;
    };
  }
}

const CREDENTIALS = /^(proxy-)?authorization$/i;

/**
 * A stream refers to what it is piped to. The caller's own is in the config that errors carry, and Node's request holds
 * the token, so something stands between them that does not show where it leads.
 */
function hide(request: ClientRequest, source: Readable): void {
  // Streams of old refer to nothing.
  if (typeof source.unpipe !== 'function') return;
  const way = new Writable({
    write: (chunk, encoding, done) => {
      if ((request.write(chunk, encoding) as boolean | undefined) === false) request.once('drain', done);
      else done();
    },
    final: (done) => {
      request.end();
      done();
    },
  });
  // If the request ends early, the rest of the source stays unread, as when it is piped to the request itself.
  request.once('close', () => way.destroy());
  source.unpipe(request);
  source.pipe(way);
}
