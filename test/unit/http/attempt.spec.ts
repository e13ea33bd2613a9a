import { AxiosError, AxiosHeaders, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import { expectNoSecrets, ManualClock } from 'nestjs-asset-auth/testing';
import { Duplex, PassThrough, type Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { AssetRequest, NOT_NARROWED } from '../../../lib/http/asset-request.js';
import { attempt, discard, type Outcome } from '../../../lib/http/attempt.js';
import { EventPublisher } from '../../../lib/events/event-publisher.js';
import { Deadline } from '../../../lib/http/deadline.js';
import { AccessToken } from '../../../lib/token/access-token.js';
import { requestFor } from '../token/endpoint/token-endpoint.fixture.js';

const TOKEN = 'token-of-asset-0123456789';
const token = new AccessToken(TOKEN, requestFor(), {
  issuedAt: { wall: 0, monotonic: 0 },
  lifeMs: 1,
  windowMs: 1,
});

const config = { method: 'post', url: '/v0/x', headers: new AxiosHeaders() } as InternalAxiosRequestConfig;
const RECORD = { method: 'POST', host: 'api.getasset.com', path: '/v0/x?a=1' };

/** What goes over the wire, with the token all over it. */
const wire = (): InternalAxiosRequestConfig =>
  ({ headers: new AxiosHeaders({ Authorization: `Bearer ${TOKEN}` }) }) as InternalAxiosRequestConfig;
const nodeRequest = (): object => ({ _header: `Authorization: Bearer ${TOKEN}` });
const answer = (data?: unknown): AxiosResponse => ({
  status: 500,
  statusText: '',
  headers: {},
  data,
  config: wire(),
  request: nodeRequest(),
});

/** How an attempt ends whose adapter answers so. */
function outcomeOf(
  send: () => Promise<AxiosResponse>,
  { sent = config, withToken = true }: { sent?: InternalAxiosRequestConfig; withToken?: boolean } = {},
): Promise<Outcome> {
  const request = AssetRequest.of(withToken ? undefined : false, NOT_NARROWED, undefined);
  const exchange = {
    config: sent,
    request,
    url: new URL('https://api.getasset.com/v0/x?a=1'),
    deadline: new Deadline(sent, request, new ManualClock()),
    events: new EventPublisher({ name: undefined, origin: 'https://api.getasset.com' }),
    send,
    isForeign: false,
    route: {},
    isLimited: false,
  };
  return attempt(exchange, withToken ? token : undefined);
}

const responseFrom = async (
  response: AxiosResponse,
  sent?: InternalAxiosRequestConfig,
): Promise<AxiosResponse> => (await outcomeOf(() => Promise.resolve(response), sent && { sent })).response!;
const errorFrom = async (thrown: unknown, withToken = true): Promise<unknown> =>
  // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- an adapter may throw anything
  (await outcomeOf(() => Promise.reject(thrown), { withToken })).failure!.error;

describe('the answer to an attempt', () => {
  it('comes with the config of the caller and a record of the request', async () => {
    const response = answer('data');
    expect(await responseFrom(response)).toBe(response);
    expect(response.config).toBe(config);
    expect(response.request).toEqual(RECORD);
    expect(response).toMatchObject({ status: 500, data: 'data' });
    expectNoSecrets(response, TOKEN);
  });

  it('tells method and path of the request that was answered, where they are known', async () => {
    const moved = { ...answer(), request: { method: 'GET', path: '/v0/moved', _header: TOKEN } };
    expect((await responseFrom(moved)).request).toEqual({
      method: 'GET',
      host: 'api.getasset.com',
      path: '/v0/moved',
    });
    const bare = { ...answer(), request: undefined };
    const sent = { headers: new AxiosHeaders() } as InternalAxiosRequestConfig;
    expect((await responseFrom(bare, sent)).request).toEqual({ ...RECORD, method: 'GET' });
  });

  it('has the errors of its stream sanitized, without handling them in place of the reader', async () => {
    const data = new PassThrough();
    await responseFrom(answer(data));
    expect(data.listenerCount('error')).toBe(0);
    const heard = new Promise((resolve) => data.once('error', resolve));
    data.destroy(new AxiosError('torn', 'X', wire(), nodeRequest()));
    expectNoSecrets(await heard, TOKEN);
    expect(await heard).toMatchObject({ message: 'torn', request: RECORD });
  });
});

describe('the error of an attempt', () => {
  it('comes with the config of the caller, and so does its answer', async () => {
    const error = new AxiosError('failed', 'X', wire(), nodeRequest(), answer());
    expect(await errorFrom(error)).toBe(error);
    expect(error.config).toBe(config);
    expect(error.request).toEqual(RECORD);
    expect(error.response?.config).toBe(config);
    expectNoSecrets(error, TOKEN);
  });

  it('is sanitized down to the last of its causes', async () => {
    const innermost = new AxiosError('innermost', 'X', wire(), nodeRequest(), answer());
    const outer = new Error('outer', { cause: new Error('inner', { cause: innermost }) });
    expectNoSecrets(await errorFrom(outer), TOKEN);
    expect(innermost.config).toBe(config);
  });

  it('is sanitized once where it is its own cause', async () => {
    const error = new AxiosError('loop', 'X', wire());
    const other = new Error('other', { cause: error });
    error.cause = other;
    expectNoSecrets(await errorFrom(error), TOKEN);
  });

  it('is sanitized in all its parts where it stands for several', async () => {
    const parts = [1, 2].map(() => new AxiosError('try', 'X', wire(), nodeRequest()));
    const error = new AggregateError(parts, 'all tries failed');
    parts[1]!.cause = error;
    expectNoSecrets(await errorFrom(error), TOKEN);
    expect(parts.map((part) => part.config)).toEqual([config, config]);
  });

  it('has the token taken out of message and stack', async () => {
    const thrown = new Error(`{"Authorization":"Bearer ${TOKEN}"} ${TOKEN}`);
    // The stack is put into words when somebody looks at it first.
    expect(thrown.stack).toContain(TOKEN);
    const error = (await errorFrom(thrown)) as Error;
    expect(error.message).toBe('{"Authorization":"Bearer [redacted]"} [redacted]');
    expectNoSecrets(error, TOKEN);
  });

  it('gets no config, request or response that it did not have', async () => {
    const error = (await errorFrom(new Error('plain'))) as Error;
    expect(Object.getOwnPropertyNames(error).sort()).toEqual(['message', 'stack']);
    expect(error.message).toBe('plain');
  });

  it('keeps its words where the request carried no token', async () => {
    const error = new Error('undefined is not a function');
    expect(((await errorFrom(error, false)) as Error).message).toBe('undefined is not a function');
  });

  it.each([undefined, null, 'text', 7, Symbol('s')])('may be anything: %p', async (thrown) => {
    expect(await errorFrom(thrown)).toBe(thrown);
  });

  it('may be frozen, or have odd fields', async () => {
    const frozen = Object.freeze(new Error('frozen'));
    expect(await errorFrom(frozen)).toBe(frozen);
    const odd = { message: 7, stack: null, cause: 'text', config: null };
    expect(await errorFrom(odd)).toBe(odd);
  });
});

describe('an answer that is discarded', () => {
  const streamed = (data: unknown): AxiosResponse => ({ data }) as AxiosResponse;

  it('has its stream and its request destroyed, and ends when it is read all the same', async () => {
    const data = new Duplex({ read: () => undefined });
    let destroyed = 0;
    const response = streamed(data);
    discard(response, { destroy: () => (destroyed += 1) });
    expect(data.destroyed).toBe(true);
    expect(destroyed).toBe(1);
    expect(await text(response.data as Readable)).toBe('');
  });

  it('may be none', () => {
    expect(() => {
      discard(undefined, undefined);
    }).not.toThrow();
  });

  it('needs no request to go with it', () => {
    const data = new PassThrough();
    for (const request of [undefined, null, {}]) discard(streamed(data), request);
    expect(data.destroyed).toBe(true);
  });

  it('keeps what was read already, and its connection with it', () => {
    const response = streamed({ data: [] });
    let destroyed = 0;
    discard(response, { destroy: () => (destroyed += 1) });
    expect(response.data).toEqual({ data: [] });
    expect(destroyed).toBe(0);
  });
});
