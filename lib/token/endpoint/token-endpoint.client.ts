import type { Readable } from 'node:stream';
import axios, { AxiosHeaders, type InternalAxiosRequestConfig } from 'axios';
import type { AssetAuthConfig } from '../../config/asset-auth.config.js';
import { type AssetClock, instantOf } from '../../config/clock.js';
import { type AssetAuthErrorLike, isAssetAuthError } from '../../config/asset-auth.errors.js';
import { requestIdOf, thrownText } from '../../config/redact.js';
import { userAgent } from '../../config/user-agent.js';
import type { AssetTokenRequestEvent } from '../../events/asset-auth.events.js';
import type { EventPublisher } from '../../events/event-publisher.js';
import type { ResponseHeaders } from '../../retry/rate-limit.js';
import type { AccessTokenRequest } from '../token-request.js';
import { ClientSecret, type Rejection } from './client-secret.js';
import {
  type ClientConnections,
  isDeadSocket,
  isIdleTimeout,
  isOfTunnel,
  MOST_KEPT_SOCKETS,
  noteAnswer,
  waitsForSocket,
} from './connections.js';
import type { TokenResponse } from './refusal.js';
import { type IssuedToken, issuedToken, type TokenBody, tokenIn } from './token-response.js';
import {
  connectionCure,
  TokenRequestFailure,
  tokenRequestFailure,
  interruptedFailure,
  Interrupted,
  TokenTimeout,
  tooSlow,
} from './token.errors.js';

/** More than any token answer. */
const MAX_RESPONSE_BYTES = 256 * 1024;

const MOST_RECENT_TOKENS = 20;
/** What is shorter would be found in texts that have nothing to do with it. */
const SHORTEST_TOKEN = 8;

const HEADERS = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' };

/** What an attempt is made for, as its event tells it. */
export type AttemptPurpose = Pick<AssetTokenRequestEvent, 'pending' | 'reason' | 'attempt'>;

/** One attempt to get a token. */
export interface TokenAttempt {
  readonly request: AccessTokenRequest;
  readonly purpose: AttemptPurpose;
  /** The deadline, the end of the client, or that the attempt is interrupted. */
  readonly signal: AbortSignal;
  /** Whether the key had a token before: then what the endpoint says of the credentials is not about a stranger. */
  readonly isKnown: boolean;
  /** Called with the headers of each answer, and whether it brought a token. */
  readonly onHeaders: (headers: ResponseHeaders, isToken: boolean) => void;
}

/**
 * Fetches one token: reads the secret, sends the request (RFC 6749 §4.4.2, form-encoded, credentials in the body), reads
 * the answer. Rejected credentials are read again and, if they changed, tried once more. A kept socket that the server had
 * closed says nothing of the endpoint: the request goes out again on another. It follows no redirect: the secret would go
 * along.
 */
export class TokenEndpointClient {
  /** Below axios itself, which would copy what the application set on the global one: headers, auth, adapter. */
  readonly #adapter = axios.getAdapter('http');
  readonly #requestConfig: Omit<InternalAxiosRequestConfig, 'headers'>;
  readonly #secret: ClientSecret;
  /** The latest tokens: an endpoint may repeat one when it refuses the next. */
  readonly #recentTokens: string[] = [];
  readonly #headers: Readonly<Record<string, string>>;

  constructor(
    private readonly config: AssetAuthConfig,
    private readonly connections: ClientConnections,
    private readonly clock: AssetClock,
    private readonly events: EventPublisher,
  ) {
    this.#secret = new ClientSecret(config, clock);
    this.#headers = { ...HEADERS, 'user-agent': userAgent(config.http) };
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

  /** @throws TokenRequestFailure when there is no token, or not in time; the reason of a signal that aborts for another reason */
  async fetch(attempt: TokenAttempt): Promise<IssuedToken> {
    try {
      return await this.#fetch(attempt);
    } catch (thrown) {
      throw thrown instanceof TokenTimeout ? tooSlow(attempt.request, this.config) : thrown;
    }
  }

  async #fetch(attempt: TokenAttempt): Promise<IssuedToken> {
    const { request, signal, isKnown } = attempt;
    const clientSecret = await this.#secret.read(request, signal);
    const rejectionBefore = this.#secret.admit(clientSecret, request, isKnown);
    try {
      return await this.#ask(attempt, clientSecret, rejectionBefore);
    } catch (failure) {
      if (!isCredentialsRejected(failure) || !this.config.hasRotatingSecret) throw failure;
      const changed = await this.#secret.readAnew(request, signal);
      if (changed === clientSecret) throw failure;
      return await this.#ask(attempt, changed, undefined);
    }
  }

