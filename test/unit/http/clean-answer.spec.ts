import { AxiosError, AxiosHeaders, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import { expectNoSecrets } from 'nestjs-asset-auth/testing';
import { PassThrough } from 'node:stream';
import { cleanError, cleanResponse, type Sent } from '../../../lib/http/attempt.js';

const TOKEN = 'token-of-asset-0123456789';

const config = { method: 'post', url: '/v0/x' } as unknown as InternalAxiosRequestConfig;
const sent: Sent = { config, url: new URL('https://api.getasset.com/v0/x?a=1'), secret: TOKEN };
const RECORD = { method: 'POST', host: 'api.getasset.com', path: '/v0/x?a=1' };

/** What goes over the wire, with the token all over it. */
const wire = (): InternalAxiosRequestConfig =>
  ({ headers: new AxiosHeaders({ Authorization: `Bearer ${TOKEN}` }) }) as InternalAxiosRequestConfig;
const request = (): object => ({ _header: `Authorization: Bearer ${TOKEN}` });
const response = (data?: unknown): AxiosResponse => ({
  status: 500,
  statusText: '',
  headers: {},
  data,
  config: wire(),
  request: request(),
});

describe('an answer', () => {
  it('leaves with the config of the caller and a record of the request', () => {
    const answer = response('data');
    expect(cleanResponse(answer, sent)).toBe(answer);
    expect(answer.config).toBe(config);
    expect(answer.request).toEqual(RECORD);
    expect(answer).toMatchObject({ status: 500, data: 'data' });
    expectNoSecrets(answer, TOKEN);
  });

  it('tells method and path of the request that was answered, where they are known', () => {
    const answer = { ...response(), request: { method: 'GET', path: '/v0/moved', _header: TOKEN } };
    expect(cleanResponse(answer, sent).request).toEqual({
      method: 'GET',
      host: 'api.getasset.com',
      path: '/v0/moved',
    });
    const bare = { ...response(), request: undefined };
    expect(cleanResponse(bare, { ...sent, config: {} as never }).request).toEqual({
      ...RECORD,
      method: 'GET',
    });
  });

  it('has the errors of its stream cleaned, without handling them in place of the reader', async () => {
    const data = new PassThrough();
    cleanResponse(response(data), sent);
    expect(data.listenerCount('error')).toBe(0);
    const heard = new Promise((resolve) => data.once('error', resolve));
    data.destroy(new AxiosError('torn', 'X', wire(), request()));
    expectNoSecrets(await heard, TOKEN);
    expect(await heard).toMatchObject({ message: 'torn', request: RECORD });
  });
});

describe('an error', () => {
  it('leaves with the config of the caller, and so does its answer', () => {
    const error = new AxiosError('failed', 'X', wire(), request(), response());
    expect(cleanError(error, sent)).toBe(error);
    expect(error.config).toBe(config);
    expect(error.request).toEqual(RECORD);
    expect(error.response?.config).toBe(config);
    expectNoSecrets(error, TOKEN);
  });

  it('is cleaned down to the last of its causes', () => {
    const innermost = new AxiosError('innermost', 'X', wire(), request(), response());
    const outer = new Error('outer', { cause: new Error('inner', { cause: innermost }) });
    expectNoSecrets(cleanError(outer, sent), TOKEN);
    expect(innermost.config).toBe(config);
  });

  it('that is its own cause is cleaned once', () => {
    const error = new AxiosError('loop', 'X', wire());
    const other = new Error('other', { cause: error });
    error.cause = other;
    expectNoSecrets(cleanError(error, sent), TOKEN);
  });

  it('is cleaned in all its parts where it stands for several, however they refer to each other', () => {
    const parts = [1, 2].map(() => new AxiosError('try', 'X', wire(), request()));
    const error = new AggregateError(parts, 'all tries failed');
    parts[1]!.cause = error;
    expectNoSecrets(cleanError(error, sent), TOKEN);
    expect(parts.map(({ config }) => config)).toEqual([sent.config, sent.config]);
  });

  it('has the token taken out of message and stack', () => {
    const thrown = new Error(`{"Authorization":"Bearer ${TOKEN}"} ${TOKEN}`);
    // The stack is put into words when somebody looks at it first.
    expect(thrown.stack).toContain(TOKEN);
    const error = cleanError(thrown, sent) as Error;
    expect(error.message).toBe('{"Authorization":"Bearer [redacted]"} [redacted]');
    expectNoSecrets(error, TOKEN);
  });

  it('keeps what it does not have: no config, request or response is invented', () => {
    const error = cleanError(new Error('plain'), sent) as Error;
    expect(Object.getOwnPropertyNames(error).sort()).toEqual(['message', 'stack']);
    expect(error.message).toBe('plain');
  });

  it('of a request without token keeps its words', () => {
    const error = new Error('undefined is not a function');
    expect((cleanError(error, { ...sent, secret: undefined }) as Error).message).toBe(
      'undefined is not a function',
    );
  });

  it.each([undefined, null, 'text', 7, Symbol('s')])('may be anything: %p', (thrown) => {
    expect(cleanError(thrown, sent)).toBe(thrown);
  });

  it('may be frozen, or have odd fields', () => {
    const frozen = Object.freeze(new Error('frozen'));
    expect(cleanError(frozen, sent)).toBe(frozen);
    const odd = { message: 7, stack: null, cause: 'text', config: null };
    expect(cleanError(odd, sent)).toBe(odd);
  });
});
