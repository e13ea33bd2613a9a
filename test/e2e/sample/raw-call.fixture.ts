import { once } from 'node:events';
import { request as httpRequest } from 'node:http';

/** The status of an answer. Not by `fetch`, which sends no other `Host`. */
export async function statusOf(
  url: string,
  method: string,
  headers: Record<string, string>,
  body = '',
): Promise<number> {
  const sent = httpRequest(url, { method, headers, agent: false }).end(body);
  const [response] = (await once(sent, 'response')) as [NodeJS.ReadableStream & { statusCode: number }];
  sent.destroy();
  return response.statusCode;
}
