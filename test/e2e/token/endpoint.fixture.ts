import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expectNoSecrets, ManualClock } from 'nestjs-asset-auth/testing';
import { AssetAuthConfig } from '../../../lib/config/asset-auth.config.js';
import type { AssetAuthOptions } from '../../../lib/config/asset-auth.options.js';
import type { AssetClock } from '../../../lib/config/clock.js';
import { ClientConnections } from '../../../lib/token/endpoint/connections.js';
import {
  TokenEndpointClient,
  type TokenReply,
  TokenFetcher,
  type FetchedToken,
} from '../../../lib/token/endpoint/token-endpoint.client.js';
import type { TokenFailure, TokenOutcome } from '../../../lib/token/endpoint/token.errors.js';
import { AccessTokenRequest, type AccessTokenGrant } from '../../../lib/token/token-request.js';
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

/** A client of the token endpoint, without the cache and the pacing that come on top of it. */
export interface EndpointClient {
  readonly clock: AssetClock;
  readonly connections: ClientConnections;
  /** Every answer that came in. */
  readonly replies: readonly TokenReply[];
  fetch(grant?: Partial<AccessTokenGrant>, signal?: AbortSignal): Promise<TokenOutcome<FetchedToken>>;
}

export function clientOf(
  options: Partial<AssetAuthOptions> & { readonly baseUrl: string },
  clock: AssetClock = new ManualClock(),
): EndpointClient {
  const config = new AssetAuthConfig({ clientId: 'platform', clientSecret: SECRET, ...options });
  const connections = new ClientConnections(config);
  afterThisTest(() => {
    connections.onApplicationShutdown();
  });
  const replies: TokenReply[] = [];
  const endpoint = new TokenEndpointClient(config, connections, clock);
  const fetcher = new TokenFetcher(config, endpoint, clock, (reply) => void replies.push(reply));
  return {
    clock,
    connections,
    replies,
    fetch: (grant = {}, signal = new AbortController().signal) => {
      const nothing = { scopes: undefined, businessId: undefined, resource: undefined };
      return fetcher.fetch(new AccessTokenRequest(config, { ...nothing, ...grant }), signal);
    },
  };
}

export function tokenOf<T>(outcome: TokenOutcome<T>): T {
  if ('token' in outcome) return outcome.token;
  throw outcome.failure.error;
}

/** The failure that it came to, once it is sure that it holds no secret. */
export function failureOf(
  outcome: TokenOutcome<unknown>,
  secrets: readonly string[] = [SECRET, 'issued-token'],
): TokenFailure {
  if ('token' in outcome) throw new Error('There was a token.');
  expectNoSecrets(outcome, secrets, { clientId: 'platform' });
  return outcome.failure;
}
