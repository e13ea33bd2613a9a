import fc from 'fast-check';
import { ManualClock } from 'nestjs-asset-auth/testing';
import {
  lowerCaseHeaders,
  orderedWaitMs,
  RateLimitWindow,
  resetMs,
  retryAfterMs,
  serverDateMs,
} from '../../../lib/retry/rate-limit.js';
import { unlessHanging } from '../../support/unless-hanging.js';

const NOW = Date.UTC(2026, 0, 1);
const NOW_SECONDS = NOW / 1000;
const httpDate = (ms: number): string => new Date(ms).toUTCString();

const wait = (value: unknown, headers: object = {}): number | undefined =>
  retryAfterMs({ 'retry-after': value, ...headers }, NOW);

/** The same moment in the three forms of RFC 9110 §5.6.7: 30 s after NOW, which is 2026-01-01T00:00:00Z. */
const IN_30_S = [
  'Thu, 01 Jan 2026 00:00:30 GMT',
  'Thursday, 01-Jan-26 00:00:30 GMT',
  'Thu Jan  1 00:00:30 2026',
];

describe('Retry-After', () => {
  it('T40 is a number of seconds', () => {
    expect(wait('30')).toBe(30_000);
    expect(wait(' 30 ')).toBe(30_000);
    expect(wait('1.5')).toBe(1500);
    expect(wait('3600')).toBe(3_600_000);
  });

  it.each(['3601', '864000', '999999999', '9'.repeat(99)])('T101 is an hour at most: %s', (value) => {
    expect(wait(value)).toBe(3_600_000);
    expect(orderedWaitMs({ 'x-ratelimit-reset': value }, NOW) ?? 3_600_000).toBe(3_600_000);
  });

  it('T101 is a moment from a thousand million on, in milliseconds from a hundred times that', () => {
    expect(wait(String(NOW_SECONDS + 30))).toBe(30_000);
    expect(wait(`${NOW_SECONDS + 30}.5`)).toBe(30_500);
    expect(wait(String(NOW + 30_000))).toBe(30_000);
    expect(wait(String(NOW_SECONDS + 3630), { date: httpDate(NOW + 3_600_000) })).toBe(30_000);
    for (const past of [NOW_SECONDS, NOW_SECONDS - 1, NOW - 1, 1_000_000_000]) {
      expect(wait(String(past))).toBeUndefined();
    }
    expect(wait('1794113155')).toBe(3_600_000);
    expect(wait('99999999999')).toBe(3_600_000);
    expect(wait('100000000000')).toBeUndefined();
  });

  it.each(IN_30_S)('T40 is a date: %s', (date) => {
    expect(wait(date)).toBe(30_000);
  });

  it("T40 is measured by the server's own clock, which may differ from ours", () => {
    expect(wait(httpDate(NOW + 3_630_000), { date: httpDate(NOW + 3_600_000) })).toBe(30_000);
    expect(wait(httpDate(NOW - 3_570_000), { date: httpDate(NOW - 3_600_000) })).toBe(30_000);
    expect(wait('30', { date: httpDate(NOW - 3_600_000) })).toBe(30_000);
  });

  it('T40 is measured by our clock when the answer aged in a cache', () => {
    expect(wait(httpDate(NOW + 30_000), { date: httpDate(NOW - 3_600_000), age: '5' })).toBe(30_000);
  });

  it.each([
    '0',
    '0.0',
    '-5',
    '+5',
    '',
    'soon',
    'NaN',
    'Infinity',
    '1e3',
    '0x10',
    '5s',
    '5, 5',
    '9'.repeat(400),
    'Wed, 31 Dec 2025 23:59:59 GMT',
    'Thu, 01 Jan 2026 00:00:00 GMT',
    'Thu, 99 Jan 2026 00:00:30 GMT',
    // What Date.parse would take for a date.
    'in 2099',
    '2099-01-01T00:00:00Z',
    'Thu, 01 Jan 2026 00:00:30 +0100',
    'Thu, 01 Jan 2026 00:00:30',
    'Thu, 01 Jan 2026 00:00:30 GMT (at noon)',
    'Thu Jan  1 00:00:30 2026 (at noon)',
    5,
    undefined,
    null,
    ['5'],
  ])('T40 orders nothing when it is %p', (value) => {
    expect(wait(value)).toBeUndefined();
  });

  it('T40 T101 orders a wait above zero and up to an hour, or none, whatever it holds', () => {
    const odd = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.double().map(String),
      fc.date().map(String),
      fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(odd, odd, odd, odd, (retryAfter, date, age, reset) => {
        const headers = { 'retry-after': retryAfter, date, age, 'x-ratelimit-reset': reset };
        const found = orderedWaitMs(headers, NOW);
        expect(found === undefined || (found > 0 && found <= 3_600_000)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('T40 is read to its end, were it ten megabytes long', () => {
    unlessHanging(() => {
      for (const text of ['1', ' ', 'a', '1.', 'Thu, ', 'Aa']) {
        expect(wait(text.repeat(10_000_000 / text.length))).toBeUndefined();
      }
    });
  });
});

describe('x-ratelimit-reset', () => {
  it('is a unix timestamp, maybe with a fraction', () => {
    expect(resetMs(String(NOW_SECONDS + 30), NOW)).toBe(30_000);
    expect(resetMs(`${NOW_SECONDS + 30}.5`, NOW)).toBe(30_500);
  });

  it('T101 may be in milliseconds, and is an hour away at most', () => {
    expect(resetMs(String(NOW + 30_000), NOW)).toBe(30_000);
    expect(resetMs(String(NOW + 30_000.5), NOW)).toBe(30_000.5);
    expect(resetMs(String(NOW - 1), NOW)).toBeUndefined();
    for (const far of [NOW_SECONDS + 3601, NOW + 3_600_001, 4_000_000_000, 1e15]) {
      expect(resetMs(String(far), NOW)).toBe(3_600_000);
    }
  });

  it.each([String(NOW_SECONDS), String(NOW_SECONDS - 1), '30', '', 'x', '-1', '9'.repeat(400), undefined, 5])(
    'orders nothing when it is %p',
    (value) => {
      expect(resetMs(value, NOW)).toBeUndefined();
    },
  );
});

describe('The wait that a refusal orders', () => {
  const reset = { 'x-ratelimit-reset': String(NOW_SECONDS + 40) };

  it('is Retry-After, and failing that the end of the rate limit', () => {
    expect(orderedWaitMs({ 'retry-after': '5', ...reset }, NOW)).toBe(5000);
    expect(orderedWaitMs(reset, NOW)).toBe(40_000);
    expect(orderedWaitMs({ 'retry-after': 'soon', ...reset }, NOW)).toBe(40_000);
    expect(orderedWaitMs({}, NOW)).toBeUndefined();
  });

  it("measures the end of the rate limit by the server's clock", () => {
    expect(orderedWaitMs({ ...reset, date: httpDate(NOW + 30_000) }, NOW)).toBe(10_000);
  });
});

describe("The server's Date", () => {
  it.each([undefined, '0', 'x', '-1'])('is its clock when Age is %p', (age) => {
    expect(serverDateMs({ date: httpDate(NOW), age })).toBe(NOW);
  });

  it.each(['1', '3600', ' 5 ', '0.1'])('is of no use when the answer is as old as Age: %p', (age) => {
    expect(serverDateMs({ date: httpDate(NOW), age })).toBeUndefined();
  });

  it.each([
    '',
    'x',
    '5',
    '2026',
    '2026-01-01',
    'Thu, 01 Jan 2026',
    'Thu, 99 Jan 2026 00:00:00 GMT',
    `${httpDate(NOW)}, ${httpDate(NOW)}`,
    `x${httpDate(NOW)}`,
    NOW,
    undefined,
    [httpDate(NOW)],
  ])('is of no use when it is %p', (date) => {
    expect(serverDateMs({ date })).toBeUndefined();
  });
});

describe('The headers of a response', () => {
  it('are found in lower case, however an adapter of the application spells them', () => {
    expect(lowerCaseHeaders({ headers: { 'Retry-After': '1', DATE: 'x' } })).toEqual({
      'retry-after': '1',
      date: 'x',
    });
    expect(lowerCaseHeaders({})).toEqual({});
  });
});

function setting(): { clock: ManualClock; limit: RateLimitWindow; inSeconds: (seconds: number) => string } {
  const clock = new ManualClock();
  return {
    clock,
    limit: new RateLimitWindow(clock),
    inSeconds: (seconds) => String(clock.now() / 1000 + seconds),
  };
}

describe('The rate-limit window', () => {
  it('is not in force before the server names one', () => {
    const { limit } = setting();
    expect(limit).toMatchObject({ room: Infinity, resetInMs: 0 });
  });

  it('leaves room for as many requests as remain, until its reset', async () => {
    const { clock, limit, inSeconds } = setting();
    limit.observe({ 'x-ratelimit-remaining': '3', 'x-ratelimit-reset': inSeconds(20.5) });
    expect(limit).toMatchObject({ room: 3, resetInMs: 20_500 });
    await clock.advance(20_499);
    expect(limit).toMatchObject({ room: 3, resetInMs: 1 });
    await clock.advance(1);
    expect(limit).toMatchObject({ room: Infinity, resetInMs: 0 });
  });

  it('is what the latest answer says', () => {
    const { limit, inSeconds } = setting();
    limit.observe({ 'x-ratelimit-remaining': '3', 'x-ratelimit-reset': inSeconds(20) });
    limit.observe({ 'x-ratelimit-remaining': '2', 'x-ratelimit-reset': inSeconds(10) });
    expect(limit).toMatchObject({ room: 2, resetInMs: 10_000 });
  });

  it('reads the moment of the reset by the clock of the server that named it', () => {
    const { clock, limit } = setting();
    const serverNow = clock.now() - 3_600_000;
    limit.observe({
      date: new Date(serverNow).toUTCString(),
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': String(serverNow / 1000 + 7),
    });
    expect(limit).toMatchObject({ room: 0, resetInMs: 7000 });
  });

  it('T101 is understood where its reset is in milliseconds', () => {
    const { clock, limit } = setting();
    limit.observe({ 'x-ratelimit-remaining': '3', 'x-ratelimit-reset': String(clock.now() + 7000) });
    expect(limit).toMatchObject({ room: 3, resetInMs: 7000 });
  });

  it('lasts a minute at most', () => {
    const { limit, inSeconds } = setting();
    limit.observe({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': inSeconds(86_400) });
    expect(limit.resetInMs).toBe(60_000);
  });

  it.each<[string, Record<string, unknown>]>([
    ['a reset that is past', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1' }],
    ['a reset that is unreadable', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': 'soon' }],
    ['no reset', { 'x-ratelimit-remaining': '0' }],
    ['nothing', {}],
  ])('is not changed by %s', (_, headers) => {
    const { limit } = setting();
    limit.observe(headers);
    expect(limit.room).toBe(Infinity);
  });

  it.each(['', ' ', '-1', '1.5', 'none', 'Infinity', '1e3', undefined, ['0']])(
    'is not changed by %j as what remains',
    (remaining) => {
      const { limit, inSeconds } = setting();
      limit.observe({ 'x-ratelimit-remaining': remaining, 'x-ratelimit-reset': inSeconds(10) });
      expect(limit).toMatchObject({ room: Infinity, resetInMs: 0 });
    },
  );

  it('is never NaN, negative or longer than a minute, whatever the headers hold', () => {
    const header = fc.oneof(
      fc.string(),
      fc.double().map(String),
      fc.integer().map(String),
      fc.constant(undefined),
    );
    fc.assert(
      fc.property(header, header, header, header, (remaining, reset, date, age) => {
        const { limit } = setting();
        limit.observe({ 'x-ratelimit-remaining': remaining, 'x-ratelimit-reset': reset, date, age });
        return limit.room >= 0 && limit.resetInMs >= 0 && limit.resetInMs <= 60_000;
      }),
    );
  });
});
