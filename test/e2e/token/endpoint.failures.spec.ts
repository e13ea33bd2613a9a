import { createServer, type Socket, type AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { expectNoSecrets, type SandboxFault } from 'nestjs-asset-auth/testing';
import { afterThisTest } from '../../support/cleanup.js';
import { startSandbox } from '../../support/sandbox.js';
import { clientOf, failureOf, SECRET, startServer } from './endpoint.fixture.js';

/** How a request fares whose answer the sandbox spoils, once it is sure that the error holds no secret. */
async function failureAfter(fault: SandboxFault) {
  const sandbox = await startSandbox();
  sandbox.fail('token', fault);
  const fetching = clientOf(sandbox.moduleOptions()).fetch({ scopes: ['ledger:read'] });
  await fetching.catch(() => {});
  return failureOf(fetching, [sandbox.clientSecret, ...sandbox.issuedTokens]);
}

/** A server that does as it likes with each connection. */
async function startRawServer(serve: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', () => {
      serve(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterThisTest(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('A token endpoint that redirects', () => {
  it.each([301, 302, 303, 307, 308] as const)(
    'with %i leads nobody anywhere: the secret would go along',
    async (status) => {
      const elsewhere = await startServer();
      const sandbox = await startSandbox();
      sandbox.fail('token', { redirect: `${elsewhere.url}/steal`, status });
      const fetching = clientOf(sandbox.moduleOptions()).fetch();
      expect((await failureOf(fetching, [sandbox.clientSecret])).error).toMatchObject({
        code: 'ASSET_TOKEN_MALFORMED',
        status,
        retryable: true,
      });
      expect(elsewhere.received).toEqual([]);
      expect(sandbox.tokenRequests).toHaveLength(1);
    },
  );

  it('to another path of its own is not followed either', async () => {
    const { error } = await failureAfter({ redirect: '/v0/auth/token', status: 307 });
    expect(error.code).toBe('ASSET_TOKEN_MALFORMED');
  });
});

describe('A token endpoint that refuses', () => {
  it.each([
    [401, 'ASSET_CREDENTIALS_REJECTED'],
    [403, 'ASSET_SCOPE_REJECTED'],
    [404, 'ASSET_CONFIG_INVALID'],
    [400, 'ASSET_TOKEN_REQUEST_REJECTED'],
    [422, 'ASSET_TOKEN_REQUEST_REJECTED'],
    [429, 'ASSET_TOKEN_THROTTLED'],
    [500, 'ASSET_TOKEN_UNAVAILABLE'],
    [503, 'ASSET_TOKEN_UNAVAILABLE'],
  ])('with %i is understood as %s', async (status, code) => {
    expect((await failureAfter({ status })).error).toMatchObject({ code, status });
  });

  it.each(['message', 'oauth', 'detail', 'empty'] as const)(
    'T42 is understood in whichever format it says why: %s',
    async (errorFormat) => {
      const sandbox = await startSandbox({ errorFormat });
      const client = (options: object) => clientOf({ ...sandbox.moduleOptions(), ...options });
      const rejected = await failureOf(client({ clientSecret: 'wr0ng-secret' }).fetch(), ['wr0ng-secret']);
      expect(rejected.error.code).toBe('ASSET_CREDENTIALS_REJECTED');
      const unknown = client({}).fetch({ businessId: 'biz_unknown' });
      expect((await failureOf(unknown, [sandbox.clientSecret])).error.code).toBe('ASSET_BUSINESS_UNKNOWN');
    },
  );

  it('T43 says which scope the client lacks', async () => {
    const sandbox = await startSandbox({ scopes: ['ledger:read'] });
    const fetching = clientOf(sandbox.moduleOptions()).fetch({ scopes: ['report:read'] });
    const { error, fault } = await failureOf(fetching, [sandbox.clientSecret]);
    expect(error).toMatchObject({ code: 'ASSET_SCOPE_REJECTED', scopes: ['report:read'] });
    expect(fault).toBe('request');
  });

  it('T40 orders a wait', async () => {
    expect(await failureAfter({ status: 429, retryAfter: 7 })).toMatchObject({ orderedWaitMs: 7000 });
    expect(await failureAfter({ status: 503, retryAfter: 864_000 })).toMatchObject({ orderedWaitMs: 60_000 });
  });

  it('T54 gets its own words back without the secret that it echoes', async () => {
    const { url } = await startServer((_request, response) => {
      response.statusCode = 400;
      const basic = Buffer.from(`platform:${SECRET}`).toString('base64');
      response.end(
        JSON.stringify({ error_description: `${SECRET} ${encodeURIComponent(SECRET)}`, detail: basic }),
      );
    });
    const { error } = await failureOf(clientOf({ baseUrl: url }).fetch());
    expect(error.message).toContain('[redacted]');
  });

  it('is understood by its status, however long it goes on about it', async () => {
    const { url } = await startServer((_request, response) => {
      response.writeHead(429, { 'retry-after': '7' });
      const pour = (): void => {
        if (!response.destroyed) response.write('<p>Too many</p>'.repeat(5000), pour);
      };
      pour();
    });
    expect(await failureOf(clientOf({ baseUrl: url }).fetch())).toMatchObject({
      error: { code: 'ASSET_TOKEN_THROTTLED' },
      orderedWaitMs: 7000,
    });
  });
});

describe('A token endpoint that answers 200 with something else', () => {
  it.each([
    ['HTML', '<html><body>Welcome to the hotel WLAN</body></html>'],
    ['nothing', ''],
    ['half of it', '{"access_token":"issued-token","expires'],
    ['a list', '[{"access_token":"issued-token"}]'],
    ['null', 'null'],
    ['a number', '42'],
    ['text', '"issued-token"'],
    ['a token that is none', '{"access_token":"issued-token\\r\\nX: y"}'],
    ['another type of token', '{"access_token":"issued-token","token_type":"DPoP"}'],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
  ])('T55 such as %s is malformed, and the error repeats nothing of it', async (_name, body) => {
    const { error, ...failed } = await failureAfter({ body });
    expect(error).toMatchObject({ code: 'ASSET_TOKEN_MALFORMED', status: 200 });
    expect(failed).toEqual({ fault: 'unclear', orderedWaitMs: undefined });
    expectNoSecrets(error, ['issued-token', 'hotel WLAN']);
  });

  it('T55 is malformed with a real token and one field that spoils it', async () => {
    const { error } = await failureAfter({ fields: { token_type: 'mac' } });
    expect(error.code).toBe('ASSET_TOKEN_MALFORMED');
  });

  it('is refused, were it never to end', async () => {
    expect((await failureAfter({ endless: true })).error.code).toBe('ASSET_TOKEN_MALFORMED');
  });

  it.each([
    [200, true],
    [512, false],
  ])('is read up to a length that no token answer has: %i kilobytes', async (kilobytes, isRead) => {
    const { url } = await startServer((_request, response) =>
      response.end(`{"access_token":"issued-token"${' '.repeat(kilobytes * 1024)}}`),
    );
    const fetching = clientOf({ baseUrl: url }).fetch();
    if (isRead) expect((await fetching).value).toBe('issued-token');
    else expect((await failureOf(fetching)).error.code).toBe('ASSET_TOKEN_MALFORMED');
  });

  it('gets its connection back once enough of it was read', async () => {
    const closed = new Promise<void>((resolve) => {
      void startServer((_request, response) => {
        response.on('close', resolve);
        const pour = (): void => {
          if (!response.destroyed) response.write(Buffer.alloc(64 * 1024, 'x'), pour);
        };
        pour();
      }).then(({ url }) => failureOf(clientOf({ baseUrl: url }).fetch()));
    });
    await closed;
  });

  it('is not read to its end when a few bytes unpack to a hundred megabytes', async () => {
    const bomb = gzipSync(`{"access_token":"issued-token"${' '.repeat(100 * 1024 * 1024)}}`);
    const { url } = await startServer((_request, response) => {
      response.setHeader('content-encoding', 'gzip');
      response.end(bomb);
    });
    const { error } = await failureOf(clientOf({ baseUrl: url }).fetch());
    expect(error.code).toBe('ASSET_TOKEN_MALFORMED');
  });

  it('is understood when it is a token answer, packed', async () => {
    const { url } = await startServer((_request, response) => {
      response.setHeader('content-encoding', 'gzip');
      response.end(gzipSync('{"access_token":"issued-token"}'));
    });
    expect((await clientOf({ baseUrl: url }).fetch()).value).toBe('issued-token');
  });

  it('is unavailable when what should be packed is not', async () => {
    const { url } = await startServer((_request, response) => {
      response.setHeader('content-encoding', 'gzip');
      response.end('{"access_token":"issued-token"}');
    });
    expect((await failureOf(clientOf({ baseUrl: url }).fetch())).error.code).toBe('ASSET_TOKEN_UNAVAILABLE');
  });
});

describe('A token endpoint that cannot be reached', () => {
  const UNAVAILABLE = { fault: 'unavailable', orderedWaitMs: undefined };

  it('because nobody listens is unavailable, and the error says so', async () => {
    const { url, server } = await startServer();
    await new Promise((resolve) => server.close(resolve));
    const { error, ...failed } = await failureOf(clientOf({ baseUrl: url }).fetch());
    expect(error).toMatchObject({ code: 'ASSET_TOKEN_UNAVAILABLE', retryable: true });
    expect(error.message).toContain('ECONNREFUSED');
    expect(error.cause).toMatchObject({ code: 'ECONNREFUSED' });
    expect(failed).toEqual(UNAVAILABLE);
  });

  it('at any of several addresses is described as well as at one', async () => {
    const { port, server } = await startServer();
    await new Promise((resolve) => server.close(resolve));
    const { error } = await failureOf(clientOf({ baseUrl: `http://localhost:${port}` }).fetch());
    expect(error.message).toContain('ECONNREFUSED');
  });

  it.each([
    ['resets the connection', { reset: true }],
    ['breaks off half-way', { truncated: true }],
  ] as const)('because it %s is unavailable', async (_name, fault) => {
    const { error, ...failed } = await failureAfter(fault);
    expect(error).toMatchObject({ code: 'ASSET_TOKEN_UNAVAILABLE', retryable: true });
    expect(error).not.toHaveProperty('status');
    expect(failed).toEqual(UNAVAILABLE);
  });

  it.each([
    ['no HTTP', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['a header that is none', 'HTTP/1.1 200 OK\r\nissued-token\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 9\r\n\r\n'],
    ['headers without end', `HTTP/1.1 200 OK\r\nx: ${'issued-token'.repeat(10_000)}\r\n\r\n`],
    ['nothing', ''],
  ])('because it talks %s is unavailable', async (_name, answer) => {
    const url = await startRawServer((socket) => socket.end(answer));
    const { error } = await failureOf(clientOf({ baseUrl: url }).fetch());
    expect(error.code).toBe('ASSET_TOKEN_UNAVAILABLE');
  });

  it('is reached again over a new connection after it hung up on the last one', async () => {
    const sandbox = await startSandbox();
    sandbox.fail('token', { reset: true });
    const client = clientOf(sandbox.moduleOptions());
    await failureOf(client.fetch(), [sandbox.clientSecret]);
    await client.fetch();
  });
});

describe('A token endpoint that is slow', () => {
  it('T53 is left at once when the deadline passes, before it answers at all', async () => {
    const sandbox = await startSandbox();
    sandbox.fail('token', { hang: true });
    const deadline = new AbortController();
    const fetching = clientOf(sandbox.moduleOptions()).fetch({}, deadline.signal);
    await sandbox.waitForRequest('token');
    const reason = new Error('deadline');
    deadline.abort(reason);
    await expect(fetching).rejects.toBe(reason);
  });

  it('T53 is left at once when the deadline passes, in the middle of its answer', async () => {
    const deadline = new AbortController();
    const reason = new Error('deadline');
    const { url } = await startServer((_request, response) => {
      response.write('{"access_token":', () => {
        deadline.abort(reason);
      });
    });
    await expect(clientOf({ baseUrl: url }).fetch({}, deadline.signal)).rejects.toBe(reason);
  });

  it('T53 is left at once when the deadline passes, after it changed to another protocol', async () => {
    const deadline = new AbortController();
    const reason = new Error('deadline');
    const url = await startRawServer((socket) => {
      socket.on('close', () => {
        deadline.abort(reason);
      });
      socket.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n');
    });
    await expect(clientOf({ baseUrl: url }).fetch({}, deadline.signal)).rejects.toBe(reason);
  });

  it('T53 is not even asked when the deadline has passed', async () => {
    const { url, received } = await startServer();
    const reason = new Error('deadline');
    await expect(clientOf({ baseUrl: url }).fetch({}, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(received).toEqual([]);
  });

  it.each([0, 1, 2, 3, 4, 5, 6])(
    'T53 nor when it passes %i turns after the secret was read',
    async (turns) => {
      const { url, received } = await startServer();
      const deadline = new AbortController();
      const passes = async (): Promise<void> => {
        for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
        deadline.abort(new Error('deadline'));
      };
      const clientSecret = (): Promise<string> => {
        const read = Promise.resolve(SECRET);
        void read.then(passes);
        return read;
      };
      const client = clientOf({ baseUrl: url, clientSecret });
      await client.fetch({}, deadline.signal).catch(() => {});
      expect(deadline.signal.aborted).toBe(true);
      await clientOf({ baseUrl: url }).fetch();
      expect(received).toHaveLength(1);
    },
  );

  it('is waited for as long as the deadline allows', async () => {
    const sandbox = await startSandbox();
    const hold = sandbox.hold('token');
    const fetching = clientOf(sandbox.moduleOptions()).fetch();
    await sandbox.waitForRequest('token');
    hold.release();
    expect((await fetching).value).toBe(sandbox.issuedTokens[0]);
  });
});
