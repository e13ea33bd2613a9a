import axios from 'axios';
import { Agent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { afterThisTest } from '../../support/cleanup.js';
import { type RunningApplication, startApplication } from '../../support/application.js';
import { startSandbox } from '../../support/sandbox.js';
import { rejectionOf } from '../../support/token-time.js';
import { clientOf, failureOf, startServer } from './endpoint.fixture.js';

describe('A token request', () => {
  it('goes through the proxy of the option http', async () => {
    const target = await startServer();
    const proxy = await startServer();
    const client = clientOf({
      baseUrl: target.url,
      http: {
        proxy: { host: '127.0.0.1', port: proxy.port, auth: { username: 'u', password: 'pr0xy-pass' } },
      },
    });
    await client.fetch();
    expect(proxy.received.map(({ url }) => url)).toEqual([`${target.url}/v0/auth/token`]);
    expect(proxy.received[0]!.headers['proxy-authorization']).toMatch(/^Basic /);
    expect(target.received).toEqual([]);
  });

  it('T54 does not tell the password of a proxy that cannot be reached', async () => {
    const proxy = await startServer();
    await new Promise((resolve) => proxy.server.close(resolve));
    const client = clientOf({
      baseUrl: 'http://127.0.0.1:9',
      http: {
        proxy: { host: '127.0.0.1', port: proxy.port, auth: { username: 'u', password: 'pr0xy-pass' } },
      },
    });
    const { error } = await failureOf(client.fetch(), ['pr0xy-pass']);
    expect(error.code).toBe('ASSET_TOKEN_UNAVAILABLE');
  });

  it('follows no redirect through a proxy either', async () => {
    const elsewhere = await startServer();
    const proxy = await startServer((_request, response) => {
      response.writeHead(307, { location: `${elsewhere.url}/steal` }).end();
    });
    const http = { proxy: { host: '127.0.0.1', port: proxy.port } };
    const { error } = await failureOf(clientOf({ baseUrl: 'http://127.0.0.1:9', http }).fetch());
    expect(error).toMatchObject({ code: 'ASSET_TOKEN_MALFORMED', status: 307 });
    expect(elsewhere.received).toEqual([]);
    expect(proxy.received).toHaveLength(1);
  });

  it('uses the agent, the lookup and the like of the option http', async () => {
    const { port, received } = await startServer();
    const sockets: string[] = [];
    class CountingAgent extends Agent {
      override createConnection(...given: Parameters<Agent['createConnection']>) {
        sockets.push('opened');
        return super.createConnection(...given);
      }
    }
    const httpAgent = new CountingAgent();
    afterThisTest(() => {
      httpAgent.destroy();
    });
    const lookups: string[] = [];
    const lookup = (hostname: string): [string, 4] => {
      lookups.push(hostname);
      return ['127.0.0.1', 4];
    };
    const client = clientOf({
      baseUrl: `http://localhost:${port}`,
      http: {
        httpAgent,
        lookup: ((name: string, _options: object, done: (...found: unknown[]) => void) => {
          done(null, ...lookup(name));
        }) as never,
      },
    });
    await client.fetch();
    expect(sockets).toEqual(['opened']);
    expect(lookups).toEqual(['localhost']);
    expect(received).toHaveLength(1);
  });

  it('takes nothing else of the option http: no headers, transforms, parameters, checks or time limits', async () => {
    const { url, received } = await startServer();
    const called: string[] = [];
    const client = clientOf({
      baseUrl: url,
      http: {
        headers: { 'x-mine': 'yes', common: { 'x-common': 'yes' } } as never,
        transformRequest: [
          () => {
            called.push('transformRequest');
            return 'changed';
          },
        ],
        transformResponse: [
          () => {
            called.push('transformResponse');
            return {};
          },
        ],
        paramsSerializer: () => {
          called.push('paramsSerializer');
          return 'a=b';
        },
        validateStatus: () => {
          called.push('validateStatus');
          return false;
        },
        beforeRedirect: () => {
          called.push('beforeRedirect');
        },
        onUploadProgress: () => {
          called.push('onUploadProgress');
        },
        maxBodyLength: 1,
        maxContentLength: 1,
        timeout: 1,
        responseType: 'arraybuffer',
        maxRedirects: 20,
      },
    });
    expect((await client.fetch()).value).toBe('issued-token');
    expect(called).toEqual([]);
    expect(received[0]!.headers).not.toHaveProperty('x-mine');
    expect(received[0]!.headers).not.toHaveProperty('x-common');
    expect(received[0]!.url).toBe('/v0/auth/token');
    expect(received[0]!.body).toContain('client_id=platform');
  });

  it('is not decided on by a polluted prototype', async () => {
    const sandbox = await startSandbox();
    const client = clientOf(sandbox.moduleOptions());
    const cancelled = axios.CancelToken.source();
    cancelled.cancel('polluted');
    Object.defineProperty(Object.prototype, 'cancelToken', { value: cancelled.token, configurable: true });
    afterThisTest(() => Reflect.deleteProperty(Object.prototype, 'cancelToken'));
    await client.fetch();
  });

  it('goes over a connection that is kept alive', async () => {
    const sandbox = await startSandbox();
    const client = clientOf(sandbox.moduleOptions());
    await client.fetch();
    await client.fetch();
    expect(sandbox.connections).toBe(1);
  });
});

describe('An agent of the application that is out of sockets', () => {
  const slow = async (agent: Agent): Promise<RunningApplication> => {
    const application = await startApplication({ options: { http: { httpAgent: agent } } });
    afterThisTest(() => {
      agent.destroy();
    });
    const { asset, sandbox } = application;
    await asset.axiosRef.get('/v0/business');
    const hold = sandbox.hold('api');
    const calls = [1, 2].map(() => asset.axiosRef.get('/v0/business'));
    afterThisTest(async () => {
      hold.release();
      await Promise.allSettled(calls);
    });
    await sandbox.waitForRequest('api', { count: 3 });
    return application;
  };

  it('T97 keeps no token request waiting', async () => {
    const { tokens } = await slow(new Agent({ keepAlive: true, maxSockets: 2 }));
    await expect(tokens.getAccessToken({ scopes: ['report:read'] })).resolves.toBeDefined();
  });

  it('T97 is named, and the endpoint is not blamed, where it must be used for tokens as well', async () => {
    class OtherWay extends Agent {}
    const { tokens, sandbox, clock } = await slow(new OtherWay({ keepAlive: true, maxSockets: 2 }));
    const calls = Array.from({ length: 4 }, (_, i) =>
      rejectionOf(tokens.getAccessToken({ scopes: [`scope:${i}`] })),
    );
    for (let turns = 0; turns < 20; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(10_000);
    for (const error of await Promise.all(calls)) {
      expect(error).toMatchObject({ code: 'ASSET_TOKEN_UNAVAILABLE', retryable: true });
      expect(String(error)).toContain('maxSockets');
    }
    expect(sandbox.tokenRequests).toHaveLength(1);
    expect(tokens.peekAccessToken()).toBeDefined();
  });
});

describe('The connections of a client', () => {
  it('T50 are closed with it', async () => {
    const { url } = await startServer();
    const client = clientOf({ baseUrl: url });
    await client.fetch();
    const sockets = Object.values((client.connections.route.httpAgent as Agent).freeSockets).flat();
    expect(sockets.map((socket) => socket?.destroyed)).toEqual([false]);
    client.connections.onApplicationShutdown();
    client.connections.onApplicationShutdown();
    expect(sockets.map((socket) => socket?.destroyed)).toEqual([true]);
  });

  it('are left alone where the application brought the agent', () => {
    const destroyed: string[] = [];
    class OwnAgent extends Agent {
      override destroy(): void {
        destroyed.push('http');
        super.destroy();
      }
    }
    class OwnHttpsAgent extends HttpsAgent {
      override destroy(): void {
        destroyed.push('https');
        super.destroy();
      }
    }
    const http = { httpAgent: new OwnAgent(), httpsAgent: new OwnHttpsAgent() };
    const { connections } = clientOf({ baseUrl: 'http://127.0.0.1:9', http });
    expect(connections.route).toMatchObject(http);
    connections.onApplicationShutdown();
    expect(destroyed).toEqual([]);
  });

  it('are of its own where the application brought no agent, and differ from client to client', () => {
    const { connections } = clientOf({ baseUrl: 'http://127.0.0.1:9' });
    const other = clientOf({ baseUrl: 'http://127.0.0.1:9' }).connections;
    expect(connections.route.httpAgent).toBeInstanceOf(Agent);
    expect(connections.route.httpsAgent).toBeInstanceOf(HttpsAgent);
    expect(connections.route.httpAgent).not.toBe(other.route.httpAgent);
    expect(connections.route.httpsAgent).not.toBe(other.route.httpsAgent);
  });

  it.each([undefined, null, false])(
    'leave a proxy of the environment aside on plain http, where the options give %p',
    (proxy) => {
      const http = { proxy: proxy as undefined };
      expect(clientOf({ baseUrl: 'http://127.0.0.1:9', http }).connections.route.proxy).toBe(false);
      expect(clientOf({ baseUrl: 'https://asset.example', http }).connections.route.proxy).toBe(proxy);
    },
  );

  it('take of the option http what decides the way, and nothing else', () => {
    const http = {
      proxy: false,
      family: 4,
      socketPath: '/tmp/asset.sock',
      timeout: 5,
      headers: { a: 'b' },
    } as const;
    const { connections } = clientOf({ baseUrl: 'http://127.0.0.1:9', http });
    expect(Object.keys(connections.route).sort()).toEqual([
      'family',
      'httpAgent',
      'httpsAgent',
      'proxy',
      'socketPath',
    ]);
  });
});
