import fc from 'fast-check';
import { backoffMs, type FailedAttempt, nextAttemptMs, shortenedToFit } from '../../../lib/retry/backoff.js';

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

/** A failure that an attempt more may well mend, but for what is said. */
const failed = ({
  retryable = true,
  timedOut = false,
  ...more
}: Partial<FailedAttempt & FailedAttempt['error']> = {}): FailedAttempt => ({
  fault: 'unavailable',
  orderedWaitMs: undefined,
  ...more,
  error: { retryable, timedOut },
});

describe('the next attempt of a request that failed', () => {
  it('comes after a tenth of a second to half of one', () => {
    expect(nextAttemptMs(failed(), 1, 0)).toBe(100);
    expect(nextAttemptMs(failed(), 1, 0.5)).toBe(300);
    expect(nextAttemptMs(failed({ fault: 'unclear' }), 2, 1 - 2 ** -53)).toBeCloseTo(500, 6);
  });

  it.each<[string, FailedAttempt, number]>([
    ['the third has failed', failed(), 3],
    ['it was refused for good', failed({ retryable: false }), 1],
    ['its time was over', failed({ timedOut: true }), 1],
    ['the server ordered a wait', failed({ orderedWaitMs: 0 }), 1],
    ['the endpoint said that all would fare the same', failed({ fault: 'endpoint' }), 1],
  ])('is not made where %s', (_why, failure, attempts) => {
    expect(nextAttemptMs(failure, attempts, 0)).toBeUndefined();
  });
});

describe('the pause after failures in a row', () => {
  it.each([
    [1, 500, 1000],
    [2, 1000, 2000],
    [3, 2000, 4000],
    [5, 8000, 16_000],
    [6, 15_000, 30_000],
    [7, 15_000, 30_000],
    [5000, 15_000, 30_000],
  ])('is, after %i, between half the step (%i ms) and the whole (%i ms)', (failures, half, whole) => {
    expect(backoffMs(failures, 0)).toBe(half);
    expect(backoffMs(failures, 0.5)).toBe((half + whole) / 2);
    expect(backoffMs(failures, 1 - 2 ** -53)).toBeCloseTo(whole, 6);
  });

  it('is finite, at least half a second, and at most thirty, whatever the number of failures', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1 }), random, (failures, roll) => {
        const wait = backoffMs(failures, roll);
        return wait >= 500 && wait <= 30_000;
      }),
    );
  });
});

describe('a pause while a token is held', () => {
  it('is at most a quarter of what is left of the token', () => {
    expect(shortenedToFit(30_000, 60_000)).toBe(15_000);
    expect(shortenedToFit(1000, 60_000)).toBe(1000);
    expect(shortenedToFit(1000, 2000)).toBe(500);
  });

  it('does not spin in the last moment: a tenth of a second is short enough', () => {
    expect(shortenedToFit(1000, 300)).toBe(100);
    expect(shortenedToFit(1000, 400)).toBe(100);
  });

  it('ends at expiry', () => {
    expect(shortenedToFit(1000, 30)).toBe(30);
  });

  it('never outlasts the token, nor what was asked', () => {
    const ms = fc.double({ min: 0, max: 1e12, noNaN: true });
    fc.assert(
      fc.property(ms, ms, (wait, remaining) => {
        const fitted = shortenedToFit(wait, remaining);
        return fitted >= 0 && fitted <= wait && fitted <= remaining && fitted <= Math.max(remaining / 4, 100);
      }),
    );
  });
});
