import { ManualClock } from 'nestjs-asset-auth/testing';
import { firstValueFrom } from 'rxjs';
import { startApplication } from '../../support/application.js';
import { startSandbox } from '../../support/sandbox.js';

const HOUR = 3_600_000;

describe('T136 the same token after the clock was set forward', () => {
  it.each([
    ['timestamp', 'jwt', 'on'],
    ['timestamp', 'jwt', 'off'],
    ['timestamp', 'opaque', 'on'],
    ['seconds', 'jwt', 'on'],
    ['seconds', 'opaque', 'off'],
    ['absent', 'jwt', 'off'],
    ['absent', 'opaque', 'on'],
  ] as const)('is good for what is left of it: %s %s, Date %s', async (expiresIn, tokenFormat, date) => {
    const clock = new ManualClock();
    // The endpoint has a clock of its own, which nobody sets.
    const sandbox = await startSandbox({
      clock: new ManualClock(),
      stickyTokens: true,
      expiresIn,
      tokenFormat,
      date,
    });
    const { tokens, asset } = await startApplication({ clock, sandbox });
    const first = await tokens.getAccessToken();
    for (const hours of [1, 2, 30, 24 * 400]) {
      clock.jumpWallClock(hours * HOUR);
      const again = await tokens.getAccessToken();
      expect(again.value).toBe(first.value);
      expect(again.expiresAt.getTime() - clock.now()).toBeGreaterThan(0);
      expect(again.expiresAt.getTime() - clock.now()).toBeLessThanOrEqual(HOUR);
      expect((await firstValueFrom(asset.get('/v0/echo'))).status).toBe(200);
    }
    expect(sandbox.tokenRequests).toHaveLength(5);
  });

  it('still ends when it ended before, by the clock that nobody sets', async () => {
    const clock = new ManualClock();
    const sandbox = await startSandbox({
      clock: new ManualClock(),
      tokenFormat: 'opaque',
      expiresIn: 'seconds',
    });
    const { tokens } = await startApplication({ clock, sandbox });
    const { value } = await tokens.getAccessToken();
    sandbox.fail('token', { fields: { access_token: value } }, Infinity);
    await clock.advance(HOUR / 2);
    clock.jumpWallClock(2 * HOUR);
    const again = await tokens.getAccessToken();
    expect(again.value).toBe(value);
    expect(again.expiresAt.getTime() - clock.now()).toBe(HOUR / 2);
  });

  it('is no malformed answer either when the clock was set a little, and the token is used all the time', async () => {
    const clock = new ManualClock();
    const itsClock = new ManualClock();
    const sandbox = await startSandbox({ clock: itsClock, stickyTokens: true, expiresIn: 'seconds' });
    const { tokens, asset } = await startApplication({ clock, sandbox });
    await tokens.getAccessToken();
    clock.jumpWallClock(0.8 * HOUR);
    for (let minute = 0; minute < 120; minute += 1) {
      expect((await firstValueFrom(asset.get('/v0/echo'))).status).toBe(200);
      await tokens.getAccessToken({}, { forceRefresh: minute % 7 === 0 });
      await Promise.all([clock.advance(60_000), itsClock.advance(60_000)]);
    }
  });
});
