import type { Fault } from './circuit-breaker.js';

/**
 * What becomes of one attempt to get a token. A pending request makes up to three within the time of its callers.
 *
 * | the attempt                                                  | is made again                     | counts for    |
 * | ------------------------------------------------------------ | --------------------------------- | ------------- |
 * | meets a dead kept socket, a sleep, or a secret since changed | at once                           | nobody        |
 * | is the first in a row to fail, while callers wait in vain    | up to twice, after 0.1 to 0.5 s   | the key, once |
 * | gets no answer within its time                               | after the key's backoff           | the key       |
 * | is refused, or told to wait                                  | after that, or the ordered wait   | {@link Fault} |
 */
export interface FailedAttempt {
  readonly fault: Fault;
  readonly retryable: boolean;
  readonly timedOut: boolean;
  /** Milliseconds that the server ordered to wait. */
  readonly orderedWaitMs: number | undefined;
  /** Attempts of this pending request, this one included. */
  readonly attempts: number;
  /** Whether callers wait and have no token that serves in the meantime. */
  readonly isNeeded: boolean;
  /** Whether the key had failed before this request, or the request is the probe of an open circuit. */
  readonly isRepeated: boolean;
}

const MOST_ATTEMPTS = 3;
const SHORTEST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 500;

/**
 * Milliseconds until the next attempt within the same pending request; `undefined`: there is none.
 *
 * @param random - in [0, 1)
 */
export function nextAttemptMs(failed: FailedAttempt, random: number): number | undefined {
  const { fault, retryable, timedOut, orderedWaitMs, attempts, isNeeded, isRepeated } = failed;
  const isBlip = retryable && !timedOut && orderedWaitMs === undefined && fault !== 'endpoint';
  if (!isBlip || !isNeeded || isRepeated || attempts >= MOST_ATTEMPTS) return undefined;
  return SHORTEST_PAUSE_MS + random * (LONGEST_PAUSE_MS - SHORTEST_PAUSE_MS);
}
