import { Logger } from '@nestjs/common';
import { expectNoSecrets, ManualClock } from 'nestjs-asset-auth/testing';
import type { AssetAuthOptions } from '../../../lib/config/asset-auth.options.js';
import { instantOf } from '../../../lib/config/clock.js';
import type { AccessToken } from '../../../lib/token/access-token.js';
import type { TokenOutcome } from '../../../lib/token/endpoint/token.errors.js';
import { readTokenAnswer } from '../../../lib/token/endpoint/token-response.js';
import { TokenEntry } from '../../../lib/token/cache-entry.js';
import { issueToken } from '../../../lib/token/token-refresher.js';
import { TokenJournal } from '../../../lib/token/token.events.js';
import {
  configOf,
  failureOf,
  httpDate,
  jwt,
  requestFor,
  tokenOf,
} from './endpoint/token-endpoint.fixture.js';

const SCOPES = ['ledger:read', 'report:read'];
const HOUR = 3_600_000;

/** One key of one client, to which answers come. */
function keyOf(options: Partial<AssetAuthOptions> = {}) {
  const clock = new ManualClock();
  const config = configOf(options);
  const request = requestFor({ scopes: SCOPES, businessId: 'biz_1' });
  const entry = new TokenEntry(request);
  const journal = new TokenJournal();
  const answer = async (
    body: object,
    { tookMs = 0, jitter = 0 } = {},
  ): Promise<TokenOutcome<AccessToken>> => {
    const sent = instantOf(clock);
    await clock.advance(tookMs);
    const headers = { date: httpDate(clock.now()) };
    const reply = { status: 200, headers, body: JSON.stringify(body), sent, receivedAt: clock.now() };
    const { environment, tokenUrl } = config;
    const granted = tokenOf(readTokenAnswer(reply, { request, environment, tokenUrl, secrets: [] }));
    return issueToken({ granted, reply }, { request, entry, config, clock, random: () => jitter, journal });
  };
  return { clock, entry, request, answer };
}

/** What is logged at all levels from here on. */
function logged(): string[] {
  const lines: string[] = [];
  const note = (line: unknown): void => void lines.push(String(line));
  Logger.overrideLogger({ log: note, warn: note, error: note, debug: note, verbose: note, fatal: note });
  return lines;
}

afterEach(() => {
  Logger.overrideLogger(false);
});
beforeEach(() => {
  Logger.overrideLogger(false);
});

describe('A token that arrives', () => {
  it('is kept, with its life counted from when its request was sent', async () => {
    const { clock, entry, answer } = keyOf();
    const sentAt = clock.now();
    const token = tokenOf(await answer({ access_token: 'one', expires_in: 3600 }, { tookMs: 20_000 }));
    expect(entry.token).toBe(token);
    expect(token.issuedAt.getTime()).toBe(sentAt);
    expect(token.expiresAt.getTime()).toBe(sentAt + HOUR);
    expect(token.refreshAt.getTime()).toBe(sentAt + HOUR * 0.75);
    expect(entry.state(clock)).toBe('fresh');
  });

  it('T28 lives until the moment that its answer names, however long that took to come', async () => {
    const { clock, answer } = keyOf();
    const end = clock.now() + HOUR;
    const named = { access_token: 'one', expires_in: end / 1000 };
    expect(tokenOf(await answer(named, { tookMs: 20_000 })).expiresAt.getTime()).toBe(end);
  });

  it('T22 lives until the moment that it names itself, when its answer names none', async () => {
    const { clock, answer } = keyOf();
    const end = clock.now() + 2 * HOUR;
    const token = tokenOf(await answer({ access_token: jwt({ exp: end / 1000 }) }));
    expect(token.expiresAt.getTime()).toBe(end);
  });

  it('T24 is refreshed early enough for two more requests as slow as its own', async () => {
    const { answer } = keyOf();
    const token = tokenOf(await answer({ access_token: 'one', expires_in: 1 }, { tookMs: 200 }));
    expect(token.expiresAt.getTime() - token.refreshAt.getTime()).toBe(400);
  });

  it('T10 has one refresh point, rolled when it arrived', async () => {
    const { answer } = keyOf();
    const token = tokenOf(await answer({ access_token: 'one', expires_in: 3600 }, { jitter: 0.5 }));
    expect(token.expiresAt.getTime() - token.refreshAt.getTime()).toBeCloseTo(990_000);
    expect(token.refreshAt).toEqual(token.refreshAt);
  });

  it('T22 lives as long as was asked when nothing says how long', async () => {
    const { clock, answer } = keyOf({ tokenTtlSeconds: 900 });
    const token = tokenOf(await answer({ access_token: 'opaque' }));
    expect(token.expiresAt.getTime()).toBe(clock.now() + 900_000);
  });

  it.each([{ expires_in: 0 }, { expires_in: -5 }, { expires_in: 1_600_000_000 }])(
    'T23 is a malformed answer when it is dead already: %p',
    async (fields) => {
      const { entry, answer } = keyOf();
      const { error, endpointIsWell, blame } = failureOf(
        await answer({ access_token: 'dead-token', ...fields }),
      );
      expect(error).toMatchObject({ code: 'ASSET_TOKEN_MALFORMED', retryable: true });
      expect({ endpointIsWell, blame }).toEqual({ endpointIsWell: false, blame: 'key' });
      expect(entry.token).toBeUndefined();
      expectNoSecrets(error, 'dead-token');
    },
  );

  it('T28 is a malformed answer when it took longer to arrive than it lives', async () => {
    const { entry, answer } = keyOf();
    const late = failureOf(await answer({ access_token: 'late-token', expires_in: 10 }, { tookMs: 10_000 }));
    expect(late.error.code).toBe('ASSET_TOKEN_MALFORMED');
    expect(entry.token).toBeUndefined();
  });

  it('does not take the place of the one that is held when it is dead', async () => {
    const { entry, answer } = keyOf();
    const held = tokenOf(await answer({ access_token: 'one', expires_in: 3600 }));
    failureOf(await answer({ access_token: 'two', expires_in: 0 }));
    expect(entry.token).toBe(held);
  });
});

