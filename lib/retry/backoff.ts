// After a failure: is the token request made again, and when?
//
// | the attempt                                      | is made again                       | counts for                       |
// | ------------------------------------------------ | ----------------------------------- | -------------------------------- |
// | meets a dead kept socket                         | at once (`token-endpoint.client`)   | nobody                           |
// | is refused with a secret that has changed since  | at once (`token-endpoint.client`)   | nobody                           |
// | outlives a sleep of the machine                  | at once (`pending-request`)         | nobody                           |
// | gives its slot away                              | when its turn comes again           | nobody, but its key has hung     |
// | fails in passing, first in a row, callers wait   | up to twice, after 0.1 to 0.5 s     | the key, once                    |
// | fails again, is refused, has no answer in time   | by a later request, after a backoff | whose `Fault` it is              |
// | is told to wait                                  | after that                          | the endpoint                     |
// | tells that the endpoint is in trouble            | by one probe, after a pause         | the endpoint (`circuit-breaker`) |

/**
 * Whose fault a failure is, as far as the failed request can tell.
 * - `'endpoint'`: the endpoint said so, or the secret is unreadable: every other request would fare the same.
 * - `'unavailable'`: no answer, or a 5xx. The endpoint's only after several in a row.
 * - `'request'`: the endpoint answered in substance and refused this very request, so it is well.
 * - `'unclear'`: an answer that proves neither.
 */
export type Fault = 'endpoint' | 'unavailable' | 'request' | 'unclear';

/** What failed. */
export interface FailedAttempt {
  readonly error: { readonly retryable: boolean; readonly timedOut: boolean };
  readonly fault: Fault;
  /** Milliseconds that the server ordered to wait. */
  readonly orderedWaitMs: number | undefined;
}

const MOST_ATTEMPTS = 3;
const SHORTEST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 500;

/**
 * Milliseconds until the next attempt within the same token request; `undefined`: there is none. To be asked about the first
 * failure in a row only, while callers wait with nothing in hand.
 *
 * @param attempts - how many the request has made
 * @param random - in [0, 1)
 */
export function nextAttemptMs(
  { error, fault, orderedWaitMs }: FailedAttempt,
  attempts: number,
  random: number,
): number | undefined {
  const isBlip = error.retryable && !error.timedOut && orderedWaitMs === undefined && fault !== 'endpoint';
  if (!isBlip || attempts >= MOST_ATTEMPTS) return undefined;
  return SHORTEST_PAUSE_MS + random * (LONGEST_PAUSE_MS - SHORTEST_PAUSE_MS);
}

const FIRST_STEP_MS = 1000;
const LONGEST_STEP_MS = 30_000;

/**
 * Milliseconds to wait after the given number of failures in a row: exponential with equal jitter, from half a second
 * to thirty seconds.
 *
 * @param failures - at least one
 * @param random - in [0, 1)
 */
export function backoffMs(failures: number, random: number): number {
  const step = Math.min(LONGEST_STEP_MS, FIRST_STEP_MS * 2 ** (failures - 1));
  return step / 2 + (random * step) / 2;
}

/**
 * A failure is forgotten so long after its pause ended, if nobody has asked since: what fails then is a new failure. A process
 * that is out of rotation has no callers that would find out.
 */
export const FORGOTTEN_AFTER_MS = 60_000;

/** Short enough for a last attempt, long enough not to spin in the moment before expiry. */
const SHORTEST_FIT_MS = 100;

/** While a usable token is held, several attempts must fit into what is left of it; none waits beyond its end. */
export const shortenedToFit = (waitMs: number, remainingMs: number): number =>
  Math.min(waitMs, remainingMs, Math.max(remainingMs / 4, SHORTEST_FIT_MS));
