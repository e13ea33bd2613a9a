const FIRST_STEP_MS = 1000;
const LONGEST_STEP_MS = 30_000;

/**
 * Milliseconds to wait after the given number of failures in a row: exponential with equal jitter, from half a second
 * to thirty seconds.
 *
 * @param random - in [0, 1)
 */
export function backoffMs(failures: number, random: number): number {
  const step = Math.min(LONGEST_STEP_MS, FIRST_STEP_MS * 2 ** (Math.max(failures, 1) - 1));
  return step / 2 + (random * step) / 2;
}

/**
 * A failure whose pause has been over for so long counts no more, since nobody has put it to the test meanwhile: what fails now
 * is another matter, and a process that is out of rotation has no callers to find out.
 */
export const FORGOTTEN_AFTER_MS = 60_000;

/** Short enough for a last attempt, long enough not to spin in the moment before expiry. */
const SHORTEST_FIT_MS = 100;

/** While a usable token is held, several attempts must fit into what is left of it; none waits beyond its end. */
export const shortenedToFit = (waitMs: number, remainingMs: number): number =>
  Math.min(waitMs, remainingMs, Math.max(remainingMs / 4, SHORTEST_FIT_MS));
