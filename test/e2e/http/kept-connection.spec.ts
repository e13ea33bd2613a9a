import { Agent, type ServerResponse } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { AxiosRequestConfig } from 'axios';
import { firstValueFrom } from 'rxjs';
import { startApplication } from '../../support/application.js';
import { afterThisTest } from '../../support/cleanup.js';
import { startClosingServer } from '../../support/closing-server.js';
import { failureOf } from '../../support/failure-of.js';
import { CERTIFICATE, KEY } from '../token/certificates.fixture.js';
import { startOnWire } from './wire.fixture.js';

type Death = (socket: Socket, response: ServerResponse) => void;

const DEATHS: [string, Death][] = [
  ['with a RST', (socket) => socket.resetAndDestroy()],
  ['with a FIN', (socket) => socket.end()],
  ['at once', (socket) => socket.destroy()],
  [
    'with a 408 that closes it',
    (socket) => socket.end('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'),
  ],
];

/** An Asset whose connections die as soon as they are used for a path a second time. */
async function startMortal(die: Death, http: object = {}) {
  const seen = new WeakSet<Socket>();
  let dead = 0;
  const wire = await startOnWire(
    (request, response) => {
      if (seen.has(request.socket) || request.url === '/v0/never') {
        dead += 1;
        die(request.socket, response);
        return;
      }
      seen.add(request.socket);
      response.end('{}');
    },
    { http },
  );
  return { ...wire, deaths: () => dead };
}

describe('T86 a call over a kept connection that has died', () => {
  it.each(
    DEATHS.flatMap(([how, die]) => ['get', 'head', 'options', 'GET'].map((m) => [how, m, die] as const)),
  )('goes out again at once, on another one: %s, %s', async (_how, method, die) => {
    const { asset, requests, deaths } = await startMortal(die);
    await firstValueFrom(asset.get('/v0/first'));
    const answer = await firstValueFrom(asset.request({ url: '/v0/second', method }));
    expect(answer.status).toBe(200);
    expect(requests.filter((request) => request.endsWith('/v0/second'))).toHaveLength(2);
    expect(deaths()).toBe(1);
  });

  it.each<[string, AxiosRequestConfig]>([
    ['with a streamed answer', { responseType: 'stream' }],
    ['with redirects', { maxRedirects: 3 }],
    ['whatever statuses are taken for an answer', { validateStatus: null }],
    ['with a body that can be sent again', { data: { a: 1 } }],
    ['without a token', { asset: false } as AxiosRequestConfig],
  ])('goes out again %s', async (_what, config) => {
    for (const [, die] of DEATHS) {
      const { asset } = await startMortal(die);
      await firstValueFrom(asset.get('/v0/first'));
      expect((await firstValueFrom(asset.get('/v0/second', config as never))).status).toBe(200);
    }
  });

  it('goes on until a connection lives, however many have died', async () => {
    const { asset, deaths } = await startMortal((socket) => socket.destroy());
    await Promise.all(Array.from({ length: 30 }, (_, i) => firstValueFrom(asset.get(`/v0/first/${i}`))));
    expect((await firstValueFrom(asset.get('/v0/second'))).status).toBe(200);
    expect(deaths()).toBeGreaterThanOrEqual(20);
  });

  it('goes out again where calls wait for the only socket', async () => {
    const httpAgent = new Agent({ keepAlive: true, maxSockets: 1 });
    const { asset } = await startMortal((socket) => socket.destroy(), { httpAgent });
    const calls = [1, 2, 3, 4].map((i) => firstValueFrom(asset.get(`/v0/x/${i}`)));
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    httpAgent.destroy();
  });

  it('goes out again where calls wait for the only socket, also over TLS', async () => {
    const server = await startClosingServer(() => 'FIN', { tls: { key: KEY, cert: CERTIFICATE } });
    const httpsAgent = new HttpsAgent({ keepAlive: true, maxSockets: 1, ca: CERTIFICATE });
    afterThisTest(() => {
      httpsAgent.destroy();
    });
    const { asset } = await startApplication({ options: { baseUrl: server.origin, http: { httpsAgent } } });
    const calls = [1, 2, 3, 4].map((i) => firstValueFrom(asset.get(`/v0/x/${i}`)));
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(server.dropped).toBeGreaterThan(0);
  });

  it('fails where a new connection dies too', async () => {
    const { asset, requests } = await startMortal((socket) => socket.destroy());
    await firstValueFrom(asset.get('/v0/first'));
    expect(await failureOf(asset.get('/v0/never'))).toMatchObject({ code: 'ECONNRESET' });
    expect(requests.filter((request) => request === 'GET /v0/never')).toHaveLength(2);
  });

  it.each(['post', 'put', 'patch', 'delete'])('fails as with axios if it is no %s', async (method) => {
    const { asset, requests } = await startMortal((socket) => socket.destroy());
    await firstValueFrom(asset.get('/v0/first'));
    const error = await failureOf(asset.request({ url: '/v0/second', method, data: {} }));
    expect(error).toMatchObject({ code: 'ECONNRESET', message: 'socket hang up' });
    expect(requests.filter((request) => request.endsWith('/v0/second'))).toHaveLength(1);
  });

  it('fails if its body is used up', async () => {
    const { asset, requests } = await startMortal((socket) => socket.destroy());
    await firstValueFrom(asset.get('/v0/first'));
    const call = asset.get('/v0/second', { data: Readable.from(['x']) });
    expect(await failureOf(call)).toMatchObject({ code: 'ECONNRESET' });
    expect(requests.filter((request) => request.endsWith('/v0/second'))).toHaveLength(1);
  });

  it('fails if an answer had begun', async () => {
    const { asset, requests } = await startOnWire((request, response) => {
      if (request.url === '/v0/first') response.end('{}');
      else response.writeHead(200, { 'content-length': 10 }).write('{', () => request.socket.destroy());
    });
    await firstValueFrom(asset.get('/v0/first'));
    await failureOf(asset.get('/v0/second'));
    expect(requests).toEqual(['GET /v0/first', 'GET /v0/second']);
  });

  it('is told of a 408 that leaves the connection open', async () => {
    const { asset, requests } = await startOnWire((request, response) => {
      response.writeHead(request.url === '/v0/first' ? 200 : 408).end('{}');
    });
    await firstValueFrom(asset.get('/v0/first'));
    expect(await failureOf(asset.get('/v0/second'))).toMatchObject({ status: 408 });
    expect(requests).toHaveLength(2);
  });
});
