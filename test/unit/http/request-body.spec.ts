import FormDataPackage from 'form-data';
import { PassThrough, Readable } from 'node:stream';
import { isReplayable } from '../../../lib/http/wire-config.js';

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
  ])('%s cannot be sent again', (_what, body) => {
    expect(isReplayable(body)).toBe(false);
  });
});
