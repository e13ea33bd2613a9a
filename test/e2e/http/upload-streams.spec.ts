import FormDataPackage from 'form-data';
import { expectNoSecrets } from 'nestjs-asset-auth/testing';
import axios from 'axios';
import { createReadStream } from 'node:fs';
import { PassThrough, Readable } from 'node:stream';
import { inspect } from 'node:util';
import { firstValueFrom } from 'rxjs';
import { startApplication } from '../../support/application.js';
import { eventually } from '../../support/eventually.js';
import { failureOf } from '../../support/failure-of.js';
import { startOnWire, TOKEN } from './wire.fixture.js';

const listenersOf = (stream: Readable): number =>
  ['error', 'close', 'end', 'data'].reduce((count, name) => count + stream.listenerCount(name), 0);

const BREAKS: [string, () => Readable, (stream: Readable) => void, object][] = [
  ['a file that is not there', () => createReadStream('/does/not/exist'), () => {}, { code: 'ENOENT' }],
  [
    'an error',
    () => new PassThrough(),
    (stream) => stream.destroy(Object.assign(new Error('torn'), { code: 'E_TORN' })),
    { code: 'E_TORN', message: 'torn' },
  ],
  [
    'an error at once',
    () =>
      new Readable({
        read() {
          this.destroy(new Error('torn'));
        },
      }),
    (stream) => {
      stream.read();
    },
    { message: 'torn' },
  ],
  ['the end of it', () => new PassThrough(), (stream) => stream.destroy(), { code: 'ERR_CANCELED' }],
];

describe('T103 a body stream that breaks while its call waits for a token', () => {
  it.each(BREAKS)('rejects the call, and nothing is sent: %s', async (_what, make, tear, failure) => {
    const { asset, sandbox } = await startApplication();
    const hold = sandbox.hold('token');
    const stream = make();
    const failed = failureOf(asset.post('/v0/business', stream));
    await sandbox.waitForRequest('token');
    tear(stream);
    const error = await failed;
    expect(error).toMatchObject({ isAxiosError: true, config: { url: '/v0/business' }, ...failure });
    expect(listenersOf(stream)).toBe(0);
    hold.release();
    // The token is there for the next.
    await firstValueFrom(asset.get('/v0/business'));
    expect(sandbox.apiRequests.map(({ method }) => method)).toEqual(['GET']);
    expect(sandbox.tokenRequests).toHaveLength(1);
  });

  it('rejects the call where it had broken before', async () => {
    const { asset, sandbox } = await startApplication();
    for (const thrown of [new Error('torn'), undefined]) {
      const stream = new PassThrough();
      stream.on('error', () => {});
      stream.destroy(thrown);
      await eventually(() => stream.closed);
      expect(await failureOf(asset.post('/v0/business', stream))).toMatchObject(
        thrown === undefined ? { code: 'ERR_CANCELED' } : { message: 'torn' },
      );
    }
    expect(sandbox.apiRequests).toHaveLength(0);
  });

  it('leaves no listener behind where the call is refused, or cancelled', async () => {
    const { asset, sandbox } = await startApplication();
    const stream = new PassThrough();
    await failureOf(asset.post('https://evil.example/', stream));
    await failureOf(asset.forBusiness('biz_A').post('/v0/business/biz_B', stream));
    const hold = sandbox.hold('token');
    const subscription = asset.post('/v0/business', stream).subscribe();
    await sandbox.waitForRequest('token');
    expect(listenersOf(stream)).toBeGreaterThan(0);
    subscription.unsubscribe();
    await eventually(() => listenersOf(stream) === 0);
    hold.release();
  });

  it('is sent whole where nothing breaks', async () => {
    const { asset, sandbox } = await startApplication();
    const hold = sandbox.hold('token');
    const stream = new PassThrough();
    stream.end('{"a":1}');
    const headers = { 'content-type': 'application/json' };
    const answer = firstValueFrom(asset.post<object>('/v0/echo', stream, { headers }));
    await sandbox.waitForRequest('token');
    hold.release();
    expect((await answer).data).toEqual({ a: 1 });
  });
});

/** A form that is a stream, as some packages make them. */
class FormStream extends Readable {
  readonly #boundary = 'boundary-of-the-form';
  #left = [`--${this.#boundary}\r\n`, `--${this.#boundary}--\r\n`];

  readonly [Symbol.toStringTag] = 'FormData';

