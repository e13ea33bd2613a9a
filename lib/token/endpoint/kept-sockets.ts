/**
 * Servers close idle connections, and may do so in the moment in which a request goes out on one. Such a request was
 * never looked at, and says nothing of the server (nodejs/node#47130, RFC 9112 §9.3.1).
 */

const DEAD: readonly unknown[] = ['ECONNRESET', 'EPIPE', 'ECONNABORTED'];

/** What Node tells of a request. */
interface SentOn {
  readonly reusedSocket?: boolean;
}

const isReused = (request: unknown): boolean => (Object(request) as SentOn).reusedSocket === true;

/** Whether a request failed without any answer on a socket that had served another before. */
export function isDeadSocket(error: unknown): boolean {
  const { request, response, code } = Object(error) as Readonly<Record<string, unknown>>;
  return response === undefined && DEAD.includes(code) && isReused(request);
}

/** Whether the answer was meant for the connection, which had been idle for too long (RFC 9110 §15.5.9). */
export const isIdleTimeout = ({ status, request }: { status: number; request?: unknown }): boolean =>
  status === 408 && isReused(request);
