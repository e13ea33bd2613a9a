import { runInNewContext } from 'node:vm';

/** No measure of speed: what takes longer than this on the busiest machine does not come to an end. */
const HANGS_AFTER_MS = 120_000;

/**
 * Runs work that must not take quadratic or exponential time, and fails if it hangs. Jest's own timeout cannot interrupt
 * code that never yields, and a bound in seconds would fail on a busy machine.
 */
export function unlessHanging(work: () => void): void {
  runInNewContext('work()', { work }, { timeout: HANGS_AFTER_MS });
}
