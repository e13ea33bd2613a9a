import type { Readable } from 'node:stream';
import axios, { AxiosHeaders, type InternalAxiosRequestConfig } from 'axios';
import type { AssetAuthConfig } from '../../config/asset-auth.config.js';
import { type AssetClock, instantOf } from '../../config/clock.js';
import type { ResponseHeaders } from '../../retry/rate-limit.js';
import type { AccessTokenRequest } from '../token-request.js';
import { ClientSecret } from './client-secret.js';
import { type ClientConnections, isOfTunnel } from './connections.js';
import { RecentTokens, thrownText } from './redact.js';
import {
  type IssuedToken,
  issuedToken,
  type TokenBody,
  tokenIn,
  type TokenResponse,
} from './token-response.js';
import { connectionCure, TokenRequestFailure, tokenRequestFailure } from './token.errors.js';

/** More than any token answer. */
const MAX_RESPONSE_BYTES = 256 * 1024;

const HEADERS = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' };

/**
 * Fetches one token: reads the secret, sends the request (RFC 6749 §4.4.2, form-encoded, credentials in the body), reads
 * the answer. Rejected credentials are read again and, if they changed, tried once more. It follows no redirect: the
 * secret would go along.
 */
export class TokenEndpointClient {
  /** Below axios itself, which would copy what the application set on the global one: headers, auth, adapter. */
  readonly #adapter = axios.getAdapter('http');
  readonly #requestConfig: Omit<InternalAxiosRequestConfig, 'headers'>;
  readonly #secret: ClientSecret;
  readonly #recentTokens = new RecentTokens();

  /** @param onHeaders - called with the headers of each answer */
  constructor(
    private readonly config: AssetAuthConfig,
    connections: ClientConnections,
    private readonly clock: AssetClock,
    private readonly onHeaders: (headers: ResponseHeaders) => void,
  ) {
    this.#secret = new ClientSecret(config, clock);
    this.#requestConfig = {
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
   * @param signal - the deadline or the end of the client
   * @throws TokenRequestFailure when there is no token; the signal's reason, once it aborts
   */
  async fetch(request: AccessTokenRequest, signal: AbortSignal): Promise<IssuedToken> {
    const clientSecret = await this.#secret.read(request, signal);
    this.#secret.assertUntried(clientSecret, request);
    try {
      return await this.#ask(request, clientSecret, signal);
    } catch (failure) {
      if (!isCredentialsRejected(failure) || !this.config.hasRotatingSecret) throw failure;
      const changed = await this.#secret.read(request, signal);
      if (changed === clientSecret) throw failure;
      return await this.#ask(request, changed, signal);
    }
  }

  async #ask(request: AccessTokenRequest, clientSecret: string, signal: AbortSignal): Promise<IssuedToken> {
    const response = await this.#send(request, clientSecret, signal);
    this.onHeaders(response.headers);
    const context = { request, clientSecret, config: this.config, recentTokens: this.#recentTokens };
    let token: TokenBody;
    try {
      token = tokenIn(response, context);
    } catch (failure) {
      throw isCredentialsRejected(failure) ? this.#secret.rejected(clientSecret, failure.error) : failure;
    }
    this.#secret.accepted();
    return issuedToken(token, response, context);
  }

  async #send(
    request: AccessTokenRequest,
    clientSecret: string,
    signal: AbortSignal,
  ): Promise<TokenResponse> {
    // The adapter looks for it only once the request is on its way.
    signal.throwIfAborted();
    const sentAt = instantOf(this.clock);
    // Without prototype, as axios makes its own: a polluted one decides nothing.
    const config = Object.create(null) as InternalAxiosRequestConfig;
    const headers = AxiosHeaders.from(HEADERS);
    Object.assign(config, this.#requestConfig, { headers, data: request.body(clientSecret), signal });
    try {
      const answer = await this.#adapter(config);
      const ofTunnel = isOfTunnel(answer.request);
      const body = await startOf(answer.data as Readable);
      const { status } = answer;
      const [receivedAt, requestMs] = [this.clock.now(), this.clock.monotonic() - sentAt.monotonic];
      return { status, headers: answer.headers, body, isOfTunnel: ofTunnel, sentAt, receivedAt, requestMs };
    } catch (error) {
      throw signal.aborted ? signal.reason : this.#unreachable(error, request, clientSecret);
    }
  }

  /** The error of the connection holds the request, and so the secret: only its code and message go on. */
  #unreachable(error: unknown, request: AccessTokenRequest, clientSecret: string): TokenRequestFailure {
    const { environment, origin } = this.config;
    const { code } = Object(error) as { code?: unknown };
    const why = thrownText(error, [clientSecret]);
    const cause = Object.assign(new Error(why), typeof code === 'string' && { code });
    return tokenRequestFailure({ request, environment }, 'ASSET_TOKEN_UNAVAILABLE', {
      what: `the endpoint at ${origin} gave no complete answer (${why}). ${connectionCure(code)}`,
      fault: 'unavailable',
      retryable: true,
      cause,
    });
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
    if (bytes > MAX_RESPONSE_BYTES) break;
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

const isCredentialsRejected = (failure: unknown): failure is TokenRequestFailure =>
  failure instanceof TokenRequestFailure && failure.error.code === 'ASSET_CREDENTIALS_REJECTED';
