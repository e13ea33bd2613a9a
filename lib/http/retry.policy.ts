import axios, { type AxiosResponse } from 'axios';
import { type AssetClock, pause } from '../config/clock.js';
import { backoffMs } from '../retry/backoff.js';
import { lowerCaseHeaders, orderedWaitMs } from '../retry/rate-limit.js';
import type { AccessToken } from '../token/access-token.js';
import type { AssetTokenService } from '../token/token.service.js';
import { attempt, discard, type Outcome, tellReplay } from './attempt.js';
import { toApiError, type UnauthorizedDetails } from './http.errors.js';
import { redirectRefusal } from './redirects.js';
import { type Exchange, isReplayable } from './wire-config.js';

const MAX_RATE_LIMIT_RETRIES = 2;
const LONGEST_RATE_LIMIT_WAIT_MS = 2000;

/**
 * What happens to an answer that is no success, below the application's interceptors, which see one request.
 * - 401: sent again once, with another token. The status is not believed: the token that was sent is first
 *   compared with the one at hand.
 * - 429: sent again twice at most, after a wait that is short enough to sit through and fits into the call's time.
 * - A body that is used up (a stream) is never sent again: the server would accept an empty one.
 * - What remains goes to the caller: of calls with a token 401, 403 and 429 in words, a refused redirect in words, all else
 *   as axios has it.
 */
export class RetryPolicy {
  readonly #tokens: AssetTokenService;
  readonly #clock: AssetClock;

  constructor(tokens: AssetTokenService, clock: AssetClock) {
    this.#tokens = tokens;
    this.#clock = clock;
  }

  /** @param firstToken - the one that was sent; `undefined`: there is none, or an outer call sends it again */
  async settle(
    exchange: Exchange,
    firstToken: AccessToken | undefined,
    firstOutcome: Outcome,
  ): Promise<AxiosResponse> {
    if (firstToken === undefined) return settled(firstOutcome, exchange.url);
    let token = firstToken;
    let outcome = firstOutcome;
    let whyUnauthorized: UnauthorizedDetails | undefined;
    for (let waits = 0; ; outcome = await attempt(exchange, token)) {
      if (outcome.status === 401 && whyUnauthorized === undefined) {
        const next = await this.#replacement(exchange, token, outcome);
        if ('token' in next) {
          ({ token } = next);
          tellReplay(exchange, 'unauthorized', token);
          whyUnauthorized = { why: 'the new token was rejected as well' };
          continue;
        }
        whyUnauthorized = next;
      }
      const waitMs = this.#rateLimitWaitMs(exchange, outcome, waits);
      if (waitMs === undefined) {
        return settled(outcome, exchange.url, (error) =>
          toApiError(error, token, this.#clock.now(), whyUnauthorized),
        );
      }
      waits += 1;
      discard(outcome.response, outcome.nodeRequest);
      token = await exchange.deadline.wait(async () => {
        const { signal } = exchange.deadline;
        await pause(waitMs, this.#clock, signal);
        // The token before may have expired in the pause.
        return this.#tokens.getAccessToken(exchange.request.tokenRequest, { signal });
      });
      tellReplay(exchange, 'rate_limited', token);
    }
  }

  /** The token to send the call again with after a 401, or why there is none. */
  async #replacement(
    { config, deadline }: Exchange,
    rejected: AccessToken,
    { response, nodeRequest }: Outcome,
  ): Promise<{ readonly token: AccessToken } | UnauthorizedDetails> {
    if (!isReplayable(config.data)) {
      // For later calls; this one cannot be sent again.
      this.#tokens.replaceRejected(rejected).catch(() => {});
      return { why: 'the body of the request cannot be sent again' };
    }
    discard(response, nodeRequest);
    try {
      const token = await deadline.wait(() => this.#tokens.replaceRejected(rejected, deadline.signal));
      if (token === undefined) return { why: 'the token was replaced a moment ago already' };
      if (token.value === rejected.value) return { why: 'the endpoint handed out the same token again' };
      return { token };
    } catch (cause) {
      // The call itself is over: its time-out, its signal, or its subscriber.
      if (axios.isAxiosError(cause)) throw cause;
      return { why: 'no other token could be had', cause };
    }
  }

  #rateLimitWaitMs({ config, deadline }: Exchange, { response }: Outcome, waits: number): number | undefined {
    if (response?.status !== 429 || waits >= MAX_RATE_LIMIT_RETRIES) return undefined;
    if (!isReplayable(config.data)) return undefined;
    const ordered = orderedWaitMs(lowerCaseHeaders(response), this.#clock.now());
    const waitMs = ordered ?? backoffMs(waits + 1, Math.random());
    const longestMs = Math.min(LONGEST_RATE_LIMIT_WAIT_MS, (deadline.remainingMs ?? Infinity) - 1);
    return waitMs <= longestMs ? waitMs : undefined;
  }
}

/** The outcome as axios' world expects it: a response, or a rejection. */
function settled(
  { response, failure }: Outcome,
  url: URL,
  inWords = (error: unknown): unknown => error,
): AxiosResponse {
  if (response === undefined || failure !== undefined) {
    throw redirectRefusal(response, url) ?? inWords(failure?.error);
  }
  return response;
}
