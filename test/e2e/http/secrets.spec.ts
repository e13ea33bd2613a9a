import axios from 'axios';
import MockAdapter from 'axios-mock-adapter';
import type { AssetHttpService } from 'nestjs-asset-auth';
import { type AssetSandbox, expectNoSecrets, type ManualClock } from 'nestjs-asset-auth/testing';
import { Agent } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { firstValueFrom, lastValueFrom, type Observable, switchMap } from 'rxjs';
import { startApplication } from '../../support/application.js';
import { afterThisTest } from '../../support/cleanup.js';
import { AssetRequest } from '../../../lib/http/asset-request.js';
import { eventually } from '../../support/eventually.js';
import { failureOf } from '../../support/failure-of.js';
import { startForeignServer } from '../../support/foreign-server.js';
import { recordingLogger } from '../../support/recording-logger.js';

async function start(options = {}) {
  const logger = recordingLogger();
  const application = await startApplication({ logger, options });
  const { sandbox, asset } = application;
  await firstValueFrom(asset.get('/v0/echo'));
  const expectClean = (value: unknown): void => {
    const secrets = [sandbox.clientSecret, ...sandbox.issuedTokens];
    expectNoSecrets([value, logger.lines], secrets, { clientId: sandbox.clientId });
  };
  return { ...application, expectClean };
}

/** A stream that has more to give for as long as somebody reads it. */
function endlessBody(): Readable {
  const body = new Readable({
    read() {
      setImmediate(() => this.push(Buffer.alloc(100, 'x')));
    },
  });
  afterThisTest(() => {
    body.destroy();
  });
  return body;
}

type Fail = (http: AssetHttpService, sandbox: AssetSandbox, clock: ManualClock) => Observable<unknown>;