describe('The same token handed out again', () => {
  it('T25 keeps its end and is not asked for again before half of what is left has gone', async () => {
    const { clock, entry, answer } = keyOf();
    const first = tokenOf(await answer({ access_token: 'sticky', expires_in: 3600 }));
    await clock.advance(HOUR * 0.8);
    const again = tokenOf(await answer({ access_token: 'sticky', expires_in: 3600 }));
    expect(again.expiresAt).toEqual(first.expiresAt);
    expect(entry.remaining(clock)).toBe(HOUR * 0.2);
    expect(entry.sameTokenUntil - clock.monotonic()).toBe(HOUR * 0.1);
    expect(entry.quietUntil).toBe(entry.sameTokenUntil);
  });

  it('T25 is not asked for again within a second, however little is left', async () => {
    const { clock, entry, answer } = keyOf();
    await answer({ access_token: 'sticky', expires_in: 3600 });
    await clock.advance(HOUR - 500);
    await answer({ access_token: 'sticky', expires_in: 3600 });
    expect(entry.sameTokenUntil - clock.monotonic()).toBe(1000);
  });

  it('T25 takes an earlier end at its word', async () => {
    const { clock, answer } = keyOf();
    await answer({ access_token: 'sticky', expires_in: 3600 });
    const again = tokenOf(await answer({ access_token: 'sticky', expires_in: 60 }));
    expect(again.expiresAt.getTime()).toBe(clock.now() + 60_000);
  });

  it('T25 is refused once it is expired: it would be rejected', async () => {
    const { clock, answer } = keyOf();
    await answer({ access_token: 'sticky', expires_in: 3600 });
    await clock.advance(HOUR);
    const { error } = failureOf(await answer({ access_token: 'sticky', expires_in: 3600 }));
    expect(error.code).toBe('ASSET_TOKEN_MALFORMED');
  });

  it('makes way for another one at once', async () => {
    const { clock, entry, answer } = keyOf();
    await answer({ access_token: 'sticky', expires_in: 3600 });
    await answer({ access_token: 'sticky', expires_in: 3600 });
    const other = tokenOf(await answer({ access_token: 'another', expires_in: 3600 }));
    expect(other.expiresAt.getTime()).toBe(clock.now() + HOUR);
    expect(entry.sameTokenUntil).toBe(0);
  });
});

describe('A token that grants something else than was asked for', () => {
  const narrower = jwt({ scope: 'ledger:read', business_id: 'biz_1' });
  const exact = jwt({ scope: 'report:read ledger:read', business_id: 'biz_1' });

  it('T18 is refused and not kept, where the option says so', async () => {
    const { entry, answer } = keyOf({ grantedScopes: 'error' });
    const { error, endpointIsWell, blame } = failureOf(
      await answer({ access_token: narrower, expires_in: 3600 }),
    );
    expect(error).toMatchObject({ code: 'ASSET_GRANT_MISMATCH', retryable: false });
    expect(error.message).toContain('without report:read');
    expect({ endpointIsWell, blame }).toEqual({ endpointIsWell: true, blame: 'key' });
    expect(entry.token).toBeUndefined();
    expectNoSecrets(error, narrower);
  });

  it('T18 is kept with a warning otherwise, which is given once', async () => {
    const lines = logged();
    const { entry, answer } = keyOf();
    await answer({ access_token: narrower, expires_in: 3600 });
    await answer({ access_token: narrower, expires_in: 3600 });
    expect(entry.token?.value).toBe(narrower);
    expect(lines).toEqual([expect.stringContaining('without report:read')]);
    expectNoSecrets(lines, narrower);
  });

  it('T18 is no other when it grants exactly what was asked for', async () => {
    const lines = logged();
    const { entry, answer } = keyOf({ grantedScopes: 'error' });
    await answer({ access_token: exact, expires_in: 3600 });
    expect(entry.token?.value).toBe(exact);
    expect(lines).toEqual([]);
  });
});
