// Reads an answer of the token endpoint: its token, how long that lives, whether it is what was asked for.
import type { Instant } from '../../config/clock.js';
import { printable } from '../../config/text.js';
import { serverDateMs } from '../../retry/rate-limit.js';
import type { AccessTokenGrant } from '../token-request.js';
import { endpointError } from './endpoint-error.js';
import { mentioned, redacted, requestIdOf } from '../../config/redact.js';
import { refusal, type ResponseContext, type TokenResponse } from './refusal.js';
import { LATEST_TIME, lifetimeMs, type TokenClaims } from './token-lifetime.js';
import { alreadyExpired, tokenRequestFailure } from './token.errors.js';

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
  /** The generation under which processes share it; `undefined`: it comes from the endpoint. */
  readonly generation: string | undefined;
}

/** The body of an answer that holds a token. */
export interface TokenBody {
  readonly access_token: string;
  readonly expires_in?: unknown;
  readonly scope?: unknown;
}

/**
 * Reads the endpoint's answer.
 *
 * @throws TokenRequestFailure when it holds no token
 */
export function tokenIn(response: TokenResponse, context: ResponseContext): TokenBody {
  const { status } = response;
  const body = parsed(response.body);
  if (!isSuccess(status) || response.isOfTunnel === true || isRefusal(body))
    throw refusal(response, body, context);
  const problem = tokenProblem(body);
  if (problem !== undefined) {
    const requestId = requestIdOf(response.headers, context.secrets);
    throw tokenRequestFailure(context, 'ASSET_TOKEN_MALFORMED', {
      what: `the endpoint answered ${status}${mentioned(requestId)}, but ${problem}. Check that tokenPath and baseUrl lead to Asset's token endpoint and that no gateway changes its answers.`,
      fault: 'unclear',
      retryable: true,
      status,
      requestId,
    });
  }
  return membersOf(body) as unknown as TokenBody;
}

/**
 * Works out the life of a token, and compares it with what was asked for. What a token says of itself is optional: Asset
 * documents `aud` only, and opaque tokens say nothing.
 *
 * @throws TokenRequestFailure when it cannot be used
 */
