import axios, { type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import { lowerCaseHeaders } from '../retry/rate-limit.js';
import { isReplayable } from './request-body.js';
import type { WireTransport } from './wire-transport.js';

/** As many as an agent of Node keeps. Each that has died is gone, so the next attempt meets another one. */
export const MOST_KEPT_CONNECTIONS = 256;

/** May be sent twice (RFC 9110 §9.2.2), and by their nature carry nothing that is used up. */
const REPEATABLE: readonly unknown[] = ['get', 'head', 'options'];

/** How a connection dies that the other side has closed. */
const CLOSED: readonly unknown[] = ['ECONNRESET', 'EPIPE'];

/** Whether a request may be repeated, and ended without an answer since the connection that was kept for it is gone. */
export function isUnanswered(
  { method, data }: InternalAxiosRequestConfig,
  transport: WireTransport,
  outcome: unknown,
): boolean {
  if (!transport.isReused || !REPEATABLE.includes(method?.toLowerCase() ?? 'get')) return false;
  if (!isReplayable(data)) return false;
  const response = axios.isAxiosError(outcome) ? outcome.response : (outcome as Partial<AxiosResponse>);
  if (response?.status !== undefined) return isGoodbye(response as AxiosResponse);
  const { code, request } = outcome as { readonly code?: unknown; readonly request?: unknown };
  return CLOSED.includes(code) && !hasAnswer(request);
}

/** What a server says that closes an idle connection (RFC 9110 §15.5.9): it crossed the request. */
const isGoodbye = (response: AxiosResponse): boolean =>
  response.status === 408 && /\bclose\b/i.test(String(lowerCaseHeaders(response).connection));

/** Whether the head of an answer came, on Node's own request or on the latest that follow-redirects made. */
function hasAnswer(request: unknown): boolean {
  const { res, _currentRequest: latest } = Object(request) as {
    readonly res?: unknown;
    readonly _currentRequest?: { readonly res?: unknown };
  };
  return Boolean(res ?? latest?.res);
}
