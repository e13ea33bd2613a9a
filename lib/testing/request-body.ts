import type { IncomingMessage } from 'node:http';

/** A request body, as far as it was read. */
export interface RequestBody {
  readonly bytes: Buffer;
  readonly isTooLarge: boolean;
}

/** Reads up to `limit` bytes; `undefined` if the client left before its request was complete. */
export function readBody(message: IncomingMessage, limit: number): Promise<RequestBody | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    message.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit) {
        chunks.push(chunk);
      } else {
        // The rest goes on flowing, unkept, so that the client gets to read its answer.
        resolve({ bytes: Buffer.concat(chunks), isTooLarge: true });
      }
    });
    message.on('end', () => {
      resolve({ bytes: Buffer.concat(chunks), isTooLarge: false });
    });
    message.on('close', () => {
      resolve(undefined);
    });
  });
}
