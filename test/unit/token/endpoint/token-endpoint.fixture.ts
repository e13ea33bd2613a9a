import { AssetAuthConfig } from '../../../../lib/config/asset-auth.config.js';
import type { AssetAuthOptions } from '../../../../lib/config/asset-auth.options.js';
import type { TokenResponse } from '../../../../lib/token/endpoint/refusal.js';
import { TokenRequestFailure } from '../../../../lib/token/endpoint/token.errors.js';
import {
  type AccessTokenRequest,
  type AssetTokenRequest,
  TokenRequestResolver,
} from '../../../../lib/token/token-request.js';

/** Needs escaping in every notation that there is. */
/** The client, as errors tell of it. */
export const CLIENT = { environment: 'sandbox', label: 'sandbox' };

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

const USUAL = new TokenRequestResolver(configOf());

export const requestFor = (
  asked: AssetTokenRequest = {},
  options?: Partial<AssetAuthOptions>,
): AccessTokenRequest => {
  const resolver = options === undefined ? USUAL : new TokenRequestResolver(configOf(options));
  return resolver.request(asked);
};

/** A JWT with these claims, or with whatever text stands in their place. */
export function jwt(claims: unknown): string {
  const text = typeof claims === 'string' ? claims : JSON.stringify(claims);
  return `eyJhbGciOiJIUzI1NiJ9.${Buffer.from(text).toString('base64url')}.c2lnbmF0dXJl`;
}

/** An answer of the token endpoint as it came in, at once. */
export const responseOf = (
  body: unknown,
  { status = 200, headers = {} }: Partial<Pick<TokenResponse, 'status' | 'headers'>> = {},
): TokenResponse => ({
  status,
  headers,
  body: typeof body === 'string' ? body : JSON.stringify(body),
  sentAt: { wall: NOW, monotonic: 0 },
  receivedAt: NOW,
  requestMs: 0,
});

/** The failure that a token request comes to. */
export async function failureOf(fetch: () => unknown): Promise<TokenRequestFailure> {
  try {
    await fetch();
  } catch (failure) {
    if (failure instanceof TokenRequestFailure) return failure;
    throw failure;
  }
  throw new Error('There was a token.');
}

/** The same of one that is judged synchronously. */
export function failureIn(read: () => unknown): TokenRequestFailure {
  try {
    read();
  } catch (failure) {
    if (failure instanceof TokenRequestFailure) return failure;
    throw failure;
  }
  throw new Error('There was a token.');
}