  async #ask(
    attempt: TokenAttempt,
    clientSecret: string,
    rejectionBefore: Rejection | undefined,
  ): Promise<IssuedToken> {
    const around = (send: () => void): void => {
      send();
    };
    const sent = this.events.publish('token.request', { ...attempt.purpose, around });
    const startedAt = this.clock.monotonic();
    let response: TokenResponse | undefined;
    let error: AssetAuthErrorLike | undefined;
    try {
      response = await within(sent, () => this.#send(attempt, clientSecret));
      return this.#judged(response, attempt, clientSecret, rejectionBefore);
    } catch (thrown) {
      const ended =
        thrown instanceof Interrupted ? interruptedFailure(thrown, attempt.request, this.config) : undefined;
      error = errorOf(ended ?? thrown) ?? tooSlow(attempt.request, this.config).error;
      throw thrown;
    } finally {
      const isHeard = this.events.isHeard('token.response');
      this.events.publish('token.response', {
        request: sent,
        durationMs: this.clock.monotonic() - startedAt,
        status: response?.status,
        requestId:
          response && isHeard ? requestIdOf(response.headers, this.#secrets(clientSecret)) : undefined,
        error,
      });
    }
  }

  #judged(
    response: TokenResponse,
    { request, isKnown, onHeaders }: TokenAttempt,
    clientSecret: string,
    rejectionBefore: Rejection | undefined,
  ): IssuedToken {
    const about = { request, config: this.config };
    let token: TokenBody;
    try {
      token = tokenIn(response, { ...about, secrets: this.#secrets(clientSecret) });
    } catch (failure) {
      onHeaders(response.headers, false);
      throw isCredentialsRejected(failure)
        ? this.#secret.rejected({ clientSecret, failure, request, isKnown, rejectionBefore })
        : failure;
    }
    onHeaders(response.headers, true);
    this.#secret.accepted(clientSecret);
    this.#remember(token.access_token);
    return issuedToken(token, response, { ...about, secrets: this.#secrets(clientSecret) });
  }

  /** What no message repeats. */
  #secrets(clientSecret: string): readonly string[] {
    return [clientSecret, ...this.#recentTokens];
  }

  #remember(token: string): void {
    if (token.length < SHORTEST_TOKEN || this.#recentTokens.includes(token)) return;
    this.#recentTokens.push(token);
    if (this.#recentTokens.length > MOST_RECENT_TOKENS) this.#recentTokens.shift();
  }

  async #send({ request, signal }: TokenAttempt, clientSecret: string): Promise<TokenResponse> {
    for (let deadSockets = 0; ; deadSockets += 1) {
      // The adapter looks for it only once the request is on its way.
      signal.throwIfAborted();
      const sentAt = instantOf(this.clock);
      // Without prototype, as axios makes its own: a polluted one decides nothing.
      const config = Object.create(null) as InternalAxiosRequestConfig;
      const headers = AxiosHeaders.from(this.#headers);
      const agents = this.connections.isLimited ? this.connections.tokenAgents : undefined;
      Object.assign(config, this.#requestConfig, agents, {
        headers,
        data: request.body(clientSecret),
        signal,
      });
      try {
        const answer = await this.#adapter(config);
        // The status first: an ordinary answer costs no look at its socket.
        if (answer.status === 408 && deadSockets < MOST_KEPT_SOCKETS && isIdleTimeout(answer)) {
          (answer.data as Readable).destroy();
          continue;
        }
        if (this.connections.isLimited) noteAnswer(answer.request);
        const ofTunnel = this.config.origin.startsWith('https:') && isOfTunnel(answer.request);
        const body = await startOf(answer.data as Readable);
        const { status } = answer;
        const [receivedAt, requestMs] = [this.clock.now(), this.clock.monotonic() - sentAt.monotonic];
        return { status, headers: answer.headers, body, isOfTunnel: ofTunnel, sentAt, receivedAt, requestMs };
      } catch (error) {
        const isLate = signal.aborted && signal.reason instanceof TokenTimeout;
        if (isLate && waitsForSocket(error)) throw this.#noSocket(request);
        if (signal.aborted) throw signal.reason;
        if (deadSockets < MOST_KEPT_SOCKETS && isDeadSocket(error)) continue;
        throw this.#unreachable(error, request, clientSecret);
      }
    }
  }

  /** Its time was up before the application's own agent had a socket for it. */
  #noSocket(request: AccessTokenRequest): TokenRequestFailure {
    const { tokenTimeoutMs } = this.config;
    return tokenRequestFailure({ request, config: this.config }, 'ASSET_TOKEN_UNAVAILABLE', {
      what: `the agent of the option http had no socket for it within tokenTimeoutMs (${tokenTimeoutMs} ms). Nothing was sent. Raise its maxSockets, or limit how long API calls hold theirs.`,
      fault: 'unclear',
      timedOut: true,
      retryable: true,
    });
  }

  /** The error of the connection holds the request, and so the secret: only its code and message go on. */
  #unreachable(error: unknown, request: AccessTokenRequest, clientSecret: string): TokenRequestFailure {
    const { origin } = this.config;
    const { code } = Object(error) as { code?: unknown };
    const why = thrownText(error, [clientSecret]);
    const cause = Object.assign(new Error(why), typeof code === 'string' && { code });
    return tokenRequestFailure({ request, config: this.config }, 'ASSET_TOKEN_UNAVAILABLE', {
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

/** Sends in the context that listeners have chosen. They see nothing of the answer, and what they break costs no caller his token. */
function within<T>({ around }: AssetTokenRequestEvent, send: () => Promise<T>): Promise<T> {
  let sending: Promise<T> | undefined;
  try {
    around(() => {
      sending ??= send();
    });
  } catch {
    // A listener's own.
  }
  return sending ?? send();
}

/** What events tell; `undefined`: the attempt was ended because its time was over. */
const errorOf = (thrown: unknown): AssetAuthErrorLike | undefined =>
  thrown instanceof TokenRequestFailure ? thrown.error : isAssetAuthError(thrown) ? thrown : undefined;

const isCredentialsRejected = (failure: unknown): failure is TokenRequestFailure =>
  failure instanceof TokenRequestFailure && failure.error.code === 'ASSET_CREDENTIALS_REJECTED';