  override _read(): void {
    this.push(this.#left.shift() ?? null);
  }

  append(): void {
    this.#left = [...this.#left];
  }

  getHeaders(): object {
    return { 'content-type': `multipart/form-data; boundary=${this.#boundary}` };
  }
}

describe('T134 an upload from a stream', () => {
  it.each<[string, () => Readable | FormDataPackage, RegExp]>([
    ['a form that is a stream', () => new FormStream(), /boundary=boundary-of-the-form\r/],
    [
      'a form of the package form-data',
      () => {
        const form = new FormDataPackage();
        form.append('a', '1');
        return form;
      },
      /content-type: multipart\/form-data; boundary=-+/,
    ],
    ['any other', () => Readable.from(['x']), /content-type: application\/x-www-form-urlencoded\r/],
  ])('is sent with the content type that axios gives it: %s', async (_what, make, type) => {
    for (const http of [{}, { maxRedirects: 5 }]) {
      const wire = await startOnWire(undefined, { http });
      await firstValueFrom(wire.asset.post('/v0/echo', make()));
      expect(wire.heads[0]).toMatch(type);
    }
  });

  it.each([undefined, { maxRedirects: 5 }, { maxBodyLength: 10_000_000 }, { onUploadProgress: () => {} }])(
    'ends with the error of axios when its source is destroyed: %j',
    async (config) => {
      const wire = await startOnWire();
      await firstValueFrom(wire.asset.get('/v0/first'));
      const errors: Record<string, unknown>[] = [];
      for (const client of [wire.asset.axiosRef, axios]) {
        const source = new PassThrough();
        source.write('x');
        const url = `${wire.origin}/v0/upload`;
        const failed = failureOf(client.post(url, source, config));
        const before = wire.requests.length;
        await eventually(() => wire.requests.length > before);
        source.destroy();
        errors.push(await failed);
      }
      const [ours, theirs] = errors;
      expect({ code: ours!.code, message: ours!.message }).toEqual({
        code: theirs!.code,
        message: theirs!.message,
      });
    },
  );

  it.each([undefined, { maxRedirects: 5 }, { maxBodyLength: 10_000_000 }, { onUploadProgress: () => {} }])(
    'does not lead from its source to the token, during the call and after it: %j',
    async (config) => {
      const wire = await startOnWire();
      const source = new PassThrough();
      source.write('x');
      const answer = firstValueFrom(wire.asset.post('/v0/upload', source, config));
      await eventually(() => wire.requests.length === 1);
      expectNoSecrets([source, inspect(source, { depth: 20, showHidden: true })], TOKEN);
      source.end('y');
      expectNoSecrets([await answer, source], TOKEN);
      expect(wire.bytes.join('')).toContain(TOKEN);
    },
  );

  it('sends every byte in order, however slowly the server reads', async () => {
    const chunks: Buffer[] = [];
    const wire = await startOnWire();
    wire.server.removeAllListeners('request');
    wire.server.on('request', (request, response) => {
      request.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        request.pause();
        setImmediate(() => request.resume());
      });
      request.on('end', () =>
        response.end(request.url === '/v0/auth/token' ? `{"access_token":"${TOKEN}"}` : '{}'),
      );
    });
    await firstValueFrom(wire.asset.get('/v0/first'));
    chunks.length = 0;
    const bytes = Buffer.alloc(3_000_000, 'abcdefghijklmnopqrstuvwxyz');
    const parts = Array.from({ length: 60 }, (_, i) => bytes.subarray(i * 50_000, (i + 1) * 50_000));
    await firstValueFrom(wire.asset.post('/v0/upload', Readable.from(parts)));
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
  });
});

describe('T137 the record of a request that was sent', () => {
  it.each([{}, { maxRedirects: 5 }])('tells the address that answered: %j', async (http) => {
    const { asset, sandbox } = await startApplication({ options: { http } });
    const response = await firstValueFrom(asset.get('/v0/echo', { params: { a: 1 } }));
    expect(response.request as object).toMatchObject({ res: { responseUrl: `${sandbox.url}/v0/echo?a=1` } });
    sandbox.fail('api', { status: 500 });
    const error = await failureOf(asset.get('/v0/echo'));
    expect(error.request).toMatchObject({ res: { responseUrl: `${sandbox.url}/v0/echo` } });
  });

  it('tells the last address after redirects', async () => {
    const { asset, sandbox } = await startApplication({ options: { http: { maxRedirects: 5 } } });
    sandbox.fail('api', { redirect: '/v0/echo?there', status: 302 });
    const response = await firstValueFrom(asset.get('/v0/business'));
    expect((response.request as { res: unknown }).res).toEqual({
      responseUrl: `${sandbox.url}/v0/echo?there`,
    });
  });
});
