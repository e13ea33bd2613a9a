import { jest } from '@jest/globals';
import { type Agent, createServer as createHttpServer } from 'node:http';
import { Agent as HttpsAgent, createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterThisTest } from '../../support/cleanup.js';
import { CERTIFICATE, EXPIRED_CERTIFICATE, FOREIGN_CERTIFICATE, KEY } from './certificates.fixture.js';
import { clientOf, failureOf, startServer } from './endpoint.fixture.js';

async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterThisTest(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

/** A proxy that does as it likes with each `CONNECT`. */
const startProxy = (answer: (socket: Socket) => void): Promise<number> =>
  listening(
    createServer((socket) => {
      socket.once('data', () => {
        answer(socket);
      });
    }),
  );

const throughProxy = (port: number, httpsAgent?: HttpsAgent) =>
  clientOf({
    baseUrl: 'https://localhost',
    http: { proxy: { host: '127.0.0.1', port }, ...(httpsAgent && { httpsAgent }) },
  });

/** An endpoint with this certificate, and an agent that trusts it. */
async function startSecureServer(cert: string): Promise<{ port: number; trusting: HttpsAgent }> {
  const server = createHttpsServer({ key: KEY, cert }, (request, response) => {
    request.resume().on('end', () => response.end('{"access_token":"issued-token"}'));
  });
  const port = await listening(server);
  const trusting = new HttpsAgent({ ca: cert });
  afterThisTest(() => {
    trusting.destroy();
  });
  return { port, trusting };
}

describe('T91 a proxy that opens no tunnel', () => {
  it.each([
    ['401 Unauthorized', ''],
    ['403 Forbidden', ''],
    ['403 Forbidden', '{"error":"invalid_client"}'],
    ['403 Forbidden', '<html>Blocked</html>'],
    ['404 Not Found', ''],
    ['407 Proxy Authentication Required', ''],
    ['400 Bad Request', '{"error":"invalid_scope"}'],
    ['201 Created', '{"access_token":"issued-token"}'],
  ])('gives no answer of the endpoint: %s %s', async (status, body) => {
    const port = await startProxy((socket) => socket.end(`HTTP/1.1 ${status}\r\n\r\n${body}`));
    const { error, fault } = await failureOf(throughProxy(port).fetch({ businessId: 'biz_1' }));
    expect(error).toMatchObject({
      code: 'ASSET_TOKEN_UNAVAILABLE',
      retryable: true,
      status: Number.parseInt(status, 10),
    });
    expect(fault).toBe('unavailable');
    expect(error.reason).toMatch(/proxy answered.*tokenPath/);
  });

  it('is not blamed for what the endpoint itself says through the tunnel', async () => {
    const { port: endpoint, trusting } = await startSecureServer(CERTIFICATE);
    const port = await startProxy((socket) => {
      const onward = connect(endpoint, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        onward.pipe(socket).pipe(onward);
      });
      onward.on('error', () => {});
    });
    expect((await throughProxy(port, trusting).fetch()).value).toBe('issued-token');
  });
});

describe('T100 a connection', () => {
  it('may take a proxy longer to open than one of ours may idle', async () => {
    // Axios and its agent for proxies take their timers from here; sockets have Node's own.
    jest.useFakeTimers({
      doNotFake: [
        'Date',
        'hrtime',
        'nextTick',
        'performance',
        'queueMicrotask',
        'setImmediate',
        'clearImmediate',
        'setInterval',
        'clearInterval',
      ],
    });
    afterThisTest(() => {
      jest.useRealTimers();
    });
    let ask: (socket: Socket) => void;
    const asked = new Promise<Socket>((resolve) => {
      ask = resolve;
    });
    const port = await startProxy((socket) => {
      ask(socket);
    });
    const failing = failureOf(throughProxy(port).fetch());
    const socket = await asked;
    await jest.advanceTimersByTimeAsync(9000);
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    expect((await failing).error).toMatchObject({ code: 'ASSET_TOKEN_UNAVAILABLE', status: 502 });
  });

  it('has no time-out of its own while it is in use, and five seconds when it idles', async () => {
    const { url, server } = await startServer();
    server.keepAliveTimeout = 60_000;
    const client = clientOf({ baseUrl: url });
    const agent = client.connections.route.httpAgent as Agent;
    const timeouts: unknown[] = [];
    const createConnection = agent.createConnection.bind(agent);
    agent.createConnection = (options, ...rest) => {
      timeouts.push((options as { timeout?: number }).timeout);
      return createConnection(options, ...rest);
    };
    await client.fetch();
    await client.fetch();
    const idle = Object.values(agent.freeSockets).flat();
    expect(timeouts).toEqual([undefined]);
    expect(idle.map((socket) => socket?.timeout)).toEqual([5000]);
  });

  it('idles for less where the server says so', async () => {
    const server = createHttpServer({ keepAliveTimeout: 3000 }, (request, response) => {
      request.resume().on('end', () => response.end('{"access_token":"issued-token"}'));
    });
    const client = clientOf({ baseUrl: `http://127.0.0.1:${await listening(server)}` });
    await client.fetch();
    const idle = Object.values((client.connections.route.httpAgent as Agent).freeSockets).flat();
    expect(idle.map((socket) => (socket?.timeout ?? 0) > 0 && socket!.timeout! < 3000 + 1)).toEqual([true]);
  });

  it.each([
    ['an unknown CA', CERTIFICATE, false, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['an expired one', EXPIRED_CERTIFICATE, true, 'CERT_HAS_EXPIRED'],
    ['one for another name', FOREIGN_CERTIFICATE, true, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ])('names the certificate and the cure: %s', async (_what, cert, isTrusted, code) => {
    const { port, trusting } = await startSecureServer(cert);
    const http = isTrusted ? { httpsAgent: trusting } : {};
    const { error } = await failureOf(clientOf({ baseUrl: `https://localhost:${port}`, http }).fetch());
    expect(error).toMatchObject({ code: 'ASSET_TOKEN_UNAVAILABLE', cause: { code } });
    expect(error.reason).toMatch(/certificate.*NODE_EXTRA_CA_CERTS.*\bca\b/);
  });

  it('that fails otherwise says nothing of certificates', async () => {
    const { url, server } = await startServer();
    await new Promise((resolve) => server.close(resolve));
    const { error } = await failureOf(clientOf({ baseUrl: url }).fetch());
    expect(error.reason).not.toContain('certificate');
    expect(error.reason).not.toContain('by itself');
  });
});
