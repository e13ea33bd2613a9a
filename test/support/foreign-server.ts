import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterThisTest } from './cleanup.js';

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
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  afterThisTest(
    () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(resolve);
      }),
  );
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin: `http://${host}`,
    host,
    get connections() {
      return connections;
    },
    requests,
  };
}
