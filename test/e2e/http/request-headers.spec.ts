import type { AxiosRequestConfig, InternalAxiosRequestConfig } from 'axios';
import type { AssetHttpService } from 'nestjs-asset-auth';
import { Readable } from 'node:stream';
import { firstValueFrom, type Observable } from 'rxjs';
import { failureOf } from '../../support/failure-of.js';
import { startOnWire } from './wire.fixture.js';

/** What an attacker would have the API read as the next request of the connection. */
const SMUGGLED = 'GET /v0/business/biz_B/ledger HTTP/1.1\r\nHost: a\r\n\r\n';

/** Ways in which an application hands headers on. */
const WAYS: [string, (asset: AssetHttpService, headers: object, data: unknown) => Observable<unknown>][] = [
  [
    'on the request',
    (asset, headers, data) => asset.post('/v0/echo', data, { headers } as AxiosRequestConfig),
  ],
  [
    'in the defaults',
    (asset, headers, data) => {
      Object.assign(asset.axiosRef.defaults.headers, headers);
      return asset.post('/v0/echo', data);
    },
  ],
  [
    'in the defaults of the method',
    (asset, headers, data) => {
      Object.assign(asset.axiosRef.defaults.headers.post, headers);
      return asset.post('/v0/echo', data);
    },
  ],
  [
    'in the common defaults',
    (asset, headers, data) => {
      Object.assign(asset.axiosRef.defaults.headers.common, headers);
      return asset.post('/v0/echo', data);
    },
  ],
  [
    'by an interceptor',
    (asset, headers, data) => {
      asset.axiosRef.interceptors.request.use((config) => {
        config.headers.set(headers as Record<string, string>);
        return config;
      });
      return asset.post('/v0/echo', data);
    },
  ],
  [
    'by an interceptor that makes plain objects of them',
    (asset, headers, data) => {
      asset.axiosRef.interceptors.request.use(
        (config) => ({ ...config, headers: { ...config.headers.toJSON(), ...headers } }) as never,
      );
      return asset.post('/v0/echo', data);
    },
  ],
  [
    'by transformRequest',
    (asset, headers, data) =>
      asset.post('/v0/echo', data, {
        transformRequest: function (this: InternalAxiosRequestConfig, body: unknown) {
          Object.assign(this.headers, headers);
          return body;
        },
      }),
  ],
];

describe('T120 what a caller of the application says of the framing', () => {
  it.each(WAYS)('never reaches the API: %s', async (_way, call) => {
    const wire = await startOnWire();
    const headers = { 'content-length': '2', 'transfer-encoding': 'identity', te: 'trailers', Expect: 'x' };
    await firstValueFrom(call(wire.asset, headers, `{}${SMUGGLED}`));
    await firstValueFrom(wire.asset.get('/v0/next', { headers: { 'Content-Length': 40 } }));
    expect(wire.requests).toEqual(['POST /v0/echo', 'GET /v0/next']);
    const [post, get] = wire.heads;
    expect(post).toContain(`content-length: ${2 + SMUGGLED.length}\r\n`);
    expect(post!.match(/content-length/g)).toHaveLength(1);
    expect(post).not.toMatch(/transfer-encoding|\r\nte:|expect/);
    expect(get).not.toContain('content-length');
  });

  it.each([
    'Content-Length',
    'CONTENT-LENGTH',
    'content_length',
    'Transfer-Encoding',
    'tRANSFER-eNCODING',
    'Transfer_Encoding',
    'Connection',
    'Keep-Alive',
    'Proxy-Connection',
    'proxy-authorization',
    'Proxy-Anything',
    'TE',
    'Trailer',
    'Upgrade',
    'Expect',
    'HTTP2-Settings',
  ])('is dropped: %s', async (name) => {
    const wire = await startOnWire();
    const headers = { [name]: 'authorization', 'X-Kept': 'kept' };
    for (const method of ['get', 'post', 'delete'] as const) {
      await firstValueFrom(wire.asset.request({ url: '/v0/echo', method, headers, data: { a: 1 } }));
    }
    for (const head of wire.heads) {
      expect(head).toContain('x-kept: kept\r\n');
      expect(head).not.toContain(': authorization\r\n');
      expect(head).toContain('content-length: 7\r\n');
    }
    expect(wire.heads).toHaveLength(3);
  });

  it.each([
    ['exact', 11, 'hello world'],
    ['none', undefined, 'hello world'],
  ])('does not keep a stream from saying its length: %s', async (_what, length, body) => {
    const wire = await startOnWire();
    const headers = length === undefined ? {} : { 'Content-Length': length };
    await firstValueFrom(wire.asset.post('/v0/echo', Readable.from([Buffer.from(body)]), { headers }));
    const [head] = wire.heads;
    expect(head).toContain(length === undefined ? 'transfer-encoding: chunked' : `content-length: ${length}`);
  });

  it.each(['get', 'delete', 'options', 'head', 'post', 'query'])(
    'is told for the stream of every method: %s',
    async (method) => {
      for (const http of [{}, { maxRedirects: 5 }]) {
        const wire = await startOnWire(undefined, { http });
        const data = Readable.from([Buffer.from(SMUGGLED)]);
        await firstValueFrom(wire.asset.request({ url: '/v0/echo', method, data }));
        await firstValueFrom(wire.asset.get('/v0/next'));
        expect(wire.requests).toEqual([`${method.toUpperCase()} /v0/echo`, 'GET /v0/next']);
        expect(wire.heads[0]).toContain('transfer-encoding: chunked');
      }
    },
  );

  it.each<[string, unknown]>([
    ['longer', 10],
    ['longer, in several parts', 40],
    ['shorter', 500],
    ['not empty', 0],
  ])('binds a stream that is %s than it says: nothing after it is sent', async (_what, length) => {
    for (const http of [{}, { maxRedirects: 5 }]) {
      const wire = await startOnWire(undefined, { http });
      await firstValueFrom(wire.asset.get('/v0/first'));
      const body = Readable.from([Buffer.from('{"name":"x"}'), Buffer.from(`        ${SMUGGLED}`)]);
      const error = await failureOf(
        wire.asset.post('/v0/echo', body, { headers: { 'content-length': String(length) } }),
      );
      expect(error).toMatchObject({ code: 'ASSET_REQUEST_NOT_ALLOWED' });
      expect(error.message).toContain('Content-Length');
      await firstValueFrom(wire.asset.get('/v0/next'));
      expect(wire.requests.join()).not.toContain('biz_B');
      // The connection of the broken call has not been used again.
      expect(wire.bytes.at(-1)).toMatch(/^GET \/v0\/next /);
    }
  });

  it.each(['10, 20', '+10', '0x10', '10;', '-1', '1e1', ''])(
    'is dropped where it is no length: %j',
    async (length) => {
      const wire = await startOnWire();
      const headers = { 'Content-Length': length };
      await firstValueFrom(wire.asset.post('/v0/echo', Readable.from([Buffer.from('hello')]), { headers }));
      expect(wire.heads[0]).toContain('transfer-encoding: chunked');
      expect(wire.heads[0]).not.toContain('content-length');
    },
  );

  it('is not brought back by a hook of redirects', async () => {
    const wire = await startOnWire(
      (request, response) => {
        if (request.url === '/v0/echo') response.writeHead(307, { location: '/v0/there' });
        response.end('{}');
      },
      { http: { maxRedirects: 2 } },
    );
    for (const headers of [
      { 'content-length': '1' },
      { 'Transfer-Encoding': 'x' },
      { 'X-Original-URL': '/' },
    ]) {
      const beforeRedirect = (options: Record<string, unknown>): void => {
        Object.assign(options.headers as object, headers);
      };
      expect(await failureOf(wire.asset.post('/v0/echo', 'text', { beforeRedirect }))).toMatchObject({
        code: 'ASSET_REQUEST_NOT_ALLOWED',
      });
    }
    expect(wire.requests).not.toContain('POST /v0/there');
  });
});

