import type { Answer } from './http.answer.js';
import { businessRoute, route, type Route, type RouteCall } from './sandbox.router.js';

/** Not part of Asset: any method, any body, which comes back byte for byte with its content type. */
export function echoRoutes(): readonly Route[] {
  return [route('*', '/v0/echo', undefined, echo), businessRoute('*', '/echo', undefined, echo)];
}

function echo({ headers, body }: RouteCall): Answer {
  return {
    status: 200,
    headers: { 'content-type': headers['content-type'] ?? 'application/octet-stream' },
    body,
  };
}
