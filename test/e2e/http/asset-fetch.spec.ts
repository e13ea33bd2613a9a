import { gzipSync } from 'node:zlib';
import createClient from 'openapi-fetch';
import { assetFetch, AssetRequestError } from 'nestjs-asset-auth';
import { startApplication } from '../../support/application.js';
import { rejectionOf } from '../../support/token-time.js';
import { withApi } from './api.fixture.js';

const BUSINESS = 'biz_GA6EG2qFxA97NZHtxeLPUy';
const READ = { scopes: ['ledger:read'], businessId: BUSINESS };

describe('assetFetch', () => {
  it('sends each request with a token for what is asked, and answers as fetch does', async () => {
    const { asset, sandbox } = await startApplication();
    const response = await assetFetch(asset, READ)(`/v0/business/${BUSINESS}/ledger`);
    expect(response).toBeInstanceOf(Response);
    expect(response).toMatchObject({ ok: true, status: 200, bodyUsed: false, redirected: false });
    expect(response.url).toBe(`${sandbox.url}/v0/business/${BUSINESS}/ledger`);
    expect(await response.clone().json()).toEqual(await response.json());
    expect(response.bodyUsed).toBe(true);
    await expect(response.text()).rejects.toMatchObject({ name: 'TypeError' });
    expect(sandbox.tokenRequests).toMatchObject([{ form: { scope: 'ledger:read', business_id: BUSINESS } }]);
  });

  it('takes what a view says, and the scope in force', async () => {
    const { asset, sandbox } = await startApplication();
    await assetFetch(asset.forBusiness(BUSINESS).withScope('ledger:read'))(`/v0/business/${BUSINESS}/ledger`);
    expect(sandbox.tokenRequests).toMatchObject([{ form: { scope: 'ledger:read', business_id: BUSINESS } }]);
  });

  it.each([404, 409, 422, 500])('takes no status for an error: %i', async (status) => {
    const { asset } = await withApi((_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end('{"message":"no"}');
    });
    const response = await assetFetch(asset)('/v0/business');
    expect(response).toMatchObject({ ok: false, status });
    expect(await response.json()).toEqual({ message: 'no' });
  });

  it('sends a body again byte for byte when a 401 is replayed, whatever it is', async () => {
    let calls = 0;
    const { asset, bodies, sandbox } = await withApi((_request, response) => {
      calls += 1;
      response.writeHead(calls % 2 === 1 ? 401 : 200).end('{}');
    });
    const form = new FormData();
    form.set('file', new Blob(['a\r\nb']), 'one.txt');
    const kinds = [
      'text ä',
      new Uint8Array([1, 2, 3]),
      new URLSearchParams({ a: '1 2' }),
      new Blob(['blob']),
      new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('stream'));
          controller.close();
        },
      }),
      form,
    ];
    for (const [place, body] of kinds.entries()) {
      const init = { method: 'POST', body, duplex: 'half' } as RequestInit;
      const response = await assetFetch(asset, { resource: `https://example.com/${place}` })(
        '/v0/business',
        init,
      );
      expect(response.status).toBe(200);
      expect(bodies.at(-1)).toBe(bodies.at(-2));
      expect(bodies.at(-1)).not.toBe('');
    }
    expect(sandbox.tokenRequests).toHaveLength(2 * kinds.length);
    expect(bodies.at(-1)).toContain('a\r\nb');
  });

  it('takes a Request with its method, headers, body and signal', async () => {
    const seen: (string | undefined)[] = [];
    const { asset, bodies } = await withApi(({ method, headers }, response) => {
      seen.push(method, headers['x-mine'] as string, headers['content-type'], headers.authorization);
      response.end('{}');
    });
    const { baseURL } = asset.axiosRef.defaults;
    const headers = { 'x-mine': 'yes', 'content-type': 'application/json' };
    await assetFetch(asset)(
      new Request(`${String(baseURL)}/v0/business`, { method: 'PATCH', headers, body: '{"a":1}' }),
    );
    expect(seen.slice(0, 3)).toEqual(['PATCH', 'yes', 'application/json']);
    expect(seen[3]).toMatch(/^Bearer ey/);
    expect(bodies).toEqual(['{"a":1}']);
    const forged = { headers: { authorization: 'Bearer forged' } };
    expect(await rejectionOf(assetFetch(asset)('/v0/business', forged))).toBeInstanceOf(AssetRequestError);
  });

  it.each([204, 205, 304])(
    'has no body with a status that has none, and frees the socket: %i',
    async (status) => {
      const { asset } = await withApi((_request, response) => response.writeHead(status).end());
      for (let i = 0; i < 3; i += 1) {
        const response = await assetFetch(asset)('/v0/business');
        expect(response).toMatchObject({ status, body: null });
      }
    },
  );

  it('has no body after HEAD, but its length', async () => {
    const { asset } = await withApi((_request, response) => response.setHeader('content-length', 12).end());
    const response = await assetFetch(asset)('/v0/business', { method: 'HEAD' });
    expect(response.body).toBeNull();
    expect(response.headers.get('content-length')).toBe('12');
  });

  it('gives each value of a header, and no length of what was decompressed', async () => {
    const { asset } = await withApi((_request, response) => {
      const body = gzipSync('{"a":"b"}');
      response.writeHead(200, {
        'content-encoding': 'gzip',
        'content-length': body.length,
        'set-cookie': ['a=1', 'b=2'],
      });
      response.end(body);
    });
    const response = await assetFetch(asset)('/v0/business');
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(response.headers.has('content-length')).toBe(false);
    expect(response.headers.has('content-encoding')).toBe(false);
    expect(await response.json()).toEqual({ a: 'b' });
  });

  it('streams the answer, and ends it with the signal', async () => {
    const { asset } = await withApi((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: 1\n\n');
    });
    const leaving = new AbortController();
    const response = await assetFetch(asset)('/v0/events', { signal: leaving.signal });
    const reader = response.body!.getReader();
    expect(new TextDecoder().decode((await reader.read()).value as Uint8Array)).toBe('data: 1\n\n');
    const next = reader.read();
    leaving.abort();
    await expect(next).rejects.toBeDefined();
  });

  it('rejects with the reason of the signal, before and while it waits', async () => {
    const { asset, sandbox } = await startApplication();
    const reason = new Error('left');
    expect(await rejectionOf(assetFetch(asset)('/v0/business', { signal: AbortSignal.abort(reason) }))).toBe(
      reason,
    );
    const hold = sandbox.hold('token');
    const leaving = new AbortController();
    const call = rejectionOf(assetFetch(asset)('/v0/business', { signal: leaving.signal }));
    await sandbox.waitForRequest('token');
    leaving.abort(reason);
    expect(await call).toBe(reason);
    hold.release();
  });

  it('rejects with our own errors where nothing was sent, and with a TypeError where the network failed', async () => {
    const { asset } = await withApi((request) => request.socket.destroy());
    expect(await rejectionOf(assetFetch(asset)('https://example.com/v0/business'))).toBeInstanceOf(
      AssetRequestError,
    );
    const error = await rejectionOf(assetFetch(asset)('/v0/business'));
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toHaveProperty('cause.code', 'ECONNRESET');
  });

  it('follows no redirect, and answers with it if that is asked for', async () => {
    const { asset, bodies } = await withApi((_request, response) => {
      response.writeHead(302, bodies.length > 3 ? {} : { location: 'https://example.com/' }).end('moved');
    });
    for (const redirect of ['follow', 'error'] as const) {
      const error = await rejectionOf(assetFetch(asset)('/v0/business', { redirect }));
      expect(error).toMatchObject({ code: 'ASSET_REQUEST_NOT_ALLOWED' });
    }
    const response = await assetFetch(asset)('/v0/business', { redirect: 'manual' });
    expect(response.status).toBe(302);
    expect(response.headers.get('location')).toBe('https://example.com/');
    expect(bodies).toHaveLength(3);
    // It leads nowhere.
    expect(await assetFetch(asset)('/v0/business')).toMatchObject({ status: 302 });
  });

  it('is what openapi-fetch calls through', async () => {
    const { asset, sandbox } = await startApplication();
    const path = '/v0/business/{id}/ledger';
    interface Paths {
      readonly [path]: {
        get: {
          parameters: { path: { id: string } };
          responses: { 200: { content: { 'application/json': { data: unknown[] } } } };
        };
      };
    }
    const api = createClient<Paths>({ baseUrl: sandbox.url, fetch: assetFetch(asset, READ) });
    const { data, error, response } = await api.GET(path, { params: { path: { id: BUSINESS } } });
    expect(error).toBeUndefined();
    expect(response.status).toBe(200);
    expect(data).toBeDefined();
  });
});
