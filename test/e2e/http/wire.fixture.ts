import type { AddressInfo, Socket } from 'node:net';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AssetAuthOptions, AssetHttpService } from 'nestjs-asset-auth';
import { startApplication } from '../../support/application.js';
import { afterThisTest } from '../../support/cleanup.js';

/** An Asset of a few lines that shows every byte that it gets. */
export interface WireServer {
  readonly server: Server;
  readonly origin: string;
  /** What came over each connection, in the order of their opening. */
  readonly bytes: readonly string[];
  readonly sockets: readonly Socket[];
  /** Method and path of the requests to the API that a server makes of the bytes. */
  readonly requests: readonly string[];
  /** The lines of their heads, in lower case. */
  readonly heads: readonly string[];
}

export const TOKEN = 'token-of-asset-0123456789';

/** @param answer - answers requests to the API once their body is there; with `{}` unless it is given */
export async function startWireServer(
  answer: RequestListener = (_request, response) => response.end('{}'),
): Promise<WireServer> {
  const bytes: string[] = [];
  const sockets: Socket[] = [];
  const requests: string[] = [];
  const heads: string[] = [];
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    if (request.url === '/v0/auth/token') {
      request.resume();
      response.end(JSON.stringify({ access_token: TOKEN, token_type: 'Bearer', expires_in: 3600 }));
      return;
    }
    requests.push(`${request.method ?? ''} ${request.url ?? ''}`);
    const raw = request.rawHeaders.map((text, i) => (i % 2 === 0 ? `\r\n${text}: ` : text));
    heads.push(`${raw.join('')}\r\n`.toLowerCase());
    request.on('error', () => {});
    request.resume().on('end', () => {
      answer(request, response);
    });
  });
  server.on('connection', (socket) => {
    const number = sockets.push(socket) - 1;
    bytes.push('');
    socket.on('error', () => {});
    // After Node's own listener, which would read past this one.
    socket.on('data', (chunk: Buffer) => (bytes[number] = (bytes[number] ?? '') + chunk.toString('latin1')));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterThisTest(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { server, origin: `http://127.0.0.1:${port}`, bytes, sockets, requests, heads };
}

/** An application that calls such a server. */
export async function startOnWire(
  answer?: RequestListener,
  options: Partial<AssetAuthOptions> = {},
): Promise<WireServer & { readonly asset: AssetHttpService }> {
  const wire = await startWireServer(answer);
  const { asset } = await startApplication({ options: { baseUrl: wire.origin, ...options } });
  return { ...wire, asset };
}
