import type { ServerResponse } from 'node:http';
import { assetFetch, AssetRequestError } from 'nestjs-asset-auth';
import { eventually } from '../../support/eventually.js';
import { rejectionOf } from '../../support/token-time.js';
import { withApi } from './api.fixture.js';

const streamed = (body: ReadableStream, more: RequestInit = {}): RequestInit => ({
  method: 'POST',
  body,
  duplex: 'half',
  ...more,
});

describe('assetFetch keeps to what is written of fetch', () => {
  it('a body whose type nobody says is sent without one', async () => {
    const types: unknown[] = [];
    const { asset } = await withApi(({ headers }, response) => {
      types.push(headers['content-type']);
      response.end();
    });
    const call = assetFetch(asset);
    await call('/v0/business', { method: 'POST', body: new Uint8Array([1]) });
    await call('/v0/business', { method: 'PUT', body: new Blob(['blob']) });
    await call('/v0/business', { method: 'POST' });
    await call('/v0/business', { method: 'POST', body: 'text' });
    expect(types).toEqual([undefined, undefined, undefined, 'text/plain;charset=UTF-8']);
  });

  it('a signal ends the reading of a body, and what makes the body', async () => {
    const { asset, bodies } = await withApi((_request, response) => response.end());
    const reason = new Error('left');
    const leaving = new AbortController();
    const cancelled: unknown[] = [];
    const endless = (): ReadableStream => new ReadableStream({ cancel: (why) => void cancelled.push(why) });
    const call = rejectionOf(
      assetFetch(asset)('/v0/business', streamed(endless(), { signal: leaving.signal })),
    );
    leaving.abort(reason);
    expect(await call).toBe(reason);
    const aborted = streamed(endless(), { signal: AbortSignal.abort(reason) });
    expect(await rejectionOf(assetFetch(asset)('/v0/business', aborted))).toBe(reason);
    expect(cancelled).toEqual([reason, reason]);
    expect(bodies).toEqual([]);
  });

  it('a body that cannot be read is a TypeError with its cause, and nothing is sent', async () => {
    const { asset, bodies } = await withApi((_request, response) => response.end());
    const cause = new Error('disk');
    const broken = new ReadableStream({
      pull() {
        throw cause;
      },
    });
    const error = await rejectionOf(assetFetch(asset)('/v0/business', streamed(broken)));
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toHaveProperty('cause', cause);
    expect(bodies).toEqual([]);
  });

  it('an answer that breaks off does so with the reason of the signal, or with a TypeError', async () => {
    const answers: ServerResponse[] = [];
    const { asset } = await withApi((_request, response) => {
      answers.push(response);
      response.write('data: 1\n\n');
    });
    const leaving = new AbortController();
    const left = await assetFetch(asset)('/v0/events', { signal: leaving.signal });
    const reading = rejectionOf(left.text());
    leaving.abort();
    expect(await reading).toBe(leaving.signal.reason);
    const lost = await assetFetch(asset)('/v0/events');
    const text = rejectionOf(lost.text());
    answers.at(-1)!.destroy();
    expect(await text).toBeInstanceOf(TypeError);
  });

  it('a reader that cancels ends the answer, also while it waits for more', async () => {
    const answers: ServerResponse[] = [];
    const { asset } = await withApi((_request, response) => {
      answers.push(response);
      response.write('data: 1\n\n');
    });
    const reader = (await assetFetch(asset)('/v0/events')).body!.getReader();
    await reader.read();
    const next = reader.read();
    await reader.cancel();
    expect(await next).toEqual({ done: true, value: undefined });
    await eventually(() => answers[0]!.closed);
  });

  it('an init without signal takes that of the request away', async () => {
    const { asset } = await withApi((_request, response) => response.end());
    const address = `${String(asset.axiosRef.defaults.baseURL)}/v0/business`;
    const request = new Request(address, { signal: AbortSignal.abort() });
    expect(await assetFetch(asset)(request, { signal: null })).toMatchObject({ status: 200 });
  });

  it.each(['data:text/plain,x', 'blob:https://api.getasset.com/x', 'mailto:a@example.com', 'file:///x'])(
    'an address that is not of the web is no path of Asset’s: %s',
    async (address) => {
      const { asset, bodies, sandbox } = await withApi((_request, response) => response.end());
      expect(await rejectionOf(assetFetch(asset)(address))).toBeInstanceOf(AssetRequestError);
      expect(bodies).toEqual([]);
      expect(sandbox.tokenRequests).toEqual([]);
    },
  );

  it('says which address answered, after redirects that may be followed', async () => {
    const { asset } = await withApi(
      ({ url }, response) => {
        if (url === '/v0/old') response.writeHead(302, { location: '/v0/new?page=2' });
        response.end();
      },
      { maxRedirects: 1 },
    );
    const origin = String(asset.axiosRef.defaults.baseURL);
    expect(await assetFetch(asset)('/v0/old')).toHaveProperty('url', `${origin}/v0/new?page=2`);
    expect(await assetFetch(asset)('/v0/new#there')).toHaveProperty('url', `${origin}/v0/new`);
  });
});
