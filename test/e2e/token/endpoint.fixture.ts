import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expectNoSecrets, ManualClock } from 'nestjs-asset-auth/testing';
import { AssetAuthConfig } from '../../../lib/config/asset-auth.config.js';
import type { AssetAuthOptions } from '../../../lib/config/asset-auth.options.js';
import type { AssetClock } from '../../../lib/config/clock.js';
import type { ResponseHeaders } from '../../../lib/retry/rate-limit.js';
import { ClientConnections } from '../../../lib/token/endpoint/connections.js';
import { EventPublisher } from '../../../lib/events/event-publisher.js';
import { grantOf } from '../../../lib/token/pending-request.js';
import { TokenEndpointClient } from '../../../lib/token/endpoint/token-endpoint.client.js';
import type { IssuedToken } from '../../../lib/token/endpoint/token-response.js';
import { TokenRequestFailure } from '../../../lib/token/endpoint/token.errors.js';
import { type AssetTokenRequest, TokenRequestResolver } from '../../../lib/token/token-request.js';
import { afterThisTest } from '../../support/cleanup.js';

/** Needs escaping in every notation that there is. */
export const SECRET = 'c3cr3t/ü "+&=%\\~hunter2';

/** What a server got, in full. */
export interface ReceivedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A server on loopback and what it received. Closed after the test with all its connections. */
export interface RecordingServer {
  readonly url: string;
  readonly port: number;
  readonly server: Server;
  readonly received: readonly ReceivedRequest[];
}

export async function startServer(
  answer: RequestListener = (_request, response) => response.end('{"access_token":"issued-token"}'),
): Promise<RecordingServer> {
  const received: ReceivedRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('error', () => {});
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      received.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
      answer(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterThisTest(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port, server, received };
}

/** A client of the token endpoint, without the cache and the retries that come on top of it. */
export interface EndpointClient {
  readonly clock: AssetClock;
  readonly connections: ClientConnections;
  /** The headers of every answer that came in. */
  readonly headers: readonly ResponseHeaders[];
  /** @throws TokenRequestFailure when there is no token */
  fetch(asked?: AssetTokenRequest, signal?: AbortSignal): Promise<IssuedToken>;
}

export function clientOf(
  options: Partial<AssetAuthOptions> & { readonly baseUrl: string },
  clock: AssetClock = new ManualClock(),
): EndpointClient {
  const config = new AssetAuthConfig({
    clientId: 'platform',
    clientSecret: SECRET,
    undeclaredScopes: 'allow',
    ...options,
  });
  const connections = new ClientConnections(config);
  afterThisTest(() => {
    connections.onApplicationShutdown();
  });
  const headers: ResponseHeaders[] = [];
  const events = new EventPublisher(config);
  const endpoint = new TokenEndpointClient(config, connections, clock, events);
  const resolver = new TokenRequestResolver(config);
  return {
    clock,
    connections,
    headers,
    fetch: (asked = {}, signal = new AbortController().signal) => {
      const request = resolver.request(asked);
      const pending = events.publish('token.pending', { ...grantOf(request), reason: 'caller' });
      return endpoint.fetch({
        request,
        purpose: { pending, reason: 'caller', attempt: 1 },
        signal,
        isKnown: true,
        onHeaders: (its) => void headers.push(its),
      });
    },
  };
}

/** What a token request fails with, once it is sure that it holds no secret. */
export async function failureOf(
  fetching: Promise<IssuedToken>,
  secrets: readonly string[] = [SECRET, 'issued-token'],
): Promise<TokenRequestFailure> {
  try {
    await fetching;
  } catch (failure) {
    expectNoSecrets(failure, secrets, { clientId: 'platform' });
    if (failure instanceof TokenRequestFailure) return failure;
    throw failure;
  }
  throw new Error('There was a token.');
}
