import FormDataPackage from 'form-data';
import { Duplex, PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { AxiosResponse } from 'axios';
import { giveUp, isReplayable } from '../../../lib/http/retry.policy.js';

describe('a request body', () => {
  it.each<[string, unknown]>([
    ['none', undefined],
    ['null', null],
    ['an empty string', ''],
    ['a string', 'text'],
    ['a Buffer', Buffer.from('x')],
    ['a Uint8Array', new Uint8Array(2)],
    ['a DataView', new DataView(new ArrayBuffer(2))],
    ['an ArrayBuffer', new ArrayBuffer(2)],
    ['a SharedArrayBuffer', new SharedArrayBuffer(2)],
    ['a Blob', new Blob(['x'])],
    ['a form of the platform', new FormData()],
  ])('%s can be sent again', (_what, body) => {
    expect(isReplayable(body)).toBe(true);
  });

  it.each<[string, unknown]>([
    ['a stream', Readable.from(['x'])],
    ['a duplex', new PassThrough()],
    ['a form of the package form-data', new FormDataPackage()],
    ['a form that is a stream as well', Object.assign(new FormData(), { pipe: () => undefined })],
    ['a web stream', new ReadableStream()],
    ['an iterator', [1][Symbol.iterator]()],
    ['a plain object, which axios should have turned into text', { a: 1 }],
    ['a number', 7],
    ['something with a length', { length: 1, byteLength: 1 }],
  ])('%s cannot', (_what, body) => {
    expect(isReplayable(body)).toBe(false);
  });
});

describe('an answer that is given up', () => {
  const answer = (data: unknown): AxiosResponse => ({ data }) as AxiosResponse;

  it('has its stream and its request destroyed, and ends when it is read all the same', async () => {
    const data = new Duplex({ read: () => undefined });
    let destroyed = 0;
    const response = answer(data);
    giveUp(response, { destroy: () => (destroyed += 1) });
    expect(data.destroyed).toBe(true);
    expect(destroyed).toBe(1);
    expect(await text(response.data as Readable)).toBe('');
  });

  it('may be none', () => {
    expect(() => {
      giveUp(undefined, undefined);
    }).not.toThrow();
  });

  it('needs no request to go with it', () => {
    const data = new PassThrough();
    for (const request of [undefined, null, {}]) giveUp(answer(data), request);
    expect(data.destroyed).toBe(true);
  });

  it('keeps what was read already, and its connection with it', () => {
    const response = answer({ data: [] });
    let destroyed = 0;
    giveUp(response, { destroy: () => (destroyed += 1) });
    expect(response.data).toEqual({ data: [] });
    expect(destroyed).toBe(0);
  });
});
