import type { AxiosResponse } from 'axios';
import { Readable } from 'node:stream';
import { types } from 'node:util';

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

/**
 * Frees the connection of a streamed answer that nobody is going to read: with one socket, it would keep the next
 * attempt and its token waiting for ever.
 *
 * @param request - the request object of Node that it came with, since not every stream of axios' ends its source
 */
export function giveUp(response: AxiosResponse | undefined, request: unknown): void {
  const data: unknown = response?.data;
  if (response === undefined || !(data instanceof Readable)) return;
  data.destroy();
  (request as { destroy?: () => void } | undefined)?.destroy?.();
  // In case that it is the last answer after all: reading it ends at once, instead of never.
  response.data = Readable.from([]);
}
