import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { AssetSandbox } from 'nestjs-asset-auth/testing';
import { afterThisTest } from '../../support/cleanup.js';

/** One address at which several clients are known, each by a sandbox of its own. @returns its URL */
export async function oneAddressOf(sandboxes: readonly AssetSandbox[]): Promise<string> {
  const server = createServer((request, response) => {
    void (async () => {
      const body = await text(request);
      const clientId = new URLSearchParams(body).get('client_id');
      const its = sandboxes.find((sandbox) => sandbox.clientId === clientId);
      const { method, url, headers } = request;
      const type = headers['content-type'] ?? '';
      const answer = await fetch(`${its?.url}${url}`, { method, body, headers: { 'content-type': type } });
      response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
      response.end(await answer.text());
    })().catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterThisTest(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
