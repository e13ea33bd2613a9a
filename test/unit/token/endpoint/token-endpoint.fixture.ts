import type { AssetAuthOptions } from '../../../../lib/config/asset-auth.options.js';
import { AssetAuthConfig } from '../../../../lib/config/asset-auth.config.js';
import type { TokenReply } from '../../../../lib/token/endpoint/token-endpoint.client.js';
import type { TokenFailure, TokenOutcome } from '../../../../lib/token/endpoint/token.errors.js';
import { AccessTokenRequest, type AccessTokenGrant } from '../../../../lib/token/token-request.js';

/** Needs escaping in every notation that there is. */
export const SECRET = 'c3cr3t/ü "+&=%\\~hunter2';
export const NOW = Date.UTC(2026, 0, 1);
export const NOW_SECONDS = NOW / 1000;

export const httpDate = (ms: number): string => new Date(ms).toUTCString();

export const configOf = (options: Partial<AssetAuthOptions> = {}): AssetAuthConfig =>
  new AssetAuthConfig({
    environment: 'sandbox',
    clientId: 'platform',
    clientSecret: SECRET,
    undeclaredScopes: 'allow',
    ...options,
  });

export const requestFor = (grant: Partial<AccessTokenGrant> = {}): AccessTokenRequest =>
  new AccessTokenRequest(
    { clientId: 'platform', tokenTtlSeconds: 3600 },
    { scopes: undefined, businessId: undefined, resource: undefined, ...grant },
  );

/** A JWT with these claims, or with whatever text stands in their place. */
export function jwt(claims: unknown): string {
  const text = typeof claims === 'string' ? claims : JSON.stringify(claims);
  return `eyJhbGciOiJIUzI1NiJ9.${Buffer.from(text).toString('base64url')}.c2lnbmF0dXJl`;
}

/** An answer of the token endpoint as it came in. */
export const replyOf = (
  body: unknown,
  { status = 200, headers = {} }: Partial<Pick<TokenReply, 'status' | 'headers'>> = {},
): TokenReply => ({
  status,
  headers,
  body: typeof body === 'string' ? body : JSON.stringify(body),
  sent: { wall: NOW, monotonic: 0 },
  receivedAt: NOW,
});

export function failureOf(outcome: TokenOutcome<unknown>): TokenFailure {
  if ('failure' in outcome) return outcome.failure;
  throw new Error('There was a token.');
}

export function tokenOf<T>(outcome: TokenOutcome<T>): T {
  if ('token' in outcome) return outcome.token;
  throw outcome.failure.error;
}
