import { isAxiosError } from 'axios';
import type { AssetSandbox } from 'nestjs-asset-auth/testing';
import http, { Agent } from 'node:http';
import { firstValueFrom } from 'rxjs';
import { startApplication } from '../../support/application.js';
import { failureOf } from '../../support/failure-of.js';
import { startForeignServer } from '../../support/foreign-server.js';

const NOT_ALLOWED = 'ASSET_REQUEST_NOT_ALLOWED';

/** The option that lets redirects be followed. */
const FOLLOWING = { http: { maxRedirects: 5 } };

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

/** What the sandbox was asked for, in order. */
const asked = ({ apiRequests }: AssetSandbox): readonly string[] =>
  apiRequests.map(({ method, path }) => `${method} ${path}`);

describe('a redirect is refused by default', () => {
  it.each([301, 302, 303, 307, 308] as const)(
    'T56 %i to another origin is an error that names where it leads, and that origin hears nothing',
    async (status) => {
      const { asset, sandbox, evil } = await start();
      redirecting(sandbox, `${evil.origin}/v0/elsewhere?signature=s3cr3t`, status);
      for (const call of [asset.get('/v0/business'), asset.post('/v0/business', { name: 'x' })]) {
        const error = await failureOf(call);
        expect(error).toMatchObject({ code: NOT_ALLOWED, response: { status } });
        expect(error.message).toContain(`${evil.origin}/v0/elsewhere.`);
        expect(error.message).not.toContain('s3cr3t');
      }
      expect(evil.connections).toBe(0);
    },
  );

  it.each(['get', 'head', 'options', 'post', 'put', 'patch', 'delete'] as const)(
    'also within the origin: a %s is sent once, and its error is an AxiosError with the answer',
    async (method) => {
      const { asset, sandbox } = await start();
      redirecting(sandbox, '/v0/echo');
      const error = await failureOf(asset.request({ method, url: '/v0/business?page_size=1' }));
      expect(isAxiosError(error)).toBe(true);
      expect(error).toMatchObject({ code: NOT_ALLOWED, response: { status: 307 }, retryable: false });
      const call = `${method.toUpperCase()} /v0/business`;
      expect(error.message).toContain(`Asset answered 307 to ${call}: a redirect to /v0/echo.`);
      expect(error.message).toContain('maxRedirects');
      expect(asked(sandbox)).toEqual([`${call}?page_size=1`]);
    },
  );

  it.each([
    ['//{evil}/x', 'http://{evil}/x'],
    ['\\\\{evil}\\x', 'http://{evil}/x'],
    ['https://{ours}/x', 'https://{ours}/x'],
    ['http://user:password@{ours}/x', '/x'],
    ['http://[', 'an address that cannot be parsed'],
  ])('the location %s is named as %s', async (template, named) => {
    const { asset, sandbox, evil } = await start();
    const filled = (text: string): string =>
      text.replace('{evil}', evil.host).replace('{ours}', new URL(sandbox.url).host);
    redirecting(sandbox, filled(template));
    const error = await failureOf(asset.get('/v0/business'));
    expect(error.message).toContain(`a redirect to ${filled(named)}.`);
    expect(error.message).not.toContain('password');
    expect(evil.connections).toBe(0);
  });

  it('of a request without token too', async () => {
    const { asset, sandbox, evil } = await start();
    redirecting(sandbox, evil.origin);
    expect(await failureOf(asset.get('/v0/business', { asset: false }))).toMatchObject({ code: NOT_ALLOWED });
    expect(evil.connections).toBe(0);
  });

  it('but a status that the caller takes for an answer is one', async () => {
    const { asset, sandbox } = await start();
    redirecting(sandbox, '/v0/echo', 302);
    const { status } = await firstValueFrom(asset.get('/v0/business', { validateStatus: () => true }));
    expect(status).toBe(302);
    expect(asked(sandbox)).toEqual(['GET /v0/business']);
  });

  it('and a 304 without a location is an answer like any other', async () => {
    const { asset, sandbox } = await start();
    sandbox.fail('api', { status: 304 });
    const error = await failureOf(asset.get('/v0/business'));
    expect(error).toMatchObject({ response: { status: 304 } });
    expect(error).not.toHaveProperty('code', NOT_ALLOWED);
  });

  it('a redirect after a 401 is refused as well', async () => {
    const { asset, sandbox } = await start();
    sandbox.fail('api', { status: 401 });
    sandbox.fail('api', { redirect: '/v0/echo' });
    expect(await failureOf(asset.get('/v0/business'))).toMatchObject({ code: NOT_ALLOWED });
    expect(asked(sandbox)).toEqual(['GET /v0/business', 'GET /v0/business']);
  });

  it('a request opts in with maxRedirects', async () => {
    const { asset, sandbox } = await start();
    redirecting(sandbox, '/v0/echo');
    await firstValueFrom(asset.get('/v0/business', { maxRedirects: 1 }));
    expect(asked(sandbox)).toEqual(['GET /v0/business', 'GET /v0/echo']);
  });

  it('a request opts out with maxRedirects: 0', async () => {
    const { asset, sandbox } = await start(FOLLOWING);
    redirecting(sandbox, '/v0/echo');
    const error = await failureOf(asset.get('/v0/business', { maxRedirects: 0 }));
    expect(error).toMatchObject({ code: NOT_ALLOWED });
    expect(asked(sandbox)).toEqual(['GET /v0/business']);
  });

  it.each([Number(undefined), '', false, null])(
    'maxRedirects: %p lets none be followed',
    async (maxRedirects) => {
      const { asset, sandbox } = await start();
      redirecting(sandbox, '/v0/echo');
      const error = await failureOf(asset.get('/v0/business', { maxRedirects } as never));
      expect(error).toMatchObject({ code: NOT_ALLOWED });
      expect(asked(sandbox)).toEqual(['GET /v0/business']);
    },
  );
});

