import fc from 'fast-check';
import { lifetimeMs, type LifetimeEvidence } from '../../../../lib/token/endpoint/token-lifetime.js';
import { unlessHanging } from '../../../support/unless-hanging.js';

const NOW = Date.UTC(2026, 0, 1);
const SECOND = NOW / 1000;
const HOUR = 3_600_000;
const TEN_YEARS = 315_360_000_000;

/** The life of a token that was asked for with 1800 s and arrived at once, unless said otherwise. */
const life = (evidence: Partial<LifetimeEvidence>): number | undefined =>
  lifetimeMs({
    sentAt: NOW,
    receivedAt: NOW,
    serverDate: NOW,
    expiresIn: undefined,
    claims: {},
    tokenTtlSeconds: 1800,
    ...evidence,
  });

describe('The life of a token', () => {
  it('T23 is what expires_in says in seconds, as a number or as text', () => {
    expect(life({ expiresIn: 3600 })).toBe(HOUR);
    expect(life({ expiresIn: '3600' })).toBe(HOUR);
    expect(life({ expiresIn: ' 3600 ' })).toBe(HOUR);
    expect(life({ expiresIn: 0.5 })).toBe(500);
    expect(life({ expiresIn: '90.25' })).toBe(90_250);
    expect(life({ expiresIn: 1 })).toBe(1000);
  });

  it('T23 lasts until the moment that expires_in names, as a number or as text', () => {
    expect(life({ expiresIn: SECOND + 3600 })).toBe(HOUR);
    expect(life({ expiresIn: String(SECOND + 3600) })).toBe(HOUR);
  });

  it('T23 takes expires_in for a moment from a thousand million on, and for seconds below', () => {
    const sentAt = 1_000_000_000_000 - HOUR;
    const past = { sentAt, receivedAt: sentAt, serverDate: sentAt };
    expect(life({ ...past, expiresIn: 1_000_000_000 })).toBe(HOUR);
    expect(life({ ...past, expiresIn: 999_999_999 })).toBe(TEN_YEARS);
  });

  it('T22 is what was asked for when neither expires_in nor the token itself says anything', () => {
    expect(life({})).toBe(1_800_000);
  });

  it.each([
    null,
    '',
    '  ',
    'abc',
    '0x10',
    '1e3',
    '3600s',
    'NaN',
    'Infinity',
    Number.NaN,
    Number.POSITIVE_INFINITY,
    1e12,
    '1e12',
    4_102_444_801,
    true,
    [3600],
    { seconds: 3600 },
  ])('T23 is what was asked for when expires_in is %p', (expiresIn) => {
    expect(life({ expiresIn })).toBe(1_800_000);
  });

  it('T23 takes 4102444800, the year 2100, for a moment still', () => {
    expect(life({ expiresIn: 4_102_444_800 })).toBe(TEN_YEARS);
    const sentAt = 4_102_444_800_000 - HOUR;
    expect(life({ expiresIn: 4_102_444_800, sentAt, receivedAt: sentAt, serverDate: sentAt })).toBe(HOUR);
  });

  it.each([0, -1, '0', '-3600', -1e12, -0, Number.NEGATIVE_INFINITY, SECOND, SECOND - 1, 1_000_000_000])(
    'T23 has not begun when expires_in is %p',
    (expiresIn) => {
      expect(life({ expiresIn })).toBeUndefined();
    },
  );

  it('ends with the earlier of expires_in and the claim exp', () => {
    expect(life({ expiresIn: 3600, claims: { exp: SECOND + 60 } })).toBe(60_000);
    expect(life({ expiresIn: 60, claims: { exp: SECOND + 3600 } })).toBe(60_000);
    expect(life({ expiresIn: SECOND + 60, claims: { exp: SECOND + 3600 } })).toBe(60_000);
  });

  it('T22 is read from the claim exp when there is no expires_in, whatever was asked for', () => {
    expect(life({ claims: { exp: SECOND + 7200 } })).toBe(2 * HOUR);
  });

  it('has not begun when the claim exp is past, whatever expires_in says', () => {
    expect(life({ expiresIn: 3600, claims: { exp: SECOND - 1 } })).toBeUndefined();
  });

  it('T29 is ten years at most', () => {
    expect(life({ expiresIn: 365 * 86_400 })).toBe(365 * 86_400_000);
    expect(life({ expiresIn: 315_360_000 })).toBe(TEN_YEARS);
    expect(life({ expiresIn: 315_360_001 })).toBe(TEN_YEARS);
  });

  it('T28 counts from when the request was sent: an answer that took 20 s does not extend it', () => {
    const slow = { receivedAt: NOW + 20_000, serverDate: NOW + 20_000 };
    expect(life({ ...slow, expiresIn: 3600 })).toBe(HOUR);
    expect(life({ ...slow, expiresIn: SECOND + 3600 })).toBe(HOUR);
  });
});

