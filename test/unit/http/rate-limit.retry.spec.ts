import type { AxiosResponse } from 'axios';
import fc from 'fast-check';
import { rateLimitWaitMs } from '../../../lib/http/retry.policy.js';

const NOW = Date.UTC(2026, 0, 1);
const answer = (status: number, headers?: object): AxiosResponse => ({ status, headers }) as AxiosResponse;

describe('the wait before a 429 is sent again', () => {
  it.each<[string, object | undefined, number | undefined]>([
    ['two seconds', { 'retry-after': '2' }, 2000],
    ['a fraction', { 'retry-after': '0.5' }, 500],
    ['a moment longer than two seconds', { 'retry-after': '2.001' }, undefined],
    ['an hour', { 'retry-after': '3600' }, undefined],
    ['a date', { 'retry-after': 'Thu, 01 Jan 2026 00:00:01 GMT' }, 1000],
    [
      'a date by the clock of the server',
      { 'retry-after': 'Thu, 01 Jan 2026 01:00:01 GMT', date: 'Thu, 01 Jan 2026 01:00:00 GMT' },
      1000,
    ],
    ['x-ratelimit-reset', { 'x-ratelimit-reset': String(NOW / 1000 + 1.5) }, 1500],
    [
      'Retry-After before x-ratelimit-reset',
      { 'retry-after': '1', 'x-ratelimit-reset': String(NOW / 1000 + 50) },
      1000,
    ],
    ['names in any case', { 'Retry-After': '1' }, 1000],
    ['nothing', {}, 750],
    ['no headers at all', undefined, 750],
    ['zero, which orders nothing', { 'retry-after': '0' }, 750],
    ['a date that is past', { 'retry-after': 'Thu, 01 Jan 2025 00:00:00 GMT' }, 750],
    ['garbage', { 'retry-after': 'soon' }, 750],
  ])('follows what the server orders: %s', (_what, headers, wait) => {
    expect(rateLimitWaitMs(answer(429, headers), 0, NOW, 0.5)).toBe(wait);
  });

  it('grows from the first to the second, and there is no third', () => {
    expect(rateLimitWaitMs(answer(429), 0, NOW, 0)).toBe(500);
    expect(rateLimitWaitMs(answer(429), 1, NOW, 0)).toBe(1000);
    expect(rateLimitWaitMs(answer(429), 1, NOW, 0.999)).toBeLessThanOrEqual(2000);
    expect(rateLimitWaitMs(answer(429), 2, NOW, 0)).toBeUndefined();
    expect(rateLimitWaitMs(answer(429, { 'retry-after': '1' }), 2, NOW, 0)).toBeUndefined();
  });

  it.each([200, 401, 403, 503])('is for 429 only, not for %i', (status) => {
    expect(rateLimitWaitMs(answer(status, { 'retry-after': '1' }), 0, NOW, 0)).toBeUndefined();
  });

  it('is above zero and at most two seconds, whatever the headers say', () => {
    const value = fc.oneof(
      fc.string(),
      fc.double().map(String),
      fc.date({ noInvalidDate: false }).map(String),
      fc.constant(undefined),
    );
    fc.assert(
      fc.property(
        value,
        value,
        value,
        fc.nat(3),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (after, reset, date, retries, random) => {
          const headers = { 'retry-after': after, 'x-ratelimit-reset': reset, date };
          const wait = rateLimitWaitMs(answer(429, headers), retries, NOW, random);
          if (wait === undefined) return;
          expect(retries).toBeLessThan(2);
          expect(wait).toBeGreaterThan(0);
          expect(wait).toBeLessThanOrEqual(2000);
        },
      ),
    );
  });
});
