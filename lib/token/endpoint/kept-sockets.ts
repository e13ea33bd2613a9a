import type { Agent, ClientRequest } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Servers close idle connections, and may do so in the moment in which a request goes out on one. Such a request was
 * never looked at, and says nothing of the server (nodejs/node#47130, RFC 9112 §9.3.1). One that fails on a new
 * connection has failed.
 */

/** As many as an agent of Node keeps. Each that has died is gone, so the next attempt meets another one. */
export const MOST_KEPT_SOCKETS = 256;

/** How a connection ends that the other side has closed. */
const CLOSED: readonly unknown[] = ['ECONNRESET', 'EPIPE', 'ECONNABORTED'];

/** Sockets that brought an answer: to a request that waited for one, Node does not say that it is used again. */
const used = new WeakSet<Socket>();

/** Node's own request; the one of follow-redirects stands for several. */
function latest(
  request: unknown,
): Partial<ClientRequest> & { readonly agent?: Agent; readonly res?: unknown } {
  const { _currentRequest } = Object(request) as { readonly _currentRequest?: ClientRequest };
  return (_currentRequest ?? Object(request)) as Partial<ClientRequest>;
}

/** Notes that the socket of a request brought its answer. Only where requests may wait for one does that matter. */
export function noteAnswer(nodeRequest: unknown): void {
  const { socket, agent } = latest(nodeRequest);
  if (socket && agent !== undefined && Number.isFinite(agent.maxSockets)) used.add(socket);
}

function isReused(nodeRequest: unknown): boolean {
  const { reusedSocket, socket } = latest(nodeRequest);
  return reusedSocket === true || (typeof socket === 'object' && socket !== null && used.has(socket));
}

/** Whether a request failed without any answer on a socket that had served another before. */
export function isDeadSocket(error: unknown): boolean {
  const { request, response, code } = Object(error) as Readonly<Record<string, unknown>>;
  return response === undefined && CLOSED.includes(code) && !latest(request).res && isReused(request);
}

/** Whether the answer was meant for the connection, which had been idle for too long (RFC 9110 §15.5.9). */
export function isIdleTimeout({
  status,
  headers,
  request,
}: {
  readonly status: number;
  readonly headers?: object;
  readonly request?: unknown;
}): boolean {
  if (status !== 408 || !isReused(request)) return false;
  const connection = Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === 'connection');
  return /\bclose\b/i.test(String(connection?.[1]));
}
