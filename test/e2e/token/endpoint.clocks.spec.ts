import { ManualClock, type AssetSandboxOptions } from 'nestjs-asset-auth/testing';
import { startApplication } from '../../support/application.js';

const HOUR = 3_600_000;
/** The stale window is 25 to 30 % of the hour. */
const NOT_YET = 0.7 * HOUR - 5000;
const BY_NOW = 0.75 * HOUR + 5000;

/** An application whose clock differs from the sandbox's. Time passes for both alike. */
async function withClockOff(offsetMs: number, sandboxOptions: AssetSandboxOptions) {
  const theirs = new ManualClock();
  const clock = new ManualClock(theirs.now() + offsetMs);
  const { expiresIn, jwtClaims } = sandboxOptions;
  const parts = await startApplication({
    clock,
    sandboxOptions: { tokenLifetimeSeconds: 3600, ...sandboxOptions, clock: theirs },
    // What was asked for counts only where nothing says what was granted.
    options: { tokenTtlSeconds: expiresIn === 'absent' && jwtClaims !== 'full' ? 3600 : 86_400 },
  });
  const pass = async (ms: number): Promise<void> => {
    await theirs.advance(ms);
    await clock.advance(ms);
  };
  return { ...parts, theirs, pass };
}

/** Everything that says when a token expires, each with and without the claims that repeat it. */
const shapes = (['timestamp', 'seconds', 'string', 'absent'] as const).flatMap((expiresIn) =>
  [{ tokenFormat: 'opaque' }, { jwtClaims: 'documented' }, { jwtClaims: 'full' }].map(
    (rest) => ({ expiresIn, ...rest }) as AssetSandboxOptions,
  ),
);
const offsets = { 'an hour ahead': HOUR, 'an hour behind': -HOUR, right: 0, 'a few seconds ahead': 3500 };
const cases = Object.entries(offsets).flatMap(([name, offset]) =>
  shapes.map((shape) => [name, shape, offset] as const),
);

describe('The next token is asked for at the right moment', () => {
  it.each(cases)('T22 T23 T27 when our clock is %s, and the answer %j', async (_name, shape, offset) => {
    const { tokens, sandbox, clock, pass } = await withClockOff(offset, shape);
    const first = await tokens.getAccessToken();
    const life = first.expiresAt.getTime() - first.issuedAt.getTime();
    expect(first.issuedAt.getTime()).toBe(clock.now());
    expect(life).toBeGreaterThan(HOUR - 2000);
    expect(life).toBeLessThanOrEqual(HOUR);

    // Whatever is asked for within a step is recorded at the end of it.
    await tokens.getAccessToken();
    await pass(NOT_YET);
    await expect(tokens.getAccessToken()).resolves.toBe(first);
    await pass(BY_NOW - NOT_YET);
    await sandbox.waitForRequest('token', { count: 2, until: 'answered' });
    const [one, two, ...others] = sandbox.tokenRequests;
    expect(two!.at - one!.at).toBe(BY_NOW);
    expect(others).toEqual([]);
  });

  it.each(cases.filter(([, { jwtClaims }]) => jwtClaims === 'full'))(
    'T27 when our clock is %s, the answer %j and there is no Date, by the claims of the token',
    async (_name, shape, offset) => {
      const { tokens } = await withClockOff(offset, { ...shape, date: 'off' });
      const token = await tokens.getAccessToken();
      const life = token.expiresAt.getTime() - token.issuedAt.getTime();
      expect(life).toBeGreaterThan(HOUR - 2000);
      expect(life).toBeLessThanOrEqual(HOUR);
    },
  );

  it.each([0.3, 17, 400, 999])(
    'T27 when our clock is an hour off and %d ms into the second: no expired token is handed out',
    async (fraction) => {
      for (const offset of [HOUR, -HOUR]) {
        const { tokens, theirs, pass } = await withClockOff(offset + fraction, { expiresIn: 'timestamp' });
        await pass(fraction);
        const token = await tokens.getAccessToken();
        const theirEnd = Math.ceil(theirs.now() / 1000) * 1000 + HOUR;
        expect(token.expiresAt.getTime() - offset - fraction).toBeLessThanOrEqual(theirEnd);
      }
    },
  );

  it('T29 when it lives for thirty days, a year, or ten years: no timer overflows, no token is asked for too early', async () => {
    const DAY = 86_400_000;
    for (const days of [30, 365, 3650]) {
      const { tokens, sandbox, clock } = await startApplication({
        options: { tokenTtlSeconds: days * 86_400 },
      });
      const token = await tokens.getAccessToken();
      expect(token.expiresAt.getTime() - clock.now()).toBeGreaterThan((days - 1) * DAY);
      await clock.advance(days * DAY * 0.69);
      await expect(tokens.getAccessToken()).resolves.toBe(token);
      expect(sandbox.tokenRequests).toHaveLength(1);
    }
  });
});
