import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { Socket } from 'node:net';
import { listening } from './listening.js';

/** How a {@link startClosingServer} ends a connection that it had kept. */
export type Ending = 'RST' | 'FIN' | '408' | 'RST after the answer' | 'FIN after the answer';

/** A server that closes kept connections. */
export interface ClosingServer {
  readonly origin: string;
  /** Requests that got an answer. */
  readonly answered: number;
  /** Requests that met the end of their connection. */
  readonly dropped: number;
}

/**
 * A server that answers the first request of each connection and ends the connection when the second comes, or right after
 * the first answer, by turns as told. Token requests get a token, all others an empty object.
 *
 * @param endings - by turns; `undefined`: this connection serves another request
 * @param endsNew - whether a new connection meets its end with its first request
 * @param tls - key and certificate, for a server of https
 */
export async function startClosingServer(
  endings: (number: number) => Ending | undefined,
  { endsNew = false, tls }: { readonly endsNew?: boolean; readonly tls?: ServerOptions } = {},
): Promise<ClosingServer> {
  const counts = { answered: 0, dropped: 0 };
  const served = new WeakMap<Socket, number>();
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request;
    const number = served.get(socket) ?? 0;
    served.set(socket, number + 1);
    const ending = number > 0 || endsNew ? endings(counts.answered + counts.dropped) : undefined;
    const isDropped = ending === 'RST' || ending === 'FIN' || ending === '408';
    counts[isDropped ? 'dropped' : 'answered'] += 1;
    if (ending === 'RST') socket.resetAndDestroy();
    else if (ending === 'FIN') socket.destroy();
    else if (ending === '408') response.writeHead(408, { connection: 'close' }).end();
    else {
      const token = { access_token: `token-${counts.answered}`, token_type: 'Bearer', expires_in: 3600 };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(request.url?.includes('/auth/') === true ? token : {}), () => {
        if (ending === 'RST after the answer') socket.resetAndDestroy();
        if (ending === 'FIN after the answer') socket.end();
      });
    }
  };
  const server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer);
  server.keepAliveTimeout = 0;
  const host = await listening(server);
  return {
    origin: `${tls === undefined ? 'http' : 'https'}://${host}`,
    get answered() {
      return counts.answered;
    },
    get dropped() {
      return counts.dropped;
    },
  };
}
