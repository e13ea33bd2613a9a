import type { IncomingHttpHeaders } from 'node:http';
import type { Answer } from './http.answer.js';
import type { BusinessRecord } from './sandbox.businesses.js';
import type { RequestTarget } from './request-target.js';

/** One call, as a route sees it: authorized, and its business known to exist. */
export interface RouteCall {
  readonly method: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: Readonly<IncomingHttpHeaders>;
  readonly body: Buffer;
}

/** What is served under one method and path. */
export interface Route {
  readonly method: string;
  /** Segments without the leading slash; `:name` matches any one segment. */
  readonly segments: readonly string[];
  /** The scope that a token must hold, or `undefined` where Asset documents none and any valid token will do. */
  readonly scope: string | undefined;
  readonly handle: (call: RouteCall, business: BusinessRecord | undefined) => Answer;
}

export interface RouteMatch {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

/** A tenant-level route. */
export function route(
  method: string,
  path: string,
  scope: string | undefined,
  handle: (call: RouteCall) => Answer,
): Route {
  return { method, segments: path.split('/').slice(1), scope, handle };
}

/** A route under `/v0/business/:businessId`, which is given the business. */
export function businessRoute(
  method: string,
  path: string,
  scope: string | undefined,
  handle: (call: RouteCall, business: BusinessRecord) => Answer,
): Route {
  return {
    method,
    segments: ['v0', 'business', ':businessId', ...path.split('/').slice(1)],
    scope,
    handle: (call, business) => {
      if (business === undefined) {
        throw new Error('A business route was reached without a business.');
      }
      return handle(call, business);
    },
  };
}

/** Finds the route for a request. */
export class SandboxRouter {
  readonly #routes: readonly Route[];

  constructor(routes: readonly Route[]) {
    this.#routes = routes;
  }

  match(method: string, target: RequestTarget): RouteMatch | undefined {
    return this.#onPath(target).find(({ route: { method: own } }) => own === '*' || own === method);
  }

  /** The methods that the path knows; empty for an unknown path. */
  methods(target: RequestTarget): readonly string[] {
    return this.#onPath(target).map(({ route: { method } }) => method);
  }

  #onPath(target: RequestTarget): readonly RouteMatch[] {
    return this.#routes.flatMap((candidate) => {
      const params = matchSegments(candidate.segments, target.segments);
      return params === undefined ? [] : [{ route: candidate, params }];
    });
  }
}

function matchSegments(
  pattern: readonly string[],
  segments: readonly string[],
): Readonly<Record<string, string>> | undefined {
  if (pattern.length !== segments.length) {
    return undefined;
  }
  const pairs = pattern.map((part, index) => [part, segments[index] ?? ''] as const);
  const matches = pairs.every(([part, segment]) =>
    part.startsWith(':') ? segment !== '' : part === segment,
  );
  return matches
    ? Object.fromEntries(
        pairs.filter(([part]) => part.startsWith(':')).map(([part, value]) => [part.slice(1), value]),
      )
    : undefined;
}
