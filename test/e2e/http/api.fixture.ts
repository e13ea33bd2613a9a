import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AssetHttpDefaults } from 'nestjs-asset-auth';
import { startApplication, type RunningApplication } from '../../support/application.js';
import { listening } from '../../support/listening.js';
import { startSandbox } from '../../support/sandbox.js';

/** An application whose API is answered by a test, with tokens of the sandbox. */
export async function withApi(
  answer: RequestListener,
  http?: AssetHttpDefaults,
): Promise<RunningApplication & { readonly bodies: string[] }> {
  const sandbox = await startSandbox();
  const bodies: string[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = Buffer.concat(chunks);
      if (request.url !== '/v0/auth/token') {
        bodies.push(body.toString());
        answer(request, response);
        return;
      }
      const headers = { 'content-type': request.headers['content-type'] ?? '' };
      const issued = await fetch(`${sandbox.url}${request.url}`, { method: 'POST', body, headers });
      response.writeHead(issued.status, { 'content-type': 'application/json' });
      response.end(await issued.text());
    })();
  });
  const baseUrl = `http://${await listening(server)}`;
  return Object.assign(await startApplication({ sandbox, options: { baseUrl, http } }), { bodies });
}
