import type { InternalAxiosRequestConfig } from 'axios';
import http, { type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import type { AssetHttpDefaults } from '../config/asset-auth.options.js';

/** RFC 9110 §9.2.1: sent twice, they do no more than sent once. */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * The way past follow-redirects, which axios puts around each request that may be redirected: a quarter of what a request
 * costs, and the garbage that makes a collection long. A request that can be sent again goes without it. Should it be
 * redirected after all, it is sent again with it, and so is everything from then on.
 */
export class DirectWay {
  #isOpen: boolean;

  constructor({ transport }: AssetHttpDefaults) {
    // One that the application brings follows redirects or not, whatever axios is told.
    this.#isOpen = transport === undefined;
  }

  isOpenTo({ method = 'get', data, maxRedirects, responseType }: InternalAxiosRequestConfig): boolean {
    return (
      this.#isOpen &&
      // The caller wants to see redirects, and sees them.
      maxRedirects !== 0 &&
      (data === undefined || data === null) &&
      // Only follow-redirects ends a stream that stalls longer than `timeout`.
      responseType !== 'stream' &&
      SAFE.has(method.toUpperCase())
    );
  }

  /** The API redirects: without this, each redirected call would cost it one request more. */
  close(): void {
    this.#isOpen = false;
  }
}

/**
 * For axios' option `transport`: Node's own, but a redirect is an error as soon as its head is there. Its body may never
 * end.
 */
export const directTransport = {
  request(options: RequestOptions, answered: (response: IncomingMessage) => void): ClientRequest {
    const { request } = options.protocol?.startsWith('https') === true ? https : http;
    const sent = request(options, (response) => {
      if (isRedirect(sent)) sent.destroy(new Error('The request is redirected.'));
      else answered(response);
    });
    return sent;
  },
};

/** Whether follow-redirects would follow the answer that this request of Node has. */
export function isRedirect(request: unknown): boolean {
  const { res } = Object(request) as { res?: Partial<IncomingMessage> };
  const { statusCode = 0, headers } = res ?? {};
  return statusCode >= 300 && statusCode < 400 && Boolean(headers?.location);
}
