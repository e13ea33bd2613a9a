import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { listening } from './listening.js';

/** A server that is not Asset's. */
export interface ForeignServer {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string;
  /** `127.0.0.1:<port>` */
  readonly host: string;
  /** How many connections it was offered. */
  readonly connections: number;
  /** What it was sent. */
  readonly requests: readonly IncomingMessage[];
}

/** A plain server on a free port of 127.0.0.1 that is closed after the test. Answers 200 unless told otherwise. */
export async function startForeignServer(
  answer: RequestListener = (_request: IncomingMessage, response: ServerResponse) => {
    response.end('{}');
  },
): Promise<ForeignServer> {
  const requests: IncomingMessage[] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  server.on('connection', () => {
    connections += 1;
  });
  const host = await listening(server);
  return {
    origin: `http://${host}`,
    host,
    get connections() {
      return connections;
    },
    requests,
  };
}
