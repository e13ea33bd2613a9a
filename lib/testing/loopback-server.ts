import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

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
    // No time limits of the server's own: a test decides how slow its client may be, and an idle connection that the
    // server closes just as the client takes it up again would be a failure nobody scripted.
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
