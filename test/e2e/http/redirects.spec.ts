import type { AssetSandbox } from 'nestjs-asset-auth/testing';
import { once } from 'node:events';
import http, { Agent } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { firstValueFrom } from 'rxjs';
import { startApplication } from '../../support/application.js';
import { afterThisTest } from '../../support/cleanup.js';
import { failureOf } from '../../support/failure-of.js';
import { startForeignServer } from '../../support/foreign-server.js';

const NOT_ALLOWED = 'ASSET_REQUEST_NOT_ALLOWED';

/** An application, and a server that must not hear from it. */
async function start(options: NonNullable<Parameters<typeof startApplication>[0]>['options'] = {}) {
  const evil = await startForeignServer();
  const application = await startApplication({ options });
  const [business] = application.sandbox.businesses;
  return { ...application, evil, business: business! };
}

/** Every request but those for the echo is redirected, however often it is sent. */
function redirecting(
  sandbox: AssetSandbox,
  redirect: string,
  status: 301 | 302 | 303 | 307 | 308 = 307,
): void {
  const when = ({ path }: { readonly path: string }): boolean => !path.startsWith('/v0/echo');
  sandbox.fail('api', { redirect, status }, { times: Infinity, when });
}

/** A server that issues tokens and redirects to `/v0/echo`, with a body that never ends. Answers its address. */
async function startEndlessRedirects(): Promise<string> {
  const server = http.createServer(({ url, method }, response) => {
    if (method === 'POST')
      response.end('{"access_token":"token-of-nobody","token_type":"Bearer","expires_in":60}');
    else if (url === '/v0/echo') response.end('{}');
    else response.writeHead(307, { location: '/v0/echo' }).write('moved');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterThisTest(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What the sandbox was asked for, in order. */
const asked = ({ apiRequests }: AssetSandbox): readonly string[] =>
  apiRequests.map(({ method, path }) => `${method} ${path}`);

describe('redirects', () => {
  it.each([301, 302, 303, 307, 308] as const)(
    'T56 %i to another origin is a typed error, and that origin hears nothing',
    async (status) => {
      const { asset, sandbox, evil } = await start();
      redirecting(sandbox, `${evil.origin}/v0/business`, status);
      for (const call of [asset.get('/v0/business'), asset.post('/v0/business', { name: 'x' })]) {
        const error = await failureOf(call);
        expect(error).toMatchObject({ code: NOT_ALLOWED });
        expect(error.message).toContain(evil.origin);
      }
      expect(evil.connections).toBe(0);
    },
  );

  it.each([
    '//{evil}/x',
    '\\\\{evil}\\x',
    'https://{ours}/x',
    'http://user:password@{ours}/x',
    'blob:http://{ours}/x',
    'javascript:alert(1)',
  ])('T56 a redirect to %s is not followed', async (template) => {
    const { asset, sandbox, evil } = await start();
    const location = template.replace('{evil}', evil.host).replace('{ours}', new URL(sandbox.url).host);
    redirecting(sandbox, location);
    expect(await failureOf(asset.get('/v0/business'))).toMatchObject({ code: NOT_ALLOWED });
    expect(evil.connections).toBe(0);
    expect(new Set(asked(sandbox)).size).toBe(1);
  });

  it('are followed within the origin, with the token and the body', async () => {
    const { asset, sandbox } = await start();
    redirecting(sandbox, '/v0/echo?moved', 307);
    const { data } = await firstValueFrom(asset.post<object>('/v0/business', { a: 1 }));
    expect(data).toEqual({ a: 1 });
    expect(sandbox.apiRequests.at(-1)).toMatchObject({
      path: '/v0/echo?moved',
      method: 'POST',
      authorized: true,
    });
  });

  it('of a request without token are confined as well', async () => {
    const { asset, sandbox, evil } = await start();
    redirecting(sandbox, evil.origin);
    expect(await failureOf(asset.get('/v0/business', { asset: false }))).toMatchObject({ code: NOT_ALLOWED });
    expect(evil.connections).toBe(0);
  });

  it('do not lead a token to another business', async () => {
    const { asset, sandbox, business } = await start();
    const other = sandbox.businesses[1]!;
    redirecting(sandbox, `/v0/business/${other.id}/ledger`);
    const error = await failureOf(asset.forBusiness(business.id).get(`/v0/business/${business.id}/ledger`));
    expect(error).toMatchObject({ code: 'ASSET_BUSINESS_MISMATCH' });
    expect(new Set(asked(sandbox)).size).toBe(1);
  });

  it('run the hook of the application first, which may change headers', async () => {
    const { asset, sandbox } = await start();
    redirecting(sandbox, '/v0/echo');
    await firstValueFrom(
      asset.get('/v0/business', {
        beforeRedirect: (options: Record<string, unknown>) => {
          Object.assign(options.headers as object, { 'x-hook': 'ran' });
        },
      }),
    );
    expect(sandbox.apiRequests.at(-1)?.headers).toHaveProperty('x-hook', 'ran');
  });

  it.each<[string, (options: Record<string, unknown>, evil: URL) => unknown]>([
    ['the host', (options, evil) => Object.assign(options, { hostname: evil.hostname, port: evil.port })],
    ['the address', (options, evil) => Object.assign(options, { href: evil.href })],
    ['the agent', (options) => Object.assign(options, { agents: { http: new Agent() } })],
    ['the header Host', (options) => Object.assign(options, { headers: { host: 'evil.example' } })],
  ])('are not followed if the hook of the application changes %s', async (_what, change) => {
    const { asset, sandbox, evil } = await start();
    redirecting(sandbox, '/v0/echo');
    const error = await failureOf(
      asset.get('/v0/business', {
        beforeRedirect: (options: Record<string, unknown>) => change(options, new URL(evil.origin)),
      }),
    );
    expect(error).toMatchObject({ code: NOT_ALLOWED });
    expect(evil.connections).toBe(0);
    expect(new Set(asked(sandbox)).size).toBe(1);
  });

  it('cannot be whitewashed by a hook that makes a foreign address look like ours', async () => {
    const { asset, sandbox, evil } = await start();
    redirecting(sandbox, evil.origin);
    await failureOf(
      asset.get('/v0/business', {
        beforeRedirect: (options: Record<string, unknown>) => Object.assign(options, { href: sandbox.url }),
      }),
    );
    expect(evil.connections).toBe(0);
  });

  it('that end in an error of the hook fail with that error inside', async () => {
    const { asset, sandbox } = await start();
    redirecting(sandbox, '/v0/echo');
    const error = await failureOf(
      asset.get('/v0/business', {
        beforeRedirect: () => {
          throw new Error('not today');
        },
      }),
    );
    expect(error.message).toContain('Redirected request failed');
    expect(new Set(asked(sandbox)).size).toBe(1);
  });
});

describe('a request that may be sent twice is first sent past what follows redirects', () => {
  it('a redirected GET is sent once more, and from then on each redirect costs what it costs anybody', async () => {
    const { asset, sandbox } = await start();
    redirecting(sandbox, '/v0/echo');
    await firstValueFrom(asset.get('/v0/business'));
    expect(asked(sandbox)).toEqual(['GET /v0/business', 'GET /v0/business', 'GET /v0/echo']);
    await firstValueFrom(asset.get('/v0/user'));
    expect(asked(sandbox).slice(3)).toEqual(['GET /v0/user', 'GET /v0/echo']);
    expect(sandbox.apiRequests.every(({ authorized }) => authorized)).toBe(true);
  });

  it.each(['head', 'options'] as const)('so is a redirected %s', async (method) => {
    const { asset, sandbox } = await start();
    redirecting(sandbox, '/v0/echo');
    await firstValueFrom(asset.request({ method, url: '/v0/business', validateStatus: null }));
    const verb = method.toUpperCase();
    expect(asked(sandbox)).toEqual([`${verb} /v0/business`, `${verb} /v0/business`, `${verb} /v0/echo`]);
  });

  it.each(['post', 'put', 'patch', 'delete'] as const)('no %s is ever sent twice for it', async (method) => {
    const { asset, sandbox } = await start();
    redirecting(sandbox, '/v0/echo', 303);
    await firstValueFrom(asset.request({ method, url: '/v0/business' }));
    expect(asked(sandbox)).toEqual([`${method.toUpperCase()} /v0/business`, 'GET /v0/echo']);
  });

  it('and no GET with a body', async () => {
    const { asset, sandbox } = await start();
    redirecting(sandbox, '/v0/echo');
    await firstValueFrom(asset.request({ method: 'get', url: '/v0/business', data: { a: 1 } }));
    expect(asked(sandbox)).toEqual(['GET /v0/business', 'GET /v0/echo']);
  });

  it('who asks for no redirects sees the redirect, after one request', async () => {
    const { asset, sandbox } = await start();
    redirecting(sandbox, '/v0/echo', 302);
    const error = await failureOf(asset.get('/v0/business', { maxRedirects: 0 }));
    expect(error).toMatchObject({ status: 302, config: { maxRedirects: 0 } });
    expect(asked(sandbox)).toEqual(['GET /v0/business']);
  });

  it('the limit of the caller holds, and is what errors show', async () => {
    const { asset, sandbox } = await start();
    redirecting(sandbox, '/v0/business');
    const error = await failureOf(asset.get('/v0/business', { maxRedirects: 2 }));
    expect(error).toMatchObject({ code: 'ERR_FR_TOO_MANY_REDIRECTS', config: { maxRedirects: 2 } });
    expect(sandbox.apiRequests).toHaveLength(1 + 3);
  });

  it('a status that the caller takes for an answer is followed all the same', async () => {
    const { asset, sandbox } = await start();
    redirecting(sandbox, '/v0/echo');
    const { status } = await firstValueFrom(asset.get('/v0/business', { validateStatus: () => true }));
    expect(status).toBe(200);
  });

  it('nor a GET whose answer is streamed, which nothing else would end when it stalls', async () => {
    const { asset, sandbox } = await start();
    redirecting(sandbox, '/v0/echo');
    const { data } = await firstValueFrom(asset.get<Readable>('/v0/business', { responseType: 'stream' }));
    data.resume();
    expect(asked(sandbox)).toEqual(['GET /v0/business', 'GET /v0/echo']);
  });

  it('the body of a redirect is not waited for, and neither shown nor checked', async () => {
    const server = await startEndlessRedirects();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    afterThisTest(() => {
      agent.destroy();
    });
    const { asset } = await start({ baseUrl: server, http: { httpAgent: agent } });
    const seen: unknown[] = [];
    const { status } = await firstValueFrom(
      asset.get('/v0/business', {
        validateStatus: (code) => seen.push(code) > 0,
        onDownloadProgress: ({ loaded }) => seen.push(`${loaded} bytes`),
      }),
    );
    expect(status).toBe(200);
    expect(seen).toEqual(['2 bytes', 200]);
  });

  it('a redirect after a 401 is followed with the new token', async () => {
    const { asset, sandbox } = await start();
    sandbox.fail('api', { status: 401 });
    sandbox.fail('api', { redirect: '/v0/echo' });
    await firstValueFrom(asset.get('/v0/business'));
    expect(asked(sandbox)).toEqual(['GET /v0/business', 'GET /v0/business', 'GET /v0/echo']);
    expect(sandbox.tokenRequests).toHaveLength(2);
  });

  it('a 401 after a redirect is cured as well', async () => {
    const { asset, sandbox } = await start();
    sandbox.fail('api', { redirect: '/v0/echo' });
    sandbox.fail('api', { status: 401 });
    await firstValueFrom(asset.get('/v0/business', { validateStatus: null }));
    expect(asked(sandbox)).toEqual(['GET /v0/business', 'GET /v0/business', 'GET /v0/business']);
    expect(sandbox.tokenRequests).toHaveLength(2);
  });

  it('a transport of the application sees each request once, and decides what becomes of a redirect', async () => {
    const seen: unknown[] = [];
    const transport = {
      request: (options: http.RequestOptions, answered: (response: http.IncomingMessage) => void) => {
        seen.push(options.path);
        return http.request(options, answered);
      },
    };
    const { asset, sandbox } = await start({ http: { transport } });
    redirecting(sandbox, '/v0/echo');
    await expect(failureOf(asset.get('/v0/business'))).resolves.toMatchObject({ status: 307 });
    expect(seen.filter((path) => path !== '/v0/auth/token')).toEqual(['/v0/business']);
  });

  it('an adapter of the application is shown the limit of the caller, and sees each request once', async () => {
    const { asset } = await start();
    const seen: unknown[] = [];
    const adapter = (config: { readonly maxRedirects?: number }): Promise<never> => {
      seen.push(config.maxRedirects);
      return Promise.resolve({ status: 307, headers: { location: '/x' }, config, data: '' } as never);
    };
    await firstValueFrom(asset.get('/v0/business', { adapter, maxRedirects: 4 } as never));
    expect(seen).toEqual([4]);
  });
});
