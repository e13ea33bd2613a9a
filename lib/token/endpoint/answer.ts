import type { AssetAuthConfig } from '../../config/asset-auth.config.js';
import type { Instant } from '../../config/clock.js';
import type { ResponseHeaders } from '../../retry/rate-limit.js';
import type { AccessTokenRequest } from '../token-request.js';
import type { RecentTokens } from './redact.js';
import {
  type AssetTokenErrorCode,
  type FailureDetails,
  type TokenRequestFailure,
  tokenRequestFailure,
} from './token.errors.js';

/** An answer of the token endpoint, whatever its status. */
export interface TokenResponse {
  readonly status: number;
  readonly headers: ResponseHeaders;
  /** Up to a length that no token answer has; the rest is not read. */
  readonly body: string;
  /** Whether a proxy gave it instead of opening a tunnel. */
  readonly isOfTunnel?: boolean;
  readonly sentAt: Instant;
  /** Wall clock when the answer was complete. */
  readonly receivedAt: number;
  /** How long the request took, in milliseconds. */
  readonly requestMs: number;
}

/** What an answer is judged against. */
export interface ResponseContext {
  readonly request: AccessTokenRequest;
  readonly config: AssetAuthConfig;
  /** Never to be repeated, should the endpoint echo it. */
  readonly clientSecret: string;
  /** Likewise; what is issued is added. */
  readonly recentTokens?: RecentTokens;
}

/** The failure of the request that an answer belongs to. */
export const failure = (
  { request, config: client }: ResponseContext,
  code: AssetTokenErrorCode,
  details: FailureDetails,
): TokenRequestFailure => tokenRequestFailure({ request, client }, code, details);

/** What a text says as JSON; `undefined` if it is none. */
export function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** The members of what was parsed; none if it is no object. Nothing that a polluted prototype adds. */
export function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  const members = Object.create(null) as Record<string, unknown>;
  return typeof value === 'object' ? Object.assign(members, value) : members;
}
