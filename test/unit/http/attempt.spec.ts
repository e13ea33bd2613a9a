import type { AxiosResponse } from 'axios';
import { Duplex, PassThrough, type Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { discard } from '../../../lib/http/attempt.js';

describe('an answer that is discarded', () => {
  const answer = (data: unknown): AxiosResponse => ({ data }) as AxiosResponse;

  it('has its stream and its request destroyed, and ends when it is read all the same', async () => {
    const data = new Duplex({ read: () => undefined });
    let destroyed = 0;
    const response = answer(data);
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
    for (const request of [undefined, null, {}]) discard(answer(data), request);
    expect(data.destroyed).toBe(true);
  });

  it('keeps what was read already, and its connection with it', () => {
    const response = answer({ data: [] });
    let destroyed = 0;
    discard(response, { destroy: () => (destroyed += 1) });
    expect(response.data).toEqual({ data: [] });
    expect(destroyed).toBe(0);
  });
});
