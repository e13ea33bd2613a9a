import fc from 'fast-check';
import { ManualClock } from 'nestjs-asset-auth/testing';
import { RateLimitWindow } from '../../../../lib/retry/rate-limit.js';

function setting(): { clock: ManualClock; limit: RateLimitWindow; inSeconds: (seconds: number) => string } {
  const clock = new ManualClock();
  return {
    clock,
    limit: new RateLimitWindow(clock),
    inSeconds: (seconds) => String(clock.now() / 1000 + seconds),
  };
}

describe('the rate limit of token requests', () => {
  it('is not in force before the server names one', () => {
    const { limit } = setting();
    expect(limit).toMatchObject({ room: Infinity, resetInMs: 0 });
  });

  it('leaves as much room as remains, until it is reset', async () => {
    const { clock, limit, inSeconds } = setting();
    limit.observe({ 'x-ratelimit-remaining': '3', 'x-ratelimit-reset': inSeconds(20.5) });
    expect(limit).toMatchObject({ room: 3, resetInMs: 20_500 });
    await clock.advance(20_499);
    expect(limit).toMatchObject({ room: 3, resetInMs: 1 });
    await clock.advance(1);
    expect(limit).toMatchObject({ room: Infinity, resetInMs: 0 });
  });

  it('is as the latest answer says', () => {
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

  it('is believed for a minute at most', () => {
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
