import type { Readable } from 'node:stream';
import axios, { AxiosHeaders, type InternalAxiosRequestConfig } from 'axios';
import type { AssetAuthConfig } from '../../config/asset-auth.config.js';
import type { AccessTokenRequest } from '../request/access-token-request.js';
import type { ClientConnections } from './client-connections.js';
import { type AssetClock, type Instant, instantOf } from '../../config/clock.js';
import type { AnswerHeaders } from './retry-after.js';

/** More than any token answer. */
const MAX_ANSWER_BYTES = 256 * 1024;

const HEADERS = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' };

/** An answer of the token endpoint, whatever its status. */
export interface TokenReply {
  readonly status: number;
  readonly headers: AnswerHeaders;
  /** Up to a length that no token answer has; the rest is not read. */
  readonly body: string;
  readonly sent: Instant;
  /** Wall clock when the answer was complete. */
  readonly receivedAt: number;
}

/**
 * Sends one token request (RFC 6749 §4.4.2, form-encoded, credentials in the body). It follows no redirect: the secret
 * would go along.
 */
export class TokenEndpointClient {
  /** Below axios itself, which would copy what the application set on the global one: headers, auth, adapter. */
  readonly #adapter = axios.getAdapter('http');
  readonly #usual: Omit<InternalAxiosRequestConfig, 'headers'>;
  readonly #clock: AssetClock;

  constructor(config: AssetAuthConfig, connections: ClientConnections, clock: AssetClock) {
    this.#clock = clock;
    this.#usual = {
      ...connections.route,
      method: 'post',
      url: config.tokenUrl,
      // Through a proxy as well as directly, but never anywhere else.
      maxRedirects: 0,
      responseType: 'stream',
      validateStatus: () => true,
    };
  }

  /**
   * @throws whatever the connection fails with; such an error holds the secret in its config and must not travel on
   */
  async send(request: AccessTokenRequest, clientSecret: string, signal: AbortSignal): Promise<TokenReply> {
    // The adapter looks for it only once the request is on its way.
    signal.throwIfAborted();
    const sent = instantOf(this.#clock);
    // Without prototype, as axios makes its own: a polluted one decides nothing.
    const config = Object.create(null) as InternalAxiosRequestConfig;
    const headers = AxiosHeaders.from(HEADERS);
    Object.assign(config, this.#usual, { headers, data: request.body(clientSecret), signal });
    const answer = await this.#adapter(config);
    const body = await startOf(answer.data as Readable);
    return {
      status: answer.status,
      headers: answer.headers,
      body,
      sent,
      receivedAt: this.#clock.now(),
    };
  }
}

/** The status counts even if the body never ends, so the body is cut rather than refused. */
async function startOf(answer: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop early destroys the stream, and the connection with it.
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) break;
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}
