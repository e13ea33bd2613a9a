import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';
import { HttpService } from '@nestjs/axios';
import axios, { CanceledError } from 'axios';
import { AssetAuthModule, AssetHttpService } from 'nestjs-asset-auth';
import type { AssetSandbox } from 'nestjs-asset-auth/testing';
import { firstValueFrom, type Observable } from 'rxjs';
import { startSandbox } from '../../support/sandbox.js';
import { start } from './application.fixture.js';

interface Answer {
  readonly data: unknown;
  readonly status: number;
}

let asset: AssetHttpService;
let sandbox: AssetSandbox;

beforeEach(async () => {
  sandbox = await startSandbox();
  const { app } = await start({
    imports: [
      AssetAuthModule.forRoot({
        ...sandbox.moduleOptions(),
        undeclaredScopes: 'allow',
        http: { headers: { 'x-app': 'mine' } },
      }),
    ],
  });
  asset = app.get(AssetHttpService);
});

const called = () =>
  sandbox.apiRequests.map(({ method, path, body, headers }) => ({
    method,
    path,
    body: body.toString(),
    type: headers['content-type']?.split(';', 1)[0],
  }));

const JSON_BODY = { body: '{"a":1}', type: 'application/json' };
const NO_BODY = { body: '', type: undefined };
const URL = '/v0/echo';

describe('AssetHttpService does what HttpService of @nestjs/axios does', () => {
  it('being one', () => {
    expect(asset).toBeInstanceOf(HttpService);
  });

  it('and no verb of it is left out of these tests', () => {
    const verbs = Object.getOwnPropertyNames(HttpService.prototype).filter(
      (name) => !['constructor', 'axiosRef', 'makeObservable'].includes(name),
    );
    expect(verbs.sort()).toEqual(VERBS.map(([name]) => name).sort());
  });

  const data = { a: 1 };
  type Verb = readonly [string, (config: object) => Observable<Answer>, object];
  const SINCE_12: Verb = [
    'query',
    (config) => asset.query(URL, data, config),
    { method: 'QUERY', ...JSON_BODY },
  ];
  const VERBS: readonly Verb[] = [
    [
      'request',
      (config) => asset.request({ ...config, method: 'put', url: URL, data }),
      { method: 'PUT', ...JSON_BODY },
    ],
    ['get', (config) => asset.get(URL, config), { method: 'GET', ...NO_BODY }],
    ['delete', (config) => asset.delete(URL, config), { method: 'DELETE', ...NO_BODY }],
    ['head', (config) => asset.head(URL, config), { method: 'HEAD', ...NO_BODY }],
    ['post', (config) => asset.post(URL, data, config), { method: 'POST', ...JSON_BODY }],
    ['put', (config) => asset.put(URL, data, config), { method: 'PUT', ...JSON_BODY }],
    ['patch', (config) => asset.patch(URL, data, config), { method: 'PATCH', ...JSON_BODY }],
    [
      'postForm',
      (config) => asset.postForm(URL, data, config),
      { method: 'POST', type: 'multipart/form-data' },
    ],
    ['putForm', (config) => asset.putForm(URL, data, config), { method: 'PUT', type: 'multipart/form-data' }],
    [
      'patchForm',
      (config) => asset.patchForm(URL, data, config),
      { method: 'PATCH', type: 'multipart/form-data' },
    ],
    ...('query' in HttpService.prototype ? [SINCE_12] : []),
  ];

  it.each(VERBS)('sending a %s with a token', async (_, call, expected) => {
    const answer = await firstValueFrom(call({ params: { page: 2 }, asset: { scopes: 'report:read' } }));
    expect(answer.status).toBe(200);
    expect(called()).toEqual([expect.objectContaining({ ...expected, path: `${URL}?page=2` })]);
    expect(sandbox.apiRequests[0]).toMatchObject({
      authorized: true,
      claims: { scopes: ['report:read'] },
      headers: { 'x-app': 'mine' },
    });
  });

  it.each(VERBS)('sending a %s without any config', async (name, call) => {
    expect((await firstValueFrom(call({}))).status).toBe(200);
    expect(called()[0]).toMatchObject({ path: URL });
    expect([name, sandbox.apiRequests[0]?.authorized]).toEqual([name, true]);
  });

  it('sending nothing before it is subscribed to, and once for each subscription', async () => {
    const call = asset.get(URL);
    await firstValueFrom(asset.get('/v0/business'));
    expect(called()).toHaveLength(1);
    await firstValueFrom(call);
    await firstValueFrom(call);
    expect(called()).toHaveLength(3);
  });

  it('ending the request when it is unsubscribed from', async () => {
    const hold = sandbox.hold('api');
    const outcome: unknown[] = [];
    const subscription = asset.get(URL).subscribe({
      next: (value) => outcome.push(value),
      error: (error: unknown) => outcome.push(error),
    });
    const request = await sandbox.waitForRequest('api');
    subscription.unsubscribe();
    while (sandbox.connections > 0) await turn();
    hold.release();
    expect(request.status).toBeUndefined();
    expect(outcome).toEqual([]);
  });

  it('rejecting as axios does when its own signal aborts', async () => {
    const hold = sandbox.hold('api');
    const abort = new AbortController();
    const answer = firstValueFrom(asset.get(URL, { signal: abort.signal }));
    const rejected = answer.catch((error: unknown) => error);
    await sandbox.waitForRequest('api');
    abort.abort();
    expect(axios.isCancel(await rejected)).toBe(true);
    expect(await rejected).toBeInstanceOf(CanceledError);
    hold.release();
  });

  it('handing out a streamed answer as it comes', async () => {
    const { data: stream } = await firstValueFrom(
      asset.post<IncomingMessage>(URL, 'as it comes', { responseType: 'stream' }),
    );
    expect(stream.statusCode).toBe(200);
    expect(await text(stream)).toBe('as it comes');
  });

  it('rejecting with an AxiosError for a status that is none of ours', async () => {
    sandbox.fail('api', { status: 418 });
    const error: unknown = await firstValueFrom(asset.get(URL)).catch((reason: unknown) => reason);
    expect(axios.isAxiosError(error) && error.response?.status).toBe(418);
  });

  it('through an axios instance of its own, axiosRef, which is neither shared nor global', async () => {
    expect(asset.axiosRef).not.toBe(axios);
    asset.axiosRef.interceptors.request.use((config) => {
      config.headers.set('x-request-id', 'r1');
      return config;
    });
    const { data: echoed } = await asset.axiosRef.post<unknown>(URL, data, {
      asset: { scopes: 'report:read' },
    });
    expect(echoed).toEqual(data);
    const { headers, claims } = sandbox.apiRequests[0]!;
    expect(headers).toMatchObject({ 'x-request-id': 'r1', 'x-app': 'mine' });
    expect(claims?.scopes).toEqual(['report:read']);
  });
});