describe('The life of a token whose server has another clock', () => {
  it.each([
    ['an hour ahead of ours', HOUR],
    ['an hour behind ours', -HOUR],
    ['two seconds ahead of ours', 2000],
    ['two seconds behind ours', -2000],
    ['twenty years behind ours', -20 * 365 * 24 * HOUR],
  ])('T27 comes out right when it is %s', (_name, offset) => {
    const serverDate = NOW + offset;
    const second = serverDate / 1000;
    // `Date` is cut to the second, so the server may be up to a second further.
    expect(life({ serverDate, expiresIn: second + 3600 })).toBe(HOUR - 1000);
    expect(life({ serverDate, claims: { exp: second + 3600 } })).toBe(HOUR - 1000);
    expect(life({ serverDate, expiresIn: 3600 })).toBe(HOUR);
  });

  it('is not corrected when the clocks may agree, within the second that Date cuts off', () => {
    const expiresIn = SECOND + 3600;
    expect(life({ serverDate: NOW - 1000, expiresIn })).toBe(HOUR);
    expect(life({ serverDate: NOW - 1001, expiresIn })).toBe(HOUR + 1);
    expect(life({ serverDate: NOW, expiresIn })).toBe(HOUR);
    expect(life({ serverDate: NOW + 1, expiresIn })).toBe(HOUR - 1001);
  });

  it('is not corrected when the clocks may agree, within the time that the answer took', () => {
    const expiresIn = SECOND + 3600;
    const receivedAt = NOW + 10_000;
    expect(life({ receivedAt, serverDate: NOW + 10_000, expiresIn })).toBe(HOUR);
    expect(life({ receivedAt, serverDate: NOW - 1000, expiresIn })).toBe(HOUR);
  });

  it('takes the bound that lets the token expire earlier', () => {
    // The server is 5 to 16 s ahead.
    const evidence = { receivedAt: NOW + 10_000, serverDate: NOW + 15_000, expiresIn: SECOND + 3600 };
    expect(life(evidence)).toBe(HOUR - 16_000);
  });

  it('never outlasts the true moment of expiry, however the clocks differ and however long the answer takes', () => {
    const ms = fc.integer({ min: 0, max: 60_000 });
    const offsets = fc.integer({ min: -10 * 365 * 24 * HOUR, max: 10 * 365 * 24 * HOUR });
    fc.assert(
      fc.property(offsets, ms, ms, (offset, there, back) => {
        const serverTime = NOW + there + offset;
        const expiresIn = Math.floor(serverTime / 1000) + 3600;
        const trueEnd = expiresIn * 1000 - offset - NOW;
        const found = life({
          receivedAt: NOW + there + back,
          serverDate: Math.floor(serverTime / 1000) * 1000,
          expiresIn,
        })!;
        // Without correction the error is what the clocks differ by, which then is within the time of the exchange.
        const tolerance = Math.abs(offset) <= there + back + 1000 ? Math.abs(offset) : 0;
        expect(found).toBeLessThanOrEqual(trueEnd + tolerance);
        expect(found).toBeGreaterThanOrEqual(trueEnd - (there + back + 1000));
      }),
    );
  });
});

describe('The life of a token whose answer has no usable Date', () => {
  const hourAhead = { serverDate: undefined, sentAt: NOW + HOUR, receivedAt: NOW + HOUR };
  const hourBehind = { serverDate: undefined, sentAt: NOW - HOUR, receivedAt: NOW - HOUR };

  it.each([
    ['ahead', hourAhead],
    ['behind', hourBehind],
  ])("T27 is measured by the token's own exp and iat, when our clock is an hour %s", (_name, clock) => {
    const claims = { iat: SECOND, exp: SECOND + 3600 };
    expect(life({ ...clock, claims })).toBe(HOUR);
    expect(life({ ...clock, claims, expiresIn: SECOND + 1200 })).toBe(1_200_000);
    expect(life({ ...clock, claims, expiresIn: SECOND + 7200 })).toBe(HOUR);
  });

  it('is measured by our clock when the token names no iat', () => {
    expect(life({ serverDate: undefined, expiresIn: SECOND + 1200 })).toBe(1_200_000);
    expect(life({ serverDate: undefined, claims: { exp: SECOND + 1200 } })).toBe(1_200_000);
    const receivedAt = NOW + 20_000;
    expect(life({ serverDate: undefined, receivedAt, expiresIn: SECOND + 1200 })).toBe(1_200_000);
    expect(life({ serverDate: undefined, expiresIn: SECOND + 1200, claims: { iat: SECOND - 50 } })).toBe(
      1_200_000,
    );
  });

  it('is what was asked for when our clock finds the moment past', () => {
    expect(life({ ...hourAhead, expiresIn: SECOND + 3600 })).toBe(1_800_000);
    expect(life({ ...hourAhead, expiresIn: SECOND + 3599 })).toBe(1_800_000);
    expect(life({ ...hourAhead, claims: { exp: SECOND + 3600 } })).toBe(1_800_000);
  });
});

describe('Whatever a server says', () => {
  const odd = fc.oneof(
    fc.jsonValue(),
    fc.double(),
    fc.double().map(String),
    fc.string({ unit: 'binary' }),
    fc.integer({ min: -10, max: 5_000_000_000 }),
    fc.constantFrom('__proto__', '\0', '\uD800', '0x10', '1e3', '-0', '٣٦٠٠', '3600\n'),
  );
  const time = fc.option(fc.oneof(fc.double({ noNaN: true, max: 4_102_444_800 }), fc.integer()), {
    nil: undefined,
  });
  const date = fc.option(fc.integer({ min: -8.64e15, max: 8.64e15 }), { nil: undefined });

  it('T23 a life is above zero and up to ten years, or there is none', () => {
    fc.assert(
      fc.property(odd, time, time, date, (expiresIn, exp, iat, serverDate) => {
        const claims = { ...(exp !== undefined && { exp }), ...(iat !== undefined && { iat }) };
        const found = life({ expiresIn, claims, serverDate });
        expect(found === undefined || (found > 0 && found <= TEN_YEARS)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('is not held up by text of ten megabytes', () => {
    unlessHanging(() => {
      for (const text of ['9', ' ', 'x', '-', '1e']) {
        expect(life({ expiresIn: text.repeat(10_000_000 / text.length) })).toBe(1_800_000);
      }
    });
  });
});
