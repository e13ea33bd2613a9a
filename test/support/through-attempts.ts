import type { ManualClock } from 'nestjs-asset-auth/testing';
import { eventually } from './eventually.js';

/** The longest pause between two attempts of one token request. */
const LONGEST_PAUSE_MS = 500;

/** The outcome of calls whose token requests fail: moves the clock through the pauses between their attempts. */
export async function throughAttempts<T>(clock: ManualClock, outcome: Promise<T>): Promise<T> {
  let isSettled = false;
  const settle = (): void => {
    isSettled = true;
  };
  outcome.then(settle, settle);
  await eventually(async () => {
    const [next] = clock.timers;
    if (!isSettled && next !== undefined && next.dueInMs <= LONGEST_PAUSE_MS)
      await clock.advance(next.dueInMs);
    return isSettled;
  });
  return outcome;
}
