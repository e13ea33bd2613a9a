import { checkBearer, invalidToken } from './bearer.check.js';
import { type Answer, HttpProblem } from './http.answer.js';
import { paginate } from './pagination.js';
import { parseTarget, type RequestTarget } from './request-target.js';
import type { SandboxApiRequest } from './sandbox.request.js';
import type { RouteMatch, SandboxRouter } from './sandbox.router.js';
import type { Incoming, SandboxState, Visit } from './sandbox.state.js';

/** Takes up a request to anything but the token endpoint. */
export function visitApi(incoming: Incoming, state: SandboxState, router: SandboxRouter): Visit {
  const target = parseTarget(incoming.path);
  const method = incoming.method === 'HEAD' ? 'GET' : incoming.method;
  const match = router.match(method, target);
  const access = checkBearer(incoming.headers.authorization, target, match?.route.scope, {
    settings: state.settings,
    now: incoming.at,
    find: (token) => state.tokens.find(token),
  });
  const record: { -readonly [K in keyof SandboxApiRequest]: SandboxApiRequest[K] } = {
    kind: 'api',
    ...incoming,
    authorized: access.problem === undefined,
    claims: access.claims,
    status: undefined,
  };
  const serve: Visit['serve'] = () => {
    if (access.problem !== undefined) {
      throw access.problem;
    }
    if (state.rejections.take(record)) {
      record.authorized = false;
      throw invalidToken();
    }
    return serveApi(incoming, method, target, match, state, router);
  };
  return { record, serve };
}

function serveApi(
  incoming: Incoming,
  method: string,
  target: RequestTarget,
  match: RouteMatch | undefined,
  state: SandboxState,
  router: SandboxRouter,
): Answer {
  const business = target.businessId === undefined ? undefined : state.businesses.find(target.businessId);
  // Calls about a business that does not exist have no limit of their own to count against.
  const limitHeaders = state.limiter.count(state.settings, business?.id, incoming.at);
  const answer = withProblemHeaders(limitHeaders, () => {
    if (target.businessId !== undefined && business === undefined) {
      throw new HttpProblem(404, 'not_found', 'There is no such business.');
    }
    const { query } = target;
    return match === undefined
      ? serveUnknown(method, target, router)
      : match.route.handle(
          { method, query, params: match.params, headers: incoming.headers, body: incoming.body },
          business,
        );
  });
  return { ...answer, headers: { ...answer.headers, ...limitHeaders } };
}

/** Paths of Asset that the sandbox does not know can be read, and are empty, so that any GET can be tried out. */
function serveUnknown(method: string, target: RequestTarget, router: SandboxRouter): Answer {
  const methods = router.methods(target);
  if (methods.length > 0) {
    throw new HttpProblem(405, 'method_not_allowed', 'The path does not know this method.', {
      allow: methods.join(', '),
    });
  }
  if (method !== 'GET' || target.segments[0] !== 'v0') {
    throw new HttpProblem(404, 'not_found', 'The sandbox serves nothing here.');
  }
  return paginate([], target.query);
}

function withProblemHeaders(headers: HttpProblem['headers'], work: () => Answer): Answer {
  try {
    return work();
  } catch (error) {
    if (error instanceof HttpProblem) {
      throw new HttpProblem(error.status, error.error, error.message, { ...error.headers, ...headers });
    }
    throw error;
  }
}
