import type { IncomingHttpHeaders } from 'node:http';
import { type Answer, invalid } from './answer.js';
import type { BusinessRecord, SandboxState } from './state.js';

/** The handler of one method and path, and the scope that it demands. */
export interface Route {
  /** `*` for any method. */
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

/** A call that has passed the bearer check, and whose business exists. */
export interface RouteCall {
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: Readonly<IncomingHttpHeaders>;
  readonly body: Buffer;
  readonly state: SandboxState;
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

/** The routes on the target's path, whatever their method. */
export function routesOnPath(routes: readonly Route[], { segments }: RequestTarget): readonly RouteMatch[] {
  return routes.flatMap((candidate) => {
    const params = matchSegments(candidate.segments, segments);
    return params === undefined ? [] : [{ route: candidate, params }];
  });
}

/** A request's path and query, parsed. */
export interface RequestTarget {
  /** Decoded path segments. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  /** The business that the path is under, or `undefined` for a tenant-level path. */
  readonly businessId: string | undefined;
  readonly isTokenEndpoint: boolean;
}

/** Reads the target as it came, without normalising it: two paths that a client writes differently stay different. */
export function parseTarget(target: string): RequestTarget {
  // A client that takes the sandbox for its proxy sends the absolute form (RFC 9112 §3.2.2).
  const [path = '', ...query] = target.replace(/^https?:\/\/[^/?#]*/i, '').split('?');
  const segments = path.split('/').slice(1).map(decode);
  const isBusinessLevel = segments[0] === 'v0' && segments[1] === 'business';
  return {
    segments,
    query: new URLSearchParams(query.join('?')),
    businessId: isBusinessLevel ? segments[2] : undefined,
    isTokenEndpoint: segments.join('/') === 'v0/auth/token',
  };
}

/** A JSON object whose fields are not checked yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** @throws HttpProblem 422 unless the body is a JSON object sent as JSON. */
export function readJsonObject({ headers, body }: RouteCall): JsonObject {
  if (!/^application\/([\w.-]+\+)?json\b/i.test(headers['content-type'] ?? '')) {
    throw invalid('The body must be sent with content-type application/json.');
  }
  const value = parseJson(body.toString('utf8'));
  if (!isJsonObject(value)) {
    throw invalid('The body must be a JSON object.');
  }
  return value;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @throws HttpProblem 422 unless `name` is a string with more than white space. */
export function readName(name: unknown): string {
  if (typeof name !== 'string' || name.trim() === '') {
    throw invalid('name must be a non-empty string.');
  }
  return name;
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

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
