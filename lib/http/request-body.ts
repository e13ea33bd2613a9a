import { AxiosError, CanceledError, type InternalAxiosRequestConfig } from 'axios';
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { types } from 'node:util';

/** The body of a request: whether it can be sent again, and what becomes of a stream until it is sent. */

/** As axios tells it. */
export const isStream = (data: unknown): data is NodeJS.ReadableStream =>
  typeof data === 'object' && data !== null && typeof (data as { pipe?: unknown }).pipe === 'function';

/**
 * Whether a request body, as axios has transformed it, can be sent a second time byte for byte. Streams are used up, and
 * so is form data of the form-data package: axios would send an empty body, and the server may well accept it.
 */
export function isReplayable(body: unknown): boolean {
  if (body === undefined || body === null || typeof body === 'string') return true;
  if (types.isAnyArrayBuffer(body) || ArrayBuffer.isView(body)) return true;
  // Read again for each attempt.
  return body instanceof Blob || (body instanceof FormData && !('pipe' in body));
}

/** What axios takes for a boundary; anything else it replaces by one of its own. */
const BOUNDARY = /boundary=[-_\w\d]{10,70}/i;

/** Settles the boundary of a multipart form before it is sent, since axios would choose another one for a replay. */
export function presetBoundary({ data, headers }: InternalAxiosRequestConfig): void {
  if (!(data instanceof FormData) || BOUNDARY.test(String(headers.getContentType() ?? ''))) return;
  headers.setContentType(`multipart/form-data; boundary=asset-${randomUUID()}`);
}

/**
 * Watches a stream that waits to be sent. Nobody else listens to it yet, and an error that nobody hears ends the process.
 *
 * @param onBroken - told once, with the error that axios would end the call with
 * @returns a function that ends the watch
 */
export function watchBody(
  config: InternalAxiosRequestConfig,
  onBroken: (error: AxiosError) => void,
): () => void {
  const data: unknown = config.data;
  if (!isStream(data)) return () => {};
  const broken = (error: Error): void => {
    onBroken(AxiosError.from(error, undefined, config));
  };
  const closed = (): void => {
    if (!(data instanceof Readable) || data.readableEnded) return;
    onBroken(new CanceledError('Request stream has been aborted', config));
  };
  const end = (): void => {
    data.off('error', broken);
    data.off('close', closed);
  };
  if (data instanceof Readable && data.destroyed) {
    // Its error was told before anybody could listen.
    if (data.errored) broken(data.errored);
    else closed();
    return end;
  }
  data.once('error', broken);
  data.once('close', closed);
  return end;
}
