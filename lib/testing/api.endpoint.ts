import { type Answer, type AnswerHeaders, HttpProblem, paginate } from './answer.js';
import type { AssetSandboxSettings } from './options.js';
import type { ArrivedRequest, SandboxApiRequest, SandboxTokenClaims, Writable } from './recorder.js';
import { type RequestTarget, type RouteMatch, routesOnPath } from './router.js';
import { API_ROUTES } from './routes/api-routes.js';
import type { AcceptedRequest, SandboxState } from './state.js';

/** Takes up a request to anything but the token endpoint: bearer check, scripted rejection, rate limit, then the route. */
export function acceptApiRequest(
  incoming: ArrivedRequest,
  target: RequestTarget,
  state: SandboxState,
): AcceptedRequest {
  const method = incoming.method === 'HEAD' ? 'GET' : incoming.method;
  const onPath = routesOnPath(API_ROUTES, target);
  const match = onPath.find(({ route }) => route.method === '*' || route.method === method);
  const access = checkBearer(incoming, target, match?.route.scope, state);
  const record: Writable<SandboxApiRequest> = {
    kind: 'api',
    ...incoming,
    authorized: access.problem === undefined,
    claims: access.claims,
    status: undefined,
  };
  const serve: AcceptedRequest['serve'] = () => {
    if (access.problem !== undefined) {
      throw access.problem;
    }
    if (state.tokens.takeRejection(record)) {
      record.authorized = false;
      throw invalidToken();
    }
    const business = target.businessId === undefined ? undefined : state.businesses.find(target.businessId);
    // Calls about a business that does not exist have no limit of their own to count against.
    const limitHeaders = state.limiter.count(state.settings, business?.id, incoming.at);
    return withHeaders(limitHeaders, () => {
      if (target.businessId !== undefined && business === undefined) {
        throw new HttpProblem(404, 'not_found', 'There is no such business.');
      }
      if (match === undefined) {
        return serveUnknown(method, target, onPath);
      }
      const { headers, body } = incoming;
      return match.route.handle(
        { params: match.params, query: target.query, headers, body, state },
        business,
      );
    });
  };
  return { record, serve };
}

/** Any GET below `/v0` that no route serves is answered with an empty list, so that every path of Asset can be tried. */
function serveUnknown(method: string, target: RequestTarget, onPath: readonly RouteMatch[]): Answer {
  if (onPath.length > 0) {
    throw new HttpProblem(405, 'method_not_allowed', 'The path does not know this method.', {
      allow: onPath.map(({ route }) => route.method).join(', '),
    });
  }
  if (method !== 'GET' || target.segments[0] !== 'v0') {
    throw new HttpProblem(404, 'not_found', 'The sandbox serves nothing here.');
  }
  return paginate([], target.query);
}

/** Adds headers to an answer, also to one that is thrown. */
function withHeaders(headers: AnswerHeaders, work: () => Answer): Answer {
  try {
    const answer = work();
    return { ...answer, headers: { ...answer.headers, ...headers } };
  } catch (error) {
    if (error instanceof HttpProblem) {
      throw new HttpProblem(error.status, error.error, error.message, { ...error.headers, ...headers });
    }
    throw error;
  }
}

/** The outcome of a bearer check. */
interface Access {
  readonly claims: SandboxTokenClaims | undefined;
  /** Why the call is refused, or `undefined` if it is not. */
  readonly problem: HttpProblem | undefined;
}

/**
 * Checks a bearer token as RFC 6750 §3 has it: 401 for no token or one that is unknown, revoked or expired; 403 for one
 * that lacks the scope or is narrowed to another business. `aud` is not enforced: Asset does not document that it is.
 */
function checkBearer(
  { headers, at }: ArrivedRequest,
  target: RequestTarget,
  scope: string | undefined,
  { tokens, settings }: SandboxState,
): Access {
  const [, value] = /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(headers.authorization ?? '') ?? [];
  if (value === undefined) {
    const problem = new HttpProblem(401, 'unauthorized', 'A bearer token is required.', {
      'www-authenticate': 'Bearer',
    });
    return { claims: undefined, problem };
  }
  const token = tokens.find(value);
  const isGood = token !== undefined && !token.revoked && at < token.claims.expiresAt;
  if (!isGood) {
    return { claims: token?.claims, problem: invalidToken() };
  }
  return { claims: token.claims, problem: forbidden(token.claims, target, scope, settings) };
}

/** The 401 for a token that is not, or no longer, accepted. */
function invalidToken(): HttpProblem {
  return new HttpProblem(401, 'invalid_token', 'The access token is unknown, revoked or expired.', {
    'www-authenticate': 'Bearer error="invalid_token"',
  });
}

function forbidden(
  { businessId, scopes }: SandboxTokenClaims,
  target: RequestTarget,
  scope: string | undefined,
  settings: AssetSandboxSettings,
): HttpProblem | undefined {
  if (businessId !== undefined) {
    const isOnTenantPath = target.businessId === undefined;
    if (isOnTenantPath && settings.businessTokensOnTenantPaths === 'reject') {
      return new HttpProblem(
        403,
        'forbidden',
        'A token narrowed to a business may not call tenant-level paths.',
      );
    }
    if (!isOnTenantPath && target.businessId !== businessId) {
      return new HttpProblem(403, 'forbidden', 'The token is narrowed to another business.');
    }
  }
  if (scope !== undefined && !scopes.includes(scope)) {
    return new HttpProblem(403, 'insufficient_scope', `This call needs the scope ${scope}.`, {
      'www-authenticate': `Bearer error="insufficient_scope", scope="${scope}"`,
    });
  }
  return undefined;
}