describe('T120 a header that names another path or method', () => {
  it.each(WAYS)('is refused: %s', async (_way, call) => {
    const wire = await startOnWire();
    const error = await failureOf(call(wire.asset, { 'X-Original-URL': '/v0/business/biz_B' }, '{}'));
    expect(error).toMatchObject({ code: 'ASSET_REQUEST_NOT_ALLOWED', retryable: false });
    expect(error.message).toContain('x-original-url');
    expect(error.message).not.toContain('biz_B');
    expect(wire.requests).toEqual([]);
  });

  it.each([
    'X-Original-URL',
    'x-original-url',
    'X-Rewrite-URL',
    'X_REWRITE_URL',
    'X-HTTP-Method-Override',
    'x-http-METHOD-override',
    'X-HTTP-Method',
    'X-Method-Override',
    'X-Forwarded-Uri',
    'X-Forwarded-Path',
  ])('is refused with a token and without: %s', async (name) => {
    const wire = await startOnWire();
    for (const asset of [undefined, false] as const) {
      for (const headers of [{ [name]: '/v0' }, { [name]: ['a', 'b'] }, { [` ${name} `]: 'DELETE' }]) {
        expect(await failureOf(wire.asset.get('/v0/x', { headers, asset } as never))).toMatchObject({
          code: 'ASSET_REQUEST_NOT_ALLOWED',
        });
      }
    }
    expect(wire.sockets).toHaveLength(0);
  });

  it('is refused in headers that a transform made text of', async () => {
    const wire = await startOnWire();
    const transformRequest = function (this: InternalAxiosRequestConfig): void {
      Object.assign(this, { headers: 'X-Original-URL: /v0/business/biz_B' });
    };
    expect(await failureOf(wire.asset.delete('/v0/x', { transformRequest }))).toMatchObject({
      code: 'ASSET_REQUEST_NOT_ALLOWED',
    });
    expect(wire.sockets).toHaveLength(0);
  });

  it('is none where it has no value, nor are the names of proxies on the way', async () => {
    const wire = await startOnWire();
    const headers = {
      'X-Original-URL': undefined,
      'X-Forwarded-For': '1.2.3.4',
      'X-Forwarded-Host': 'here.example',
      'X-Forwarded-Prefix': '/app',
      'X-Request-Id': 'id',
    };
    await firstValueFrom(wire.asset.get('/v0/x', { headers }));
    expect(wire.heads[0]).toContain('x-forwarded-prefix: /app');
  });
});
