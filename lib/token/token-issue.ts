import type { AssetAuthConfig } from '../config/asset-auth.config.js';
import { AccessToken } from './access-token.js';
import type { AccessTokenRequest } from './request/access-token-request.js';
import type { AssetClock } from '../config/clock.js';
import { grantDifference } from './endpoint/granted-scopes.js';
import { failure } from './endpoint/token-answer.js';
import type { TokenEntry } from './token-entry.js';
import type { TokenOutcome } from './endpoint/token-failure.js';
import type { FetchedToken } from './endpoint/token-fetcher.js';
import { earlierEnd, remainingMs, type TokenLife } from './token-life.js';
import { lifetimeMs, staleWindowMs } from './token-lifetime.js';
import type { TokenJournal } from './token.journal.js';

/** What a fetched token is judged against. */
export interface IssueContext {
  readonly request: AccessTokenRequest;
  readonly entry: TokenEntry;
  readonly config: AssetAuthConfig;
  readonly clock: AssetClock;
  readonly random: () => number;
  readonly journal: TokenJournal;
}

const SHORTEST_REST_MS = 1000;

/** Works out the life of a fetched token, compares it with what was asked and with what is held, and keeps it. */
export function issueToken(fetched: FetchedToken, context: IssueContext): TokenOutcome<AccessToken> {
  const { request, entry, config, clock, journal } = context;
  const { value, claims } = fetched.granted;
  const difference = grantDifference(request, claims);
  if (difference !== undefined) {
    if (config.grantedScopes === 'error')
      return refuse(context, 'ASSET_GRANT_MISMATCH', grantMismatch(difference));
    journal.grantDiffers(request, difference);
  }
  const life = lifeOf(fetched, context);
  if (life === undefined) return refuse(context, 'ASSET_TOKEN_MALFORMED', ARRIVED_DEAD);

  const sameAgain = entry.token?.value === value ? entry.life : undefined;
  const known = sameAgain === undefined ? life : earlierEnd(sameAgain, life, clock);
  const left = remainingMs(known, clock);
  if (left <= 0) return refuse(context, 'ASSET_TOKEN_MALFORMED', ARRIVED_DEAD);
  const token = new AccessToken(value, request, known);
  entry.hold(token, known);
  if (sameAgain !== undefined) {
    // Asking again at once would bring the same token once more (google-auth-library-python#581).
    entry.sameTokenUntil = clock.monotonic() + Math.max(SHORTEST_REST_MS, left / 2);
    entry.quietUntil = entry.sameTokenUntil;
  }
  return { token };
}

function lifeOf(
  { granted, reply }: FetchedToken,
  { config, clock, random }: IssueContext,
): TokenLife | undefined {
  const lifeMs = lifetimeMs({
    sentAt: reply.sent.wall,
    receivedAt: reply.receivedAt,
    serverDate: granted.serverDate,
    expiresIn: granted.expiresIn,
    claims: granted.claims,
    tokenTtlSeconds: config.tokenTtlSeconds,
  });
  if (lifeMs === undefined) return undefined;
  const requestMs = clock.monotonic() - reply.sent.monotonic;
  const { refreshAheadRatio } = config;
  const windowMs = staleWindowMs({ lifeMs, refreshAheadRatio, jitter: random(), requestMs });
  return { sent: reply.sent, lifeMs, windowMs };
}

const ARRIVED_DEAD =
  "the endpoint handed out a token that has already expired. Check this machine's clock, and whether a gateway caches token answers.";

const grantMismatch = (difference: string): string =>
  `the endpoint granted something else: ${difference}. Grant the OAuth client what it asks for in Asset's Dashboard, or set grantedScopes: 'warn'.`;

const refuse = (
  { request, config }: IssueContext,
  code: 'ASSET_GRANT_MISMATCH' | 'ASSET_TOKEN_MALFORMED',
  what: string,
): TokenOutcome<never> => ({
  failure: failure({ request, environment: config.environment }, code, {
    what,
    retryable: code === 'ASSET_TOKEN_MALFORMED',
    endpointIsWell: code === 'ASSET_GRANT_MISMATCH',
  }),
});
