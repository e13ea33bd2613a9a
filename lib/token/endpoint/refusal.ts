// An answer of the token endpoint that brought no token: what it means, and whose fault it is.
import { mentioned, requestIdOf } from '../../config/redact.js';
import type { AssetAuthConfig } from '../../config/asset-auth.config.js';
import type { Instant } from '../../config/clock.js';
import {
  LONGEST_ORDERED_WAIT_MS,
  orderedWaitMs,
  type ResponseHeaders,
  retryAfterMs,
} from '../../retry/rate-limit.js';
import type { AccessTokenRequest } from '../token-request.js';
import { endpointError, type EndpointErrorCode } from './endpoint-error.js';
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
  /** Never to be repeated, should the endpoint echo them. */
  readonly secrets: readonly string[];
}

/** What a refusal means, and what to do about it. */
interface Verdict extends Pick<FailureDetails, 'fault' | 'retryable'> {
  readonly code: AssetTokenErrorCode;
  readonly cure: string;
}

/** What a verdict is reached by. */
interface Evidence {
  /** Of an answer that says with 200 that it is an error: 400. */
  readonly status: number;
  readonly said: EndpointErrorCode | undefined;
  /** Whether Asset's endpoint cannot have written this: its answers are JSON (Asset API reference), and encrypted. */
  readonly isForeign: boolean;
}

/**
 * Which refusal means what, and whose fault it is. Status first, since the fields of Asset's error bodies are not
 * documented. A `Retry-After` promises that the refusal passes, and is everybody's to obey.
 *
 * @param body - of the response, parsed; `undefined` if it is no JSON
 */
export function refusal(
  response: TokenResponse,
  body: unknown,
  context: ResponseContext,
): TokenRequestFailure {
  const { status, headers, receivedAt } = response;
  const isJson = body !== undefined;
  const { secrets } = context;
  const { code: said, text } = endpointError(isJson ? body : plainText(response.body), secrets);
  const isForeign =
    response.isOfTunnel === true || (said === undefined && !isJson && response.body.trim() !== '');
  const evidence = { status: isSuccess(status) ? 400 : status, said, isForeign };
  const { code, cure, fault, retryable } = verdict(evidence, context);
  const orders = status === 429 ? orderedWaitMs : retryAfterMs;
  const ordered = bounded(orders(headers, receivedAt));
  const requestId = requestIdOf(headers, secrets);
  return tokenRequestFailure(context, code, {
    what: `the endpoint answered ${status}${text === '' ? '' : ` (${text})`}${mentioned(requestId)}. ${cure}`,
    status,
    requestId,
    fault: ordered === undefined ? fault : 'endpoint',
    retryable: retryable === true || ordered !== undefined,
    orderedWaitMs: ordered,
  });
}

const isSuccess = (status: number): boolean => status >= 200 && status < 300;

function verdict(evidence: Evidence, { config, request }: ResponseContext): Verdict {
  const { status, said } = evidence;
  const { environment, tokenUrl } = config;
  const says = (code: EndpointErrorCode): boolean => (status === 400 || status === 422) && said === code;

  if (status === 429) return THROTTLED;
  if (status >= 500 || status === 408) return UNAVAILABLE;
  if (status < 400) return REDIRECTED;
  if (said !== undefined && PASSES.includes(said)) return UNAVAILABLE;
  if (evidence.isForeign || NEVER_THE_ENDPOINTS.includes(status)) return NOT_THE_ENDPOINTS;
  if (status === 401 || says('invalid_client')) {
    const cure = `Check clientId and clientSecret; sandbox and production have separate ones, and this is ${environment}.`;
    return { code: 'ASSET_CREDENTIALS_REJECTED', cure, fault: 'endpoint' };
  }
  if (status === 403 || says('invalid_scope')) {
    const cure = "Grant the scopes to the OAuth client in Asset's Dashboard, or ask for fewer.";
    return { code: 'ASSET_SCOPE_REJECTED', cure, fault: 'request' };
  }
  if (status === 404) {
    return request.businessId === undefined
      ? {
          code: 'ASSET_CONFIG_INVALID',
          cure: `There is no token endpoint at ${tokenUrl}: check tokenPath and baseUrl.`,
          fault: 'request',
        }
      : {
          code: 'ASSET_BUSINESS_UNKNOWN',
          cure: `Check that the business exists in ${environment}.`,
          fault: 'request',
        };
  }
  const cure = 'Check scopes, businessId, resource and tokenTtlSeconds.';
  return { code: 'ASSET_TOKEN_REQUEST_REJECTED', cure, fault: 'request' };
}

/** What RFC 6749 §4.1.2.1 and RFC 8628 §3.5 say of a server that will serve later. */
const PASSES: readonly EndpointErrorCode[] = ['temporarily_unavailable', 'server_error', 'slow_down'];

/** About the way to a server rather than about what was asked: method, proxy, encoding, host, early data. */
const NEVER_THE_ENDPOINTS: readonly number[] = [405, 407, 415, 421, 425];

const THROTTLED: Verdict = {
  code: 'ASSET_TOKEN_THROTTLED',
  cure: 'Too many token requests: ask again later.',
  fault: 'endpoint',
  retryable: true,
};

const UNAVAILABLE: Verdict = {
  code: 'ASSET_TOKEN_UNAVAILABLE',
  cure: 'Ask again later; if this lasts, check whether Asset, or a gateway before it, has an outage.',
  fault: 'unavailable',
  retryable: true,
};

const REDIRECTED: Verdict = {
  code: 'ASSET_TOKEN_MALFORMED',
  cure: 'Token requests follow no redirects: check baseUrl and tokenPath.',
  fault: 'unclear',
  retryable: true,
};

const NOT_THE_ENDPOINTS: Verdict = {
  code: 'ASSET_TOKEN_UNAVAILABLE',
  cure: "A gateway, firewall or proxy answered, not Asset's token endpoint. Check these, and that baseUrl and tokenPath lead to the endpoint.",
  fault: 'unavailable',
  retryable: true,
};

const bounded = (waitMs: number | undefined): number | undefined =>
  waitMs === undefined ? undefined : Math.min(waitMs, LONGEST_ORDERED_WAIT_MS);

/** The text of an answer that is no JSON, unless it is markup, or JSON that broke off and may hold a token. */
const plainText = (body: string): string => (/^\s*[<{["]/.test(body) ? '' : body);
