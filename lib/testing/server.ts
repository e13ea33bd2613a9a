import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate } from 'node:timers';
import type { Answer } from './answer.js';
import type { SandboxFault } from './faults.js';

const ENDLESS_CHUNK = Buffer.alloc(16 * 1024, 'x');

/** An HTTP server on 127.0.0.1 that can be closed at once, whatever its clients are doing. */
export class LoopbackServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #port = 0;
  #closing: Promise<void> | undefined;

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  /** @throws Error with Node's `code` if the port cannot be had. */
  static listen(port: number, listener: RequestListener): Promise<LoopbackServer> {
    // No time limits: a test decides how slow its client may be, and a connection that the server closes just as the
    // client reuses it would be a failure that nobody scripted.
    const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 }, listener);
    const loopback = new LoopbackServer(server);
    return new Promise((resolve, reject) => {
      server.once('error', (cause: NodeJS.ErrnoException) => {
        const message =
          `AssetSandbox could not listen on 127.0.0.1:${port} (${cause.code ?? cause.message}). ` +
          'Choose another `port`, or leave it out to get a free one.';
        reject(Object.assign(new Error(message, { cause }), { code: cause.code }));
      });
      server.listen(port, '127.0.0.1', () => {
        // Kept, since a closed server no longer knows it.
        loopback.#port = (server.address() as AddressInfo).port;
        resolve(loopback);
      });
    });
  }

  get port(): number {
    return this.#port;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
      for (const socket of this.#sockets) {
        socket.destroy();
      }
    });
    return this.#closing;
  }
}

/** Reads up to `limit` bytes; `undefined` if the client left before its request was complete. */
export function readBody(
  message: IncomingMessage,
  limit: number,
): Promise<{ readonly bytes: Buffer; readonly isTooLarge: boolean } | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    message.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit) {
        chunks.push(chunk);
      } else {
        // The rest is read and dropped: a client that is still sending would not read its answer.
        resolve({ bytes: Buffer.concat(chunks), isTooLarge: true });
      }
    });
    message.on('end', () => {
      resolve({ bytes: Buffer.concat(chunks), isTooLarge: false });
    });
    message.on('close', () => {
      resolve(undefined);
    });
  });
}

/** Sends the answer, unless the fault resets the connection, breaks it off half-way or never lets the body end. */
export function deliver(response: ServerResponse, answer: Answer, fault: SandboxFault | undefined): void {
  if (fault !== undefined && 'reset' in fault) {
    response.socket?.resetAndDestroy();
    return;
  }
  // Node's own Date header would show the machine's clock instead of the sandbox's.
  response.sendDate = false;
  response.statusCode = answer.status;
  for (const [name, value] of Object.entries(answer.headers)) {
    response.setHeader(name, value);
  }
  if (fault !== undefined && 'endless' in fault) {
    response.write('{"access_token":"');
    pour(response);
  } else if (fault !== undefined && 'truncated' in fault) {
    const body = Buffer.from(answer.body);
    response.setHeader('content-length', Math.max(1, body.length));
    response.flushHeaders();
    response.write(body.subarray(0, body.length >> 1), () => response.socket?.destroy());
  } else {
    response.end(answer.body);
  }
}

/** Writes without end, no faster than the client reads, and one chunk per turn so that the process stays responsive. */
function pour(response: ServerResponse): void {
  if (response.destroyed) {
    return;
  }
  const next = (): void => {
    setImmediate(pour, response);
  };
  if (response.write(ENDLESS_CHUNK)) {
    next();
  } else {
    response.once('drain', next);
  }
}