describe('T54 secrets do not travel in objects', () => {
  it.each<[string, Fail]>([
    ['status 500', (http, sandbox) => (sandbox.fail('api', { status: 500 }), http.get('/v0/business'))],
    ['status 401, twice', (http, sandbox) => (sandbox.rejectTokens(2), http.get('/v0/business'))],
    ['status 403', (http, sandbox) => (sandbox.fail('api', { status: 403 }), http.get('/v0/business'))],
    [
      'status 429',
      (http, sandbox) => (sandbox.fail('api', { status: 429, retryAfter: 60 }), http.get('/v0/business')),
    ],
    [
      'connection reset',
      (http, sandbox) => (sandbox.fail('api', { reset: true }), http.post('/v0/business', { a: 1 })),
    ],
    ['broken off', (http, sandbox) => (sandbox.fail('api', { truncated: true }), http.get('/v0/business'))],
    [
      'timeout',
      (http, sandbox, clock) => {
        sandbox.fail('api', { hang: true });
        void sandbox.waitForRequest(({ path }) => path === '/v0/business').then(() => clock.advance(30));
        return http.get('/v0/business', { timeout: 30 });
      },
    ],
    [
      'too large an answer',
      (http, sandbox) => (
        sandbox.fail('api', { endless: true }),
        http.get('/v0/business', { maxContentLength: 1000 })
      ),
    ],
    ['too large a body', (http) => http.post('/v0/business', 'x'.repeat(1000), { maxBodyLength: 10 })],
    [
      'too large a streamed body',
      (http) => http.post('/v0/business', Readable.from(['x'.repeat(1000)]), { maxBodyLength: 10 }),
    ],
    [
      'a body that breaks',
      (http) =>
        http.post(
          '/v0/business',
          new Readable({
            read() {
              this.destroy(new Error('torn'));
            },
          }),
        ),
    ],
    [
      'an answer that cannot be decompressed',
      (http, sandbox) => (
        sandbox.fail('api', { body: 'not gzip', headers: { 'content-encoding': 'gzip' } }),
        http.get('/v0/business')
      ),
    ],
    [
      'an answer that is no JSON',
      (http, sandbox) => (
        sandbox.fail('api', { body: '{' }),
        http.get('/v0/business', { responseType: 'json', transitional: { silentJSONParsing: false } })
      ),
    ],
    [
      'a transformResponse that throws',
      (http) =>
        http.get('/v0/business', {
          transformResponse: () => {
            throw new Error('mine');
          },
        }),
    ],
    [
      'a transformRequest that throws',
      (http) =>
        http.get('/v0/business', {
          transformRequest: () => {
            throw new Error('mine');
          },
        }),
    ],
    [
      'a refused redirect',
      (http, sandbox) => (
        sandbox.fail('api', { redirect: 'http://evil.example/' }, 2),
        http.get('/v0/business')
      ),
    ],
    [
      'too many redirects',
      (http, sandbox) => (
        sandbox.fail('api', { redirect: '/v0/business' }, 9),
        http.get('/v0/business', { maxRedirects: 2 })
      ),
    ],
    [
      'a beforeRedirect that throws what it sees',
      (http, sandbox) => (
        sandbox.fail('api', { redirect: '/v0/business' }, 2),
        http.get('/v0/business', {
          beforeRedirect: (options) => {
            throw new Error(`hook ${Object.keys(options).join()}`);
          },
        })
      ),
    ],
    ['an unknown host in the address', (http) => http.get('http://evil.example/')],
    ['a circular parameter', (http) => http.get('/v0/business', { params: circular() })],
    [
      'a signal',
      (http, sandbox) => (
        sandbox.fail('api', { hang: true }),
        http.get('/v0/business', { signal: AbortSignal.timeout(30) })
      ),
    ],
    [
      'an interceptor of the application that throws the config',
      (http) => {
        http.axiosRef.interceptors.response.use((response) => {
          throw Object.assign(new Error('mine'), { response });
        });
        return http.get('/v0/business');
      },
    ],
  ])(
    'the error of %s holds no token, nor do its config, request, response, cause and stack',
    async (_what, fail) => {
      const { asset, clock, sandbox, expectClean } = await start();
      const error = await failureOf(fail(asset, sandbox, clock));
      expectClean(error);
      expectClean(inspect(error, { depth: 20, showHidden: true }));
      expectClean(JSON.stringify(error));
    },
  );

  it('an answer holds no token, nor does what interceptors and transforms see', async () => {
    const { asset, expectClean } = await start();
    const seen: unknown[] = [];
    const { interceptors } = asset.axiosRef;
    interceptors.request.use((config) => (seen.push(config), config));
    interceptors.response.use((response) => (seen.push(response), response));
    const see = function (this: unknown, data: unknown) {
      seen.push(this, inspect(this, { depth: 9, showHidden: true }));
      return data;
    };
    const answer = await firstValueFrom(
      asset.post(
        '/v0/business',
        { name: 'x' },
        {
          transformRequest: [see, (data: unknown) => JSON.stringify(data)],
          transformResponse: see,
          transitional: { legacyInterceptorReqResOrdering: false },
          headers: { 'content-type': 'application/json' },
        },
      ),
    );
    expectClean([answer, seen]);
    expect(answer.request).toEqual({
      method: 'POST',
      host: expect.stringMatching(/^127/) as string,
      path: '/v0/business',
    });
    expect(answer.config.headers.has('Authorization')).toBe(false);
    // Nor, out of sight, what carries it.
    expect((answer.config as { asset?: unknown }).asset).toBeInstanceOf(AssetRequest);
  });

  it.each([200, 401, 403, 500])(
    'an answer of %d to an upload that is still under way holds no token, nor does the body',
    async (status) => {
      const server = await startForeignServer((request, response) => {
        const isToken = request.url === '/v0/auth/token';
        response.writeHead(isToken ? 200 : status).end(isToken ? '{"access_token":"issued-token"}' : '{}');
      });
      const { asset } = await startApplication({ options: { baseUrl: server.origin } });
      const body = endlessBody();
      const answer = await firstValueFrom(asset.post('/v0/business', body)).catch((error: unknown) => error);
      expectNoSecrets([answer, body, inspect(answer, { depth: 20, showHidden: true })], 'issued-token');
      expect(server.requests.at(-1)?.headers.authorization).toBe('Bearer issued-token');
    },
  );

  it('the body of a request that is larger than allowed hears of no error with the token', async () => {
    const { asset, expectClean } = await start();
    const body = endlessBody();
    const heard: unknown[] = [];
    body.on('error', (error) => heard.push(error));
    const error = await failureOf(asset.post('/v0/business', body, { maxBodyLength: 1000 }));
    await eventually(() => body.destroyed);
    expectClean([error, heard, body]);
  });

  it('after a redirect the record of the request tells the last path', async () => {
    const { asset, sandbox, expectClean } = await start({ http: { maxRedirects: 5 } });
    sandbox.fail('api', { redirect: '/v0/echo?there', status: 303 });
    const answer = await firstValueFrom(asset.post('/v0/business', {}));
    expect(answer.request).toMatchObject({ method: 'GET', path: '/v0/echo?there' });
    expectClean(answer);
  });

  it.each<[string, (sandbox: AssetSandbox, controller: AbortController) => object]>([
    ['broken off', (sandbox) => (sandbox.fail('api', { truncated: true }), {})],
    [
      'longer than the limit',
      (sandbox) => (sandbox.fail('api', { endless: true }), { maxContentLength: 100 }),
    ],
    [
      'cancelled',
      (sandbox, controller) => (
        sandbox.fail('api', { endless: true }),
        setImmediate(() => {
          controller.abort();
        }),
        { signal: controller.signal }
      ),
    ],
  ])('the error of a streamed answer that is %s comes without the token', async (_what, set) => {
    const { asset, sandbox, expectClean } = await start();
    const config = set(sandbox, new AbortController());
    const failed = await failureOf(
      asset
        .get<Readable>('/v0/business', { ...config, responseType: 'stream' })
        .pipe(switchMap(({ data }) => text(data))),
    );
    expectClean(failed);
    expectClean(inspect(failed, { depth: 20, showHidden: true }));
  });

  it('a streamed answer that breaks unheard breaks as with axios itself', async () => {
    const { asset, sandbox } = await start();
    const streamed = { responseType: 'stream' } as const;
    const ours = await firstValueFrom(asset.get<Readable>('/v0/business', streamed));
    const theirs = await axios.get<Readable>('/v0/business', {
      ...streamed,
      baseURL: sandbox.url,
      validateStatus: null,
    });
    expect(ours.data.listenerCount('error')).toBe(theirs.data.listenerCount('error'));
    ours.data.destroy();
    theirs.data.destroy();
  });

  it('what a test adapter prints of an unexpected request comes without the token', async () => {
    const { asset, expectClean } = await start();
    const mock = new MockAdapter(asset.axiosRef as never, { onNoMatch: 'throwException' });
    const error = await failureOf(asset.get('/v0/business'));
    expect(error.message).toContain('Could not find mock');
    expect(error.message).toContain('[redacted]');
    expectClean(error);
    mock.onGet('/v0/business').networkError();
    expectClean(await failureOf(asset.get('/v0/business')));
    mock.onGet('/v0/business').timeout();
    expectClean(await failureOf(asset.get('/v0/business')));
    mock.resetHandlers();
    mock.onGet('/v0/business').reply(500);
    expectClean(await failureOf(asset.get('/v0/business')));
  });

  it('a refused connection tells no token', async () => {
    const { asset, sandbox, expectClean } = await start({ http: { httpAgent: new Agent() } });
    await sandbox.close();
    const error = await failureOf(asset.get('/v0/business'));
    expect(error).toMatchObject({ code: 'ECONNREFUSED', request: { method: 'GET', path: '/v0/business' } });
    expectClean(error);
  });

  it('an adapter that throws odd things is survived', async () => {
    const { asset, expectClean } = await start();
    for (const thrown of [undefined, null, 'text', 7, Object.freeze(new Error('frozen'))]) {
      const failed: unknown = await lastValueFrom(
        asset.get('/v0/business', {
          adapter: () => {
            // eslint-disable-next-line @typescript-eslint/only-throw-error -- on purpose
            throw thrown;
          },
        }),
      ).catch((error: unknown) => ({ error }));
      expect(failed).toEqual({ error: thrown });
      expectClean(failed);
    }
  });
});

function circular(): object {
  const value: Record<string, unknown> = {};
  value.self = value;
  return value;
}
