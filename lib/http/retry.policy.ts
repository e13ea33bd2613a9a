import axios, { type AxiosResponse } from 'axios';
import type { AccessToken } from '../token/access-token.js';
import type { AssetTokenService } from '../token/token.service.js';
import { inWords, type UnauthorizedDetails } from './http.errors.js';
import { attempt, type AttemptParts, type Journey, type Outcome } from './attempt.js';
import { DirectWay, isRedirect } from './direct-way.js';
import { pause, withinCall } from './deadline.js';
import { backoffMs } from '../retry/backoff.js';
import { orderedWaitMs, answerHeaders } from '../retry/rate-limit.js';
import { Readable } from 'node:stream';
import { types } from 'node:util';

/** What the policy works with. */
export interface AnswerPolicyParts extends AttemptParts {
  readonly tokens: AssetTokenService;
}

/**
 * Sees a call through its attempts: a 401 is replayed once with another token, a 429 twice after a short wait, and a
 * redirect is followed. All of it below the application's interceptors, which see one request.
 */
export class AnswerPolicy {
  readonly #parts: AnswerPolicyParts;
  readonly directWay: DirectWay;

  constructor(parts: AnswerPolicyParts) {
    this.#parts = parts;
    this.directWay = new DirectWay(parts.connections.route);
  }

  /**
   * @throws AxiosError if the call has ended already, synchronously
   */
  answerTo(journey: Journey, token: AccessToken | undefined): Promise<AxiosResponse> {
    return attempt(journey, token, this.#parts, (outcome) => {
      if (journey.isDirect && isRedirect(outcome.request)) return this.#followed(journey, token);
      return token === undefined || isFinal(outcome)
        ? settled(outcome)
        : this.#cured(following(journey), token, outcome);
    });
  }

  #followed(journey: Journey, token: AccessToken | undefined): Promise<AxiosResponse> {
    this.directWay.close();
    return this.answerTo(following(journey), token);
  }

  async #cured(journey: Journey, first: AccessToken, firstOutcome: Outcome): Promise<AxiosResponse> {
    let token = first;
    let outcome = firstOutcome;
    let unauthorized: UnauthorizedDetails | undefined;
    for (let retries = 0; ; outcome = await attempt(journey, token, this.#parts, unchanged)) {
      if (outcome.status === 401 && unauthorized === undefined) {
        const next = await this.#replacement(journey, token, outcome);
        if ('token' in next) {
          ({ token } = next);
          unauthorized = { why: 'the new token was rejected as well' };
          continue;
        }
        unauthorized = next;
      }
      const wait = this.#rateLimitWait(journey, outcome, retries);
      if (wait === undefined) return this.#finish(outcome, token, unauthorized);
      retries += 1;
      token = await this.#afterPause(wait, journey, outcome);
    }
  }

  /** The token to replay a 401 with, or why there is none. */
  async #replacement(
    journey: Journey,
    rejected: AccessToken,
    outcome: Outcome,
  ): Promise<{ readonly token: AccessToken } | UnauthorizedDetails> {
    const { tokens, clock } = this.#parts;
    if (!isReplayable(journey.config.data)) {
      // For the calls that come after this one, which does not wait for it.
      tokens.replaceRejected(rejected).catch(() => {});
      return { why: 'the body of the request cannot be sent again' };
    }
    giveUp(outcome.response, outcome.request);
    try {
      const token = await withinCall({ ...journey, clock }, (signal) =>
        tokens.replaceRejected(rejected, signal),
      );
      if (token === undefined) return { why: 'the token was replaced a moment ago already' };
      if (token.value === rejected.value) return { why: 'the endpoint handed out the same token again' };
      return { token };
    } catch (cause) {
      if (axios.isAxiosError(cause)) throw cause;
      return { why: 'no other token could be had', cause };
    }
  }

  #rateLimitWait({ config, deadline }: Journey, { response }: Outcome, retries: number): number | undefined {
    const { clock } = this.#parts;
    if (response === undefined || !isReplayable(config.data)) return undefined;
    const wait = rateLimitWaitMs(response, retries, clock.now(), Math.random());
    if (wait === undefined) return undefined;
    return deadline === undefined || clock.monotonic() + wait < deadline ? wait : undefined;
  }

  /** @returns the token to go on with: the one before may have expired in the pause */
  #afterPause(ms: number, journey: Journey, { response, request }: Outcome): Promise<AccessToken> {
    const { tokens, clock } = this.#parts;
    giveUp(response, request);
    return withinCall({ ...journey, clock }, async (signal) => {
      await pause(ms, clock, signal);
      return tokens.getAccessToken(journey.call, { signal });
    });
  }

  #finish(
    outcome: Outcome,
    token: AccessToken,
    unauthorized: UnauthorizedDetails | undefined,
  ): AxiosResponse {
    if (outcome.failure === undefined) return settled(outcome);
    const details = unauthorized ?? { why: 'no other token could be had' };
    throw inWords(outcome.failure.error, token, this.#parts.clock.now(), details);
  }
}

const following = (journey: Journey): Journey => ({ ...journey, isDirect: false });

const unchanged = (outcome: Outcome): Outcome => outcome;

/** Whether there is nothing that another attempt or better words could mend. */
const isFinal = ({ failure, status }: Outcome): boolean =>
  failure === undefined && status !== 401 && status !== 429;

function settled({ response, failure }: Outcome): AxiosResponse {
  if (response === undefined || failure !== undefined) throw failure?.error;
  return response;
}

const MAX_RETRIES = 2;
const LONGEST_WAIT_MS = 2000;

/**
 * Milliseconds after which a request that was answered 429 is sent again, or `undefined` if it is left to the caller:
 * at most twice, and only if the wait is short enough for somebody to sit through it.
 *
 * @param retries - how often it was sent again already
 * @param random - in [0, 1)
 */
export function rateLimitWaitMs(
  response: AxiosResponse,
  retries: number,
  now: number,
  random: number,
): number | undefined {
  if (response.status !== 429 || retries >= MAX_RETRIES) return undefined;
  const wait = orderedWaitMs(answerHeaders(response), now) ?? backoffMs(retries + 1, random);
  return wait <= LONGEST_WAIT_MS ? wait : undefined;
}

/**
 * Whether a request body, as axios has transformed it, can be sent a second time byte for byte. Streams are used up, and
 * so is form data of the form-data package: axios would send an empty body, and the server may well accept it.
 */
export function isReplayable(body: unknown): boolean {
  if (body === undefined || body === null || typeof body === 'string') return true;
  if (types.isAnyArrayBuffer(body) || ArrayBuffer.isView(body)) return true;
  // Read again for each attempt.
  return body instanceof Blob || (body instanceof FormData && !('pipe' in body));
}

/**
 * Frees the connection of a streamed answer that nobody is going to read: with one socket, it would keep the next
 * attempt and its token waiting for ever.
 *
 * @param request - the request object of Node that it came with, since not every stream of axios' ends its source
 */
export function giveUp(response: AxiosResponse | undefined, request: unknown): void {
  const data: unknown = response?.data;
  if (response === undefined || !(data instanceof Readable)) return;
  data.destroy();
  (request as { destroy?: () => void } | undefined)?.destroy?.();
  // In case that it is the last answer after all: reading it ends at once, instead of never.
  response.data = Readable.from([]);
}
