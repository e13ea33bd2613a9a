import type { AssetAuthConfig } from '../../config/asset-auth.config.js';
import type { Instant } from '../../config/clock.js';
import { printable } from '../../config/text.js';
import {
  LONGEST_ORDERED_WAIT_MS,
  orderedWaitMs,
  type ResponseHeaders,
  retryAfterMs,
  serverDateMs,
} from '../../retry/rate-limit.js';
import type { AccessTokenGrant, AccessTokenRequest } from '../token-request.js';
import { redacted } from './redact.js';
import { LATEST_TIME, lifetimeMs, type TokenClaims } from './token-lifetime.js';
import {
  alreadyExpired,
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
  readonly sentAt: Instant;
  /** Wall clock when the answer was complete. */
  readonly receivedAt: number;
  /** How long the request took, in milliseconds. */
  readonly requestMs: number;
}

/** A token as it leaves the endpoint: the one thing that the rest of the library needs to know of an answer. */
export interface IssuedToken {
  readonly value: string;
  /** When its request was sent. */
  readonly issuedAt: Instant;
  /** Counted from `issuedAt`, in milliseconds. */
  readonly lifeMs: number;
  readonly requestMs: number;
  /** How it differs from what was asked for, in words. */
  readonly difference: string | undefined;
}

/** What an answer is judged against. */
export interface ResponseContext {
  readonly request: AccessTokenRequest;
  readonly config: AssetAuthConfig;
  /** Never to be repeated, should the endpoint echo it. */
  readonly clientSecret: string;
}

/** The body of an answer that holds a token. */
export interface TokenBody {
  readonly access_token: string;
  readonly expires_in?: unknown;
}

/**
 * Reads the endpoint's answer. Status first, since the fields of Asset's error bodies are not documented.
 *
 * @throws TokenRequestFailure when it holds no token
 */
export function tokenIn(response: TokenResponse, context: ResponseContext): TokenBody {
  const body = parsed(response.body);
  const { status } = response;
  if (status < 200 || status >= 300) throw refusal(response, body, context);
  const problem = tokenProblem(body);
  if (problem !== undefined) {
    throw failure(context, 'ASSET_TOKEN_MALFORMED', {
      what: `the endpoint answered ${status}, but ${problem}. Check that tokenPath and baseUrl lead to Asset's token endpoint and that no gateway changes its answers.`,
      fault: 'unclear',
      retryable: true,
      status,
    });
  }
  return body as TokenBody;
}

/**
 * Works out the life of a token, and compares it with what was asked for. What a token says of itself is optional: Asset
 * documents `aud` only, and opaque tokens say nothing.
 *
 * @throws TokenRequestFailure when it cannot be used
 */
export function issuedToken(
  { access_token: value, expires_in: expiresIn }: TokenBody,
  response: TokenResponse,
  context: ResponseContext,
): IssuedToken {
  const { request, config } = context;
  const claims = tokenClaims(value);
  const difference = grantDifference(request, claims);
  if (difference !== undefined && config.grantedScopes === 'error') {
    throw failure(context, 'ASSET_GRANT_MISMATCH', {
      what: `the endpoint granted something else: ${difference}. Grant the OAuth client what it asks for in Asset's Dashboard, or set grantedScopes: 'warn'.`,
      fault: 'request',
    });
  }
  const { sentAt, receivedAt, requestMs } = response;
  const lifeMs = lifetimeMs({
    sentAt: sentAt.wall,
    receivedAt,
    serverDate: serverDateMs(response.headers),
    expiresIn,
    claims,
    tokenTtlSeconds: config.tokenTtlSeconds,
  });
  if (lifeMs === undefined) throw alreadyExpired(request, config.environment);
  return { value, issuedAt: sentAt, lifeMs, requestMs, difference };
}

/** RFC 6750 §2.1: `b64token`; anything else would not survive in a header. */
const BEARER_TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

/** Says nothing of the body itself: it may hold a token. */
function tokenProblem(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return 'not with a JSON object';
  const { access_token: value, token_type: type } = body as { access_token?: unknown; token_type?: unknown };
  if (typeof value !== 'string' || value === '') return 'without an access_token';
  if (!BEARER_TOKEN.test(value)) return 'with an access_token that holds characters no bearer token may hold';
  if (type !== undefined && (typeof type !== 'string' || type.toLowerCase() !== 'bearer')) {
    return 'with a token_type other than Bearer';
  }
  return undefined;
}

