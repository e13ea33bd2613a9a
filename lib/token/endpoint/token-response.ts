import type { AccessTokenRequest, AccessTokenGrant } from '../token-request.js';
import { endpointExplanation } from './redact.js';
import {
  LONGEST_ORDERED_WAIT_MS,
  orderedWaitMs,
  retryAfterMs,
  serverDateMs,
} from '../../retry/rate-limit.js';
import type { TokenReply } from './token-endpoint.client.js';
import {
  type TokenFailure,
  type TokenOutcome,
  AssetTokenError,
  type AssetTokenErrorCode,
} from './token.errors.js';
import { printable } from '../../config/text.js';

/** A token as the endpoint answered it, before its life is worked out. */
export interface GrantedToken {
  readonly value: string;
  readonly expiresIn: unknown;
  readonly claims: TokenClaims;
  readonly serverDate: number | undefined;
}

/** What an answer is judged against. */
export interface AnswerContext {
  readonly request: AccessTokenRequest;
  readonly environment: string;
  readonly tokenUrl: string;
  /** Never to be repeated, should the endpoint echo them. */
  readonly secrets: readonly string[];
}

/** Reads the endpoint's answer. Status first, since the fields of Asset's error bodies are not documented. */
export function readTokenAnswer(reply: TokenReply, context: AnswerContext): TokenOutcome<GrantedToken> {
  const body = parsed(reply.body);
  if (reply.status < 200 || reply.status >= 300) return { failure: readRefusal(reply, body, context) };
  const problem = tokenProblem(body);
  if (problem !== undefined) {
    return {
      failure: failure(context, 'ASSET_TOKEN_MALFORMED', {
        what: `the endpoint answered ${reply.status}, but ${problem}. Check that tokenPath and baseUrl lead to Asset's token endpoint and that no gateway changes its answers.`,
        retryable: true,
        status: reply.status,
      }),
    };
  }
  const { access_token: value, expires_in: expiresIn } = body as {
    access_token: string;
    expires_in?: unknown;
  };
  return { token: { value, expiresIn, claims: tokenClaims(value), serverDate: serverDateMs(reply.headers) } };
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

function readRefusal(reply: TokenReply, body: unknown, context: AnswerContext): TokenFailure {
  const { status } = reply;
  const said = endpointExplanation(body, context.secrets);
  const answered = `the endpoint answered ${status}${said.text === '' ? '' : ` (${said.text})`}.`;
  const fail = (code: AssetTokenErrorCode, cure: string, more?: Partial<FailureDetails>): TokenFailure =>
    failure(context, code, { what: `${answered} ${cure}`, status, endpointIsWell: true, ...more });

  if (status === 401 || ((status === 400 || status === 422) && said.error === 'invalid_client')) {
    return fail(
      'ASSET_CREDENTIALS_REJECTED',
      `Check clientId and clientSecret; sandbox and production have separate ones, and this is ${context.environment}.`,
      { blame: 'endpoint', endpointIsWell: false },
    );
  }
  if (status === 403 || ((status === 400 || status === 422) && said.error === 'invalid_scope')) {
    return fail(
      'ASSET_SCOPE_REJECTED',
      "Grant the scopes to the OAuth client in Asset's Dashboard, or ask for fewer.",
    );
  }
  if (status === 404) {
    return context.request.businessId === undefined
      ? fail(
          'ASSET_CONFIG_INVALID',
          `There is no token endpoint at ${context.tokenUrl}: check tokenPath and baseUrl.`,
        )
      : fail('ASSET_BUSINESS_UNKNOWN', `Check that the business exists in ${context.environment}.`);
  }
  if (status === 429) {
    return fail('ASSET_TOKEN_THROTTLED', 'Too many token requests; they are spaced out by themselves.', {
      blame: 'endpoint',
      endpointIsWell: false,
      retryable: true,
      orderedWait: atMost(orderedWaitMs(reply.headers, reply.receivedAt)),
    });
  }
  if (status >= 500 || status === 408) {
    // Rate-limit headers come with every answer; only on a 429 do they order a wait.
    const ordered = status === 503 ? atMost(retryAfterMs(reply.headers, reply.receivedAt)) : undefined;
    return fail('ASSET_TOKEN_UNAVAILABLE', 'It is asked again by itself, with growing pauses.', {
      blame: ordered === undefined ? 'key' : 'endpoint',
      unavailable: true,
      endpointIsWell: false,
      retryable: true,
      orderedWait: ordered,
    });
  }
  if (status < 400) {
    return fail('ASSET_TOKEN_MALFORMED', 'Token requests follow no redirects: check baseUrl and tokenPath.', {
      endpointIsWell: false,
      retryable: true,
    });
  }
  return fail('ASSET_TOKEN_REQUEST_REJECTED', 'Check scopes, businessId, resource and tokenTtlSeconds.');
}

const atMost = (waitMs: number | undefined): number | undefined =>
  waitMs === undefined ? undefined : Math.min(waitMs, LONGEST_ORDERED_WAIT_MS);

interface FailureDetails extends Partial<Omit<TokenFailure, 'error' | 'orderedWaitMs'>> {
  readonly what: string;
  readonly status?: number | undefined;
  readonly timedOut?: boolean;
  readonly retryable?: boolean;
  readonly orderedWait?: number | undefined;
  readonly cause?: unknown;
}

/** A failure with everything said that the policies for waiting and retrying need to know. */
export function failure(
  { request, environment }: Pick<AnswerContext, 'request' | 'environment'>,
  code: AssetTokenErrorCode,
  details: FailureDetails,
): TokenFailure {
  const { what, status, timedOut = status === 504, retryable = false, orderedWait, cause } = details;
  const error = new AssetTokenError(what, {
    code,
    grant: request,
    environment,
    status,
    timedOut,
    retryable,
    retryAfterMs: orderedWait,
    cause,
  });
  return {
    error,
    blame: details.blame ?? 'key',
    unavailable: details.unavailable ?? false,
    endpointIsWell: details.endpointIsWell ?? false,
    orderedWaitMs: orderedWait,
  };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** What a token may tell of itself. Everything is optional: Asset documents `aud` only, and opaque tokens tell nothing. */
export interface TokenClaims {
  /** Seconds since the epoch (RFC 7519 §4.1.4). */
  readonly exp?: number;
  /** Seconds since the epoch (RFC 7519 §4.1.6). */
  readonly iat?: number;
  readonly scopes?: readonly string[];
  readonly businessId?: string;
}

const NOTHING: TokenClaims = Object.freeze({});

/** Reads a JWT's claims without checking its signature: the API does that, we only want to know when to renew. */
export function tokenClaims(token: string): TokenClaims {
  // No more parts than tell that it is none: the text may be nothing but dots.
  const parts = token.split('.', 4);
  if (parts.length !== 3) return NOTHING;
  try {
    const payload: unknown = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString('utf8'));
    return typeof payload === 'object' && payload !== null
      ? readClaims(payload as Record<string, unknown>)
      : NOTHING;
  } catch {
    return NOTHING;
  }
}

function readClaims(payload: Record<string, unknown>): TokenClaims {
  const scopes = scopeList(payload.scope ?? payload.scp ?? payload.scopes);
  const businessId = payload.business_id;
  return {
    ...(isTime(payload.exp) && { exp: payload.exp }),
    ...(isTime(payload.iat) && { iat: payload.iat }),
    ...(scopes !== undefined && { scopes }),
    ...(typeof businessId === 'string' && { businessId }),
  };
}

/** The year 2100. What is larger is no time in seconds: somebody sent milliseconds, perhaps. */
export const LATEST_TIME = 4_102_444_800;

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
export function grantDifference(asked: AccessTokenGrant, claims: TokenClaims): string | undefined {
  const differences = [scopeDifference(asked, claims), businessDifference(asked, claims)];
  const said = differences.filter((difference) => difference !== undefined);
  return said.length > 0 ? said.join('; ') : undefined;
}

function scopeDifference(
  { scopes: asked }: AccessTokenGrant,
  { scopes: granted }: TokenClaims,
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

function businessDifference(
  { businessId: asked }: AccessTokenGrant,
  { businessId: granted }: TokenClaims,
): string | undefined {
  if (asked === undefined || granted === undefined || asked === granted) return undefined;
  return `it was granted for business ${printable(granted)}`;
}