export function issuedToken(
  { access_token: value, expires_in: expiresIn, scope }: TokenBody,
  response: TokenResponse,
  context: ResponseContext,
): IssuedToken {
  const { request, config, secrets } = context;
  const claims = tokenClaims(value);
  const granted = { ...claims, scopes: claims.scopes ?? saidScopes(scope) };
  const difference = grantDifference(request, granted, secrets);
  const isOtherBusiness = businessDifference(request, granted) !== undefined;
  if (difference !== undefined && (isOtherBusiness || config.grantedScopes === 'error')) {
    const cure = isOtherBusiness
      ? 'It was not used. Check that no gateway or cache mixes up token answers, and which businesses the OAuth client may act for.'
      : "Grant the OAuth client what it asks for in Asset's Dashboard, or set grantedScopes: 'warn'.";
    const requestId = requestIdOf(response.headers, secrets);
    throw tokenRequestFailure(context, 'ASSET_GRANT_MISMATCH', {
      what: `the endpoint granted something else${mentioned(requestId)}: ${difference}. ${cure}`,
      fault: 'request',
      requestId,
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
  if (lifeMs === undefined) throw alreadyExpired(request, config);
  return { value, issuedAt: sentAt, lifeMs, requestMs, difference, generation: undefined };
}

/**
 * Whether an answer with a status of success is a refusal all the same: it says what went wrong, and holds no token beside
 * it. An `error` that is `null`, empty or no text says nothing.
 */
function isRefusal(body: unknown): boolean {
  const { access_token: token, error, errors } = membersOf(body);
  if (typeof error === 'string' && error !== '') return true;
  if (typeof token === 'string' && token !== '') {
    return error !== undefined && error !== null && endpointError({ error }, []).code !== undefined;
  }
  const { code, text } = endpointError({ error, errors }, []);
  return text !== '' || code !== undefined || endpointError(body, []).code !== undefined;
}

const isSuccess = (status: number): boolean => status >= 200 && status < 300;

/** RFC 6749 §A.12, without the space, which would end the token in a header. */
const HEADER_TEXT = /^[\x21-\x7E]+$/;

/** In characters. No server takes a longer header. */
const LONGEST_TOKEN = 16 * 1024;

/** Says nothing of the body itself: it may hold a token. */
function tokenProblem(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return 'not with a JSON object';
  const { access_token: value, token_type: type } = membersOf(body);
  if (typeof value !== 'string' || value === '') return 'without an access_token';
  if (value.length > LONGEST_TOKEN) return `with an access_token of more than ${LONGEST_TOKEN} characters`;
  if (!HEADER_TEXT.test(value)) return 'with an access_token that holds characters no bearer token may hold';
  return isBearer(type) ? undefined : 'with a token_type other than Bearer';
}

/** Nothing said is as good as `Bearer`: no other type is documented. */
const isBearer = (type: unknown): boolean =>
  type === undefined ||
  type === null ||
  (typeof type === 'string' && ['', 'bearer'].includes(type.trim().toLowerCase()));

/** The payload of a JWT (RFC 7519 §3: three parts, the second an object), signature unchecked; `undefined`: it is none. */
export function jwtPayload(token: string): Readonly<Record<string, unknown>> | undefined {
  // No more parts than tell that it is none: the text may be nothing but dots.
  const parts = token.split('.', 4);
  const payload =
    parts.length === 3 ? parsed(Buffer.from(parts[1] ?? '', 'base64url').toString()) : undefined;
  return typeof payload === 'object' && payload !== null ? membersOf(payload) : undefined;
}

/** Reads a JWT's claims without checking its signature: the API does that, we only want to know when to renew. */
export function tokenClaims(token: string): TokenClaims {
  const { exp, iat, scope, scp, scopes, business_id: businessId } = jwtPayload(token) ?? membersOf(undefined);
  return {
    exp: isTime(exp) ? exp : undefined,
    iat: isTime(iat) ? iat : undefined,
    scopes: [scope, scp, scopes].map(scopeList).find((list) => list !== undefined),
    businessId: typeof businessId === 'string' && businessId !== '' ? businessId : undefined,
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

/** The scopes of the answer itself (RFC 6749 §5.1), where it names any. */
function saidScopes(value: unknown): readonly string[] | undefined {
  const scopes = scopeList(value)?.filter((scope) => scope.trim() !== '');
  return scopes === undefined || scopes.length === 0 ? undefined : scopes;
}

/**
 * How a token differs from what was asked for, in words, or `undefined`.
 *
 * @param secrets - never to be repeated, should the endpoint echo them as a scope or a business
 */
export function grantDifference(
  asked: AccessTokenGrant,
  granted: TokenClaims,
  secrets: readonly string[] = [],
): string | undefined {
  const differences = [
    scopeDifference(asked.scopes, granted.scopes, secrets),
    businessDifference(asked, granted, secrets),
  ];
  return differences.filter((difference) => difference !== undefined).join('; ') || undefined;
}

function businessDifference(
  asked: AccessTokenGrant,
  { businessId }: TokenClaims,
  secrets: readonly string[] = [],
): string | undefined {
  const isOther =
    asked.businessId !== undefined && businessId !== undefined && asked.businessId !== businessId;
  return isOther ? `it was granted for business ${redacted(businessId, secrets)}` : undefined;
}

function scopeDifference(
  asked: readonly string[] | undefined,
  granted: readonly string[] | undefined,
  secrets: readonly string[],
): string | undefined {
  if (asked === undefined || granted === undefined) return undefined;
  const missing = asked.filter((scope) => !granted.includes(scope));
  const extra = granted.filter((scope) => !asked.includes(scope));
  const parts = [
    ...(missing.length > 0 ? [`without ${printable(missing.join(' '))}`] : []),
    ...(extra.length > 0 ? [`with ${redacted(extra.join(' '), secrets)} besides`] : []),
  ];
  return parts.length > 0 ? `it was granted ${parts.join(' and ')}` : undefined;
}

/** What a text says as JSON; `undefined` if it is none. */
function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** The members of what was parsed; none if it is no object. Nothing that a polluted prototype adds. */
function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  const members = Object.create(null) as Record<string, unknown>;
  return typeof value === 'object' ? Object.assign(members, value) : members;
}
