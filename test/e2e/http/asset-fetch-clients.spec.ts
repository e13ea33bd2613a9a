import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { createClient, createConfig } from '@hey-api/client-fetch';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { assetFetch } from 'nestjs-asset-auth';
import { startApplication } from '../../support/application.js';
import { afterThisTest } from '../../support/cleanup.js';
import { listening } from '../../support/listening.js';
import { startSandbox } from '../../support/sandbox.js';

const BUSINESS = 'biz_GA6EG2qFxA97NZHtxeLPUy';

describe('clients that take a fetch', () => {
  it('hey-api’s client reads data, errors and its own statuses', async () => {
    const { asset, sandbox } = await startApplication();
    const ask = { scopes: ['ledger:read'], businessId: BUSINESS };
    const api = createClient(createConfig({ baseUrl: sandbox.url, fetch: assetFetch(asset, ask) }));
    const { data, error, response } = await api.get({
      url: '/v0/business/{id}/ledger',
      path: { id: BUSINESS },
    });
    expect({ error, status: response.status }).toEqual({ error: undefined, status: 200 });
    expect(data).toBeDefined();
    const missing = await api.get({ url: `/v0/business/${BUSINESS}/ledger/none` });
    expect(missing.response.status).toBe(404);
    expect(missing.error).toBeDefined();
  });

  it('the MCP SDK holds a session over streaming HTTP, also through a token that is revoked in its midst', async () => {
    const sandbox = await startSandbox();
    const server = await startMcpServer(sandbox.url);
    const { asset } = await startApplication({ sandbox, options: { baseUrl: server.origin } });
    const client = new Client({ name: 'test', version: '1' });
    const url = new URL('/mcp', server.origin);
    await client.connect(
      new StreamableHTTPClientTransport(url, { fetch: assetFetch(asset, { resource: url.href }) }),
    );
    afterThisTest(() => client.close());
    const ask = { name: 'add', arguments: { a: 1, b: 2 } };
    expect(await client.callTool(ask)).toMatchObject({ content: [{ type: 'text', text: '3' }] });

    server.revoke();
    expect(await client.callTool(ask)).toMatchObject({ content: [{ type: 'text', text: '3' }] });
    expect(sandbox.tokenRequests).toMatchObject([
      { form: { resource: url.href } },
      { form: { resource: url.href } },
    ]);
  });
});

/** A real MCP server behind tokens: what is not its own goes to the sandbox. */
async function startMcpServer(sandboxUrl: string): Promise<{ origin: string; revoke: () => void }> {
  const mcp = new McpServer({ name: 'ledger', version: '1' });
  mcp.registerTool('add', {}, () => ({ content: [{ type: 'text', text: '3' }] }));
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: () => randomUUID() });
  await mcp.connect(transport);
  afterThisTest(() => mcp.close());
  const accepted = new Set<string>();
  let refused = new Set<string>();
  const server = createServer((request, response) => {
    void (async () => {
      if (request.url === '/mcp') {
        const { authorization = '' } = request.headers;
        if (!authorization.startsWith('Bearer ') || refused.has(authorization)) {
          response.writeHead(401).end();
          return;
        }
        accepted.add(authorization);
        await transport.handleRequest(request, response);
        return;
      }
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const headers = { 'content-type': request.headers['content-type'] ?? '' };
      const body = Buffer.concat(chunks);
      const issued = await fetch(`${sandboxUrl}${request.url}`, { method: 'POST', body, headers });
      response.writeHead(issued.status, { 'content-type': 'application/json' }).end(await issued.text());
    })();
  });
  return {
    origin: `http://${await listening(server)}`,
    revoke: () => {
      refused = new Set(accepted);
    },
  };
}