/** Which status means what, and whose fault it is. */
function refusal(response: TokenResponse, body: unknown, context: ResponseContext): TokenRequestFailure {
  const { status, headers, receivedAt } = response;
  const { environment, tokenUrl } = context.config;
  const said = explanation(body, context.clientSecret);
  const answered = `the endpoint answered ${status}${said.text === '' ? '' : ` (${said.text})`}.`;
  const fail = (
    code: AssetTokenErrorCode,
    cure: string,
    more?: Partial<FailureDetails>,
  ): TokenRequestFailure =>
    failure(context, code, { what: `${answered} ${cure}`, status, fault: 'request', ...more });
  const says = (error: string): boolean => (status === 400 || status === 422) && said.error === error;

  if (status === 401 || says('invalid_client')) {
    const cure = `Check clientId and clientSecret; sandbox and production have separate ones, and this is ${environment}.`;
    return fail('ASSET_CREDENTIALS_REJECTED', cure, { fault: 'endpoint' });
  }
  if (status === 403 || says('invalid_scope')) {
    const cure = "Grant the scopes to the OAuth client in Asset's Dashboard, or ask for fewer.";
    return fail('ASSET_SCOPE_REJECTED', cure);
  }
  if (status === 404) {
    return context.request.businessId === undefined
      ? fail(
          'ASSET_CONFIG_INVALID',
          `There is no token endpoint at ${tokenUrl}: check tokenPath and baseUrl.`,
        )
      : fail('ASSET_BUSINESS_UNKNOWN', `Check that the business exists in ${environment}.`);
  }
  if (status === 429) {
    return fail('ASSET_TOKEN_THROTTLED', 'Too many token requests; they are spaced out by themselves.', {
      fault: 'endpoint',
      retryable: true,
      orderedWaitMs: bounded(orderedWaitMs(headers, receivedAt)),
    });
  }
  if (status >= 500 || status === 408) {
    // Rate-limit headers come with every answer; only on a 429 do they order a wait.
    const ordered = status === 503 ? bounded(retryAfterMs(headers, receivedAt)) : undefined;
    return fail('ASSET_TOKEN_UNAVAILABLE', 'It is asked again by itself, with growing pauses.', {
      fault: ordered === undefined ? 'unavailable' : 'endpoint',
      retryable: true,
      orderedWaitMs: ordered,
    });
  }
  if (status < 400) {
    const cure = 'Token requests follow no redirects: check baseUrl and tokenPath.';
    return fail('ASSET_TOKEN_MALFORMED', cure, { fault: 'unclear', retryable: true });
  }
  return fail('ASSET_TOKEN_REQUEST_REJECTED', 'Check scopes, businessId, resource and tokenTtlSeconds.');
}

const bounded = (waitMs: number | undefined): number | undefined =>
  waitMs === undefined ? undefined : Math.min(waitMs, LONGEST_ORDERED_WAIT_MS);

const failure = (
  { request, config: { environment } }: ResponseContext,
  code: AssetTokenErrorCode,
  details: FailureDetails,
): TokenRequestFailure => tokenRequestFailure({ request, environment }, code, details);

/** Where endpoints say what went wrong (RFC 6749 §5.2 and custom); Asset documents none of them, so all are optional. */
const EXPLANATIONS = ['error', 'error_description', 'detail', 'message'] as const;

/** What a failed answer says of itself: OAuth's `error` code, and all that can be quoted in a message. */
function explanation(
  body: unknown,
  clientSecret: string,
): { readonly error: string | undefined; readonly text: string } {
  const fields = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const said = EXPLANATIONS.map((name) => fields[name]).filter((value) => typeof value === 'string');
  return {
    error: typeof fields.error === 'string' ? fields.error : undefined,
    text: [...new Set(said.map((value) => redacted(value, [clientSecret])))].join(': '),
  };
}

const NO_CLAIMS: TokenClaims = Object.freeze({});

/** Reads a JWT's claims without checking its signature: the API does that, we only want to know when to renew. */
export function tokenClaims(token: string): TokenClaims {
  // No more parts than tell that it is none: the text may be nothing but dots.
  const parts = token.split('.', 4);
  if (parts.length !== 3) return NO_CLAIMS;
  const payload = parsed(Buffer.from(parts[1] ?? '', 'base64url').toString('utf8'));
  if (typeof payload !== 'object' || payload === null) return NO_CLAIMS;
  const { exp, iat, scope, scp, scopes, business_id: businessId } = payload as Record<string, unknown>;
  const granted = scopeList(scope ?? scp ?? scopes);
  return {
    ...(isTime(exp) && { exp }),
    ...(isTime(iat) && { iat }),
    ...(granted !== undefined && { scopes: granted }),
    ...(typeof businessId === 'string' && { businessId }),
  };
}

const isTime = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value <= LATEST_TIME;

/** `scope` is text (RFC 9068 §2.2.3); other servers send lists. */
function scopeList(value: unknown): readonly string[] | undefined {
  if (typeof value === 'string') return value.split(' ').filter((scope) => scope !== '');
  if (Array.isArray(value) && value.every((scope) => typeof scope === 'string')) return value;
  return undefined;
}

/**
 * How a token differs from what was asked for, in words, or `undefined`. Only a token's own claims can show it: Asset's
 * answers carry no `scope` field.
 */
export function grantDifference(asked: AccessTokenGrant, granted: TokenClaims): string | undefined {
  const differences = [scopeDifference(asked.scopes, granted.scopes)];
  const { businessId } = granted;
  if (asked.businessId !== undefined && businessId !== undefined && asked.businessId !== businessId) {
    differences.push(`it was granted for business ${printable(businessId)}`);
  }
  return differences.filter((difference) => difference !== undefined).join('; ') || undefined;
}

function scopeDifference(
  asked: readonly string[] | undefined,
  granted: readonly string[] | undefined,
): string | undefined {
  if (asked === undefined || granted === undefined) return undefined;
  const missing = asked.filter((scope) => !granted.includes(scope));
  const extra = granted.filter((scope) => !asked.includes(scope));
  const parts = [
    ...(missing.length > 0 ? [`without ${missing.join(' ')}`] : []),
    ...(extra.length > 0 ? [`with ${printable(extra.join(' '))} besides`] : []),
  ];
  return parts.length > 0 ? `it was granted ${parts.join(' and ')}` : undefined;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