describe('redirects that are followed', () => {
  it.each([301, 302, 303, 307, 308] as const)(
    'T56 %i to another origin is a typed error, and that origin hears nothing',
    async (status) => {
      const { asset, sandbox, evil } = await start(FOLLOWING);
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
    const { asset, sandbox, evil } = await start(FOLLOWING);
    const location = template.replace('{evil}', evil.host).replace('{ours}', new URL(sandbox.url).host);
    redirecting(sandbox, location);
    expect(await failureOf(asset.get('/v0/business'))).toMatchObject({ code: NOT_ALLOWED });
    expect(evil.connections).toBe(0);
    expect(new Set(asked(sandbox)).size).toBe(1);
  });

  it('are followed within the origin, with the token and the body', async () => {
    const { asset, sandbox } = await start(FOLLOWING);
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
    const { asset, sandbox, evil } = await start(FOLLOWING);
    redirecting(sandbox, evil.origin);
    expect(await failureOf(asset.get('/v0/business', { asset: false }))).toMatchObject({ code: NOT_ALLOWED });
    expect(evil.connections).toBe(0);
  });

  it.each([
    (one: string, other: string) => `/v0/business/${one}/ledger/..%252f..%252f${other}/ledger`,
    (one: string, other: string) => `/v0/business/${one}/%25252e%25252e/${other}`,
    (_one: string, other: string) => `/asset/v0/business/${other}/ledger`,
  ])('T126 do not lead a token to another business in an encoding of an encoding: %s', async (path) => {
    const { asset, sandbox, business } = await start(FOLLOWING);
    redirecting(sandbox, path(business.id, sandbox.businesses[1]!.id));
    const error = await failureOf(asset.forBusiness(business.id).get(`/v0/business/${business.id}/ledger`));
    expect(error).toMatchObject({ code: 'ASSET_BUSINESS_MISMATCH' });
    expect(sandbox.apiRequests).toHaveLength(1);
  });

  it('do not lead a token to another business', async () => {
    const { asset, sandbox, business } = await start(FOLLOWING);
    const other = sandbox.businesses[1]!;
    redirecting(sandbox, `/v0/business/${other.id}/ledger`);
    const error = await failureOf(asset.forBusiness(business.id).get(`/v0/business/${business.id}/ledger`));
    expect(error).toMatchObject({ code: 'ASSET_BUSINESS_MISMATCH' });
    expect(new Set(asked(sandbox)).size).toBe(1);
  });

  it('run the hook of the application first, which may change headers', async () => {
    const { asset, sandbox } = await start(FOLLOWING);
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
    [
      'Authorization in another spelling',
      ({ headers }) => Object.assign(headers as object, { AUTHORIZATION: 'Bearer other' }),
    ],
  ])('are not followed if the hook of the application changes %s', async (_what, change) => {
    const { asset, sandbox, evil } = await start(FOLLOWING);
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
    const { asset, sandbox, evil } = await start(FOLLOWING);
    redirecting(sandbox, evil.origin);
    await failureOf(
      asset.get('/v0/business', {
        beforeRedirect: (options: Record<string, unknown>) => Object.assign(options, { href: sandbox.url }),
      }),
    );
    expect(evil.connections).toBe(0);
  });

  it('that end in an error of the hook fail with that error inside', async () => {
    const { asset, sandbox } = await start(FOLLOWING);
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

  it.each(['get', 'head', 'options'] as const)('%s: each request is sent once', async (method) => {
    const { asset, sandbox } = await start(FOLLOWING);
    redirecting(sandbox, '/v0/echo');
    await firstValueFrom(asset.request({ method, url: '/v0/business', validateStatus: null }));
    const verb = method.toUpperCase();
    expect(asked(sandbox)).toEqual([`${verb} /v0/business`, `${verb} /v0/echo`]);
    expect(sandbox.apiRequests.every(({ authorized }) => authorized)).toBe(true);
  });

  it.each(['post', 'put', 'patch', 'delete'] as const)('%s: a 303 leads to a GET', async (method) => {
    const { asset, sandbox } = await start(FOLLOWING);
    redirecting(sandbox, '/v0/echo', 303);
    await firstValueFrom(asset.request({ method, url: '/v0/business' }));
    expect(asked(sandbox)).toEqual([`${method.toUpperCase()} /v0/business`, 'GET /v0/echo']);
  });

  it('are no more than the caller allows, which errors show', async () => {
    const { asset, sandbox } = await start();
    redirecting(sandbox, '/v0/business');
    const error = await failureOf(asset.get('/v0/business', { maxRedirects: 2 }));
    expect(error).toMatchObject({ code: 'ERR_FR_TOO_MANY_REDIRECTS', config: { maxRedirects: 2 } });
    expect(sandbox.apiRequests).toHaveLength(3);
  });

  it('after a 401 carry the new token', async () => {
    const { asset, sandbox } = await start(FOLLOWING);
    sandbox.fail('api', { status: 401 });
    sandbox.fail('api', { redirect: '/v0/echo' });
    await firstValueFrom(asset.get('/v0/business'));
    expect(asked(sandbox)).toEqual(['GET /v0/business', 'GET /v0/business', 'GET /v0/echo']);
    expect(sandbox.tokenRequests).toHaveLength(2);
  });

  it('do not hide a 401 from its cure', async () => {
    const { asset, sandbox } = await start(FOLLOWING);
    sandbox.fail('api', { redirect: '/v0/echo' });
    sandbox.fail('api', { status: 401 });
    await firstValueFrom(asset.get('/v0/business', { validateStatus: null }));
    expect(asked(sandbox)).toEqual(['GET /v0/business', 'GET /v0/echo', 'GET /v0/business']);
    expect(sandbox.tokenRequests).toHaveLength(2);
  });

  it('are followed or not by a transport of the application, which sees each request once', async () => {
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

  it('are the affair of an adapter of the application, which is told the limit', async () => {
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
