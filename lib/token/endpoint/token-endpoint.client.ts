import type { Readable } from 'node:stream';
import axios, { AxiosHeaders, type InternalAxiosRequestConfig } from 'axios';
import type { AssetAuthConfig } from '../../config/asset-auth.config.js';
import type { AccessTokenRequest } from '../token-request.js';
import type { ClientConnections } from './connections.js';
import { type AssetClock, type Instant, instantOf } from '../../config/clock.js';
import type { AnswerHeaders } from '../../retry/rate-limit.js';
import { ClientSecretReader } from './client-secret.js';
import { thrownText } from './redact.js';
import { failure, readTokenAnswer, type AnswerContext, type GrantedToken } from './token-response.js';
import type { TokenFailure, TokenOutcome } from './token.errors.js';

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

/** Rejected credentials that did not change are sent again this often. */
export const CREDENTIALS_PROBE_MS = 300_000;

/** A token and the reply that brought it. */
export interface FetchedToken {
  readonly granted: GrantedToken;
  readonly reply: TokenReply;
}

/** Credentials that the endpoint rejected, and what it said. */
interface Rejection {
  readonly secret: string;
  readonly failure: TokenFailure;
  probeAt: number;
}

/**
 * Fetches one token: reads the secret, asks the endpoint, judges the answer. Credentials that were rejected are read
 * again and, if they changed, tried once more; unchanged ones are not sent again for five minutes, since endpoints lock
 * clients out that go on.
 */
export class TokenFetcher {
  readonly #config: AssetAuthConfig;
  readonly #endpoint: TokenEndpointClient;
  readonly #clock: AssetClock;
  readonly #secrets: ClientSecretReader;
  readonly #onReply: (reply: TokenReply) => void;
  #rejected: Rejection | undefined;

  constructor(
    config: AssetAuthConfig,
    endpoint: TokenEndpointClient,
    clock: AssetClock,
    onReply: (reply: TokenReply) => void,
  ) {
    this.#config = config;
    this.#endpoint = endpoint;
    this.#clock = clock;
    this.#onReply = onReply;
    this.#secrets = new ClientSecretReader(config);
  }

  /**
   * @param signal - the deadline or the end of the client
   * @throws the signal's reason, once it aborts
   */
  async fetch(request: AccessTokenRequest, signal: AbortSignal): Promise<TokenOutcome<FetchedToken>> {
    const first = await this.#secrets.read(request, signal);
    if ('failure' in first) return first;
    const known = this.#rejected;
    if (known?.secret === first.token) {
      const now = this.#clock.monotonic();
      if (now < known.probeAt) return this.#stillRejected(known, request);
      // Claimed before it is sent, so that it stays the only one.
      known.probeAt = now + CREDENTIALS_PROBE_MS;
    }

    const outcome = await this.#ask(request, first.token, signal);
    if (!isCredentialsRejected(outcome)) return outcome;
    // Before the secret is read again: that may fail, and the rejected one must not be sent again all the same.
    this.#remember(first.token, outcome.failure);
    if (!this.#config.hasRotatingSecret) return outcome;

    const second = await this.#secrets.read(request, signal);
    if ('failure' in second) return second;
    if (second.token === first.token) return outcome;
    const retried = await this.#ask(request, second.token, signal);
    if (isCredentialsRejected(retried)) this.#remember(second.token, retried.failure);
    return retried;
  }

  async #ask(
    request: AccessTokenRequest,
    secret: string,
    signal: AbortSignal,
  ): Promise<TokenOutcome<FetchedToken>> {
    const context: AnswerContext = {
      request,
      environment: this.#config.environment,
      tokenUrl: this.#config.tokenUrl,
      secrets: [secret],
    };
    let reply: TokenReply;
    try {
      reply = await this.#endpoint.send(request, secret, signal);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      return { failure: this.#unreachable(error, context) };
    }
    this.#onReply(reply);
    const answer = readTokenAnswer(reply, context);
    if ('failure' in answer) return answer;
    this.#rejected = undefined;
    return { token: { granted: answer.token, reply } };
  }

  /** A request that was under way with the same secret must not put the probe off: others count on its moment. */
  #remember(secret: string, rejected: TokenFailure): void {
    const now = this.#clock.monotonic();
    const known = this.#rejected?.secret === secret ? this.#rejected.probeAt : 0;
    this.#rejected = {
      secret,
      failure: rejected,
      probeAt: known > now ? known : now + CREDENTIALS_PROBE_MS,
    };
  }

  #stillRejected({ failure: { error } }: Rejection, request: AccessTokenRequest): TokenOutcome<never> {
    return {
      failure: failure({ request, environment: this.#config.environment }, 'ASSET_CREDENTIALS_REJECTED', {
        what: `${error.reason} The secret has not changed since, so it was not sent again.`,
        status: error.status,
        blame: 'endpoint',
      }),
    };
  }

  /** The error of the connection holds the request, and so the secret: only its code and message go on. */
  #unreachable(error: unknown, context: AnswerContext): TokenFailure {
    const { code } = Object(error) as { code?: unknown };
    const why = thrownText(error, context.secrets);
    const cause = Object.assign(new Error(why), typeof code === 'string' && { code });
    return failure(context, 'ASSET_TOKEN_UNAVAILABLE', {
      what: `the endpoint at ${this.#config.origin} gave no complete answer (${why}). It is asked again by itself, with growing pauses; check network, proxy and DNS if this lasts.`,
      unavailable: true,
      retryable: true,
      cause,
    });
  }
}

const isCredentialsRejected = <T>(outcome: TokenOutcome<T>): outcome is { readonly failure: TokenFailure } =>
  'failure' in outcome && outcome.failure.error.code === 'ASSET_CREDENTIALS_REJECTED';
