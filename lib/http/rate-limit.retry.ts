import type { AxiosResponse } from 'axios';
import { backoffMs } from '../token/pacing/backoff.js';
import { orderedWaitMs } from '../token/endpoint/retry-after.js';
import { answerHeaders } from './answer-headers.js';

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
