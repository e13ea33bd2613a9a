// The connections of a client: its agents, the sockets that are kept, and which of these died.
import { Agent as HttpAgent, type AgentOptions, type ClientRequest } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Socket } from 'node:net';
import type { OnApplicationShutdown } from '@nestjs/common';
import type { AssetAuthConfig } from '../../config/asset-auth.config.js';
import type { AssetHttpDefaults } from '../../config/asset-auth.options.js';

/** As Node's own global agents: it keeps us from writing to a socket that the server is closing. */
const IDLE_MS = 5000;

/**
 * Limits how long a connection may idle, and nothing else. Node reads the option for a socket that became idle; it also
 * copies it to each new socket, and axios to its agent for a proxy, where it would limit connecting. What is not
 * enumerable is not copied.
 */
function endingIdle<A extends HttpAgent>(agent: A): A {
  const { options } = agent as unknown as { readonly options: object };
  Object.defineProperty(options, 'timeout', { value: IDLE_MS });
  return agent;
}

/** The axios options that decide by which way a request leaves the machine. */
export const ROUTE_OPTIONS = [
  'httpAgent',
  'httpsAgent',
  'proxy',
  'transport',
  'socketPath',
  'allowedSocketPaths',
  'lookup',
  'family',
  'insecureHTTPParser',
  'httpVersion',
  'http2Options',
] as const satisfies readonly (keyof AssetHttpDefaults)[];

/**
 * Whether an answer that has just begun is a proxy's own, which refused to open a tunnel to the endpoint. Such an answer
 * came in clear, and is played back on a socket that takes nothing (https-proxy-agent).
 */
export function isOfTunnel(nodeRequest: unknown): boolean {
  const { protocol, socket } = Object(nodeRequest) as Partial<ClientRequest>;
  return protocol === 'https:' && socket?.writable === false && socket.bytesWritten === 0;
}

/** Whether a request that failed was still waiting for a socket of its agent. */
export function waitsForSocket(error: unknown): boolean {
  const { request } = Object(error) as { readonly request?: Partial<ClientRequest> };
  const queued = (request as { agent?: HttpAgent } | undefined)?.agent?.requests ?? {};
  return Object.values(queued).some(
    (waiting) => (waiting as unknown[] | undefined)?.includes(request) === true,
  );
}

/** Whether requests may have to wait for one of the agent's sockets. */
const isLimited = ({ maxSockets, maxTotalSockets }: HttpAgent): boolean =>
  maxSockets !== Infinity || maxTotalSockets !== Infinity;

/**
 * An agent like the application's for when that one is out of sockets: API calls that hold them all must not keep their
 * own tokens waiting. One of another class may go another way, so it is used as it is.
 */
function spareFor<A extends HttpAgent>(agent: A, Plain: new (options: AgentOptions) => A): A {
  const { constructor } = agent as HttpAgent;
  if (constructor !== Plain || Object.hasOwn(agent, 'createConnection') || !isLimited(agent)) return agent;
  const { options } = agent as unknown as { readonly options: AgentOptions };
  return new Plain({ ...options, maxSockets: Infinity, maxTotalSockets: Infinity });
}

function isOutOfSockets({ sockets, maxSockets, maxTotalSockets }: HttpAgent): boolean {
  const counts = Object.values(sockets).map((busy) => busy?.length ?? 0);
  return counts.some((busy) => busy >= maxSockets) || counts.reduce((a, b) => a + b, 0) >= maxTotalSockets;
}

/** The agents of one client: its own, unless the options bring some. API requests and token requests go the same way. */
export class ClientConnections implements OnApplicationShutdown {
  readonly #own: readonly (HttpAgent | HttpsAgent)[];
  /** Whether the application's agents limit their sockets. */
  readonly isLimited: boolean;
  // Private, so that no dump of the application shows a proxy's password.
  readonly #route: AssetHttpDefaults;
  readonly #agents: Readonly<Record<'httpAgent' | 'httpsAgent', HttpAgent>>;
  readonly #spare: Readonly<Record<'httpAgent' | 'httpsAgent', HttpAgent>>;

  constructor({ http, origin }: AssetAuthConfig) {
    const httpAgent =
      (http.httpAgent as HttpAgent | undefined) ?? endingIdle(new HttpAgent({ keepAlive: true }));
    const httpsAgent =
      (http.httpsAgent as HttpsAgent | undefined) ?? endingIdle(new HttpsAgent({ keepAlive: true }));
    this.#agents = { httpAgent, httpsAgent };
    this.isLimited = [httpAgent, httpsAgent].some(isLimited);
    this.#spare = { httpAgent: spareFor(httpAgent, HttpAgent), httpsAgent: spareFor(httpsAgent, HttpsAgent) };
    this.#own = [...new Set([httpAgent, httpsAgent, ...Object.values(this.#spare)])].filter(
      (agent) => agent !== http.httpAgent && agent !== http.httpsAgent,
    );
    const chosen = ROUTE_OPTIONS.filter((name) => http[name] !== undefined).map(
      (name) => [name, http[name]] as const,
    );
    this.#route = {
      ...(Object.fromEntries(chosen) as AssetHttpDefaults),
      // Plain http is for this machine: a proxy of the environment would read the secret and the tokens. Axios asks the
      // environment for `null` as well, which plain JavaScript may give.
      ...(!http.proxy && origin.startsWith('http:') && { proxy: false as const }),
      httpAgent,
      httpsAgent,
    };
  }

  /** Axios options for the way that every request of this client takes. */
  get route(): AssetHttpDefaults {
    return this.#route;
  }

  /** The agents for a token request that is sent now: the same, unless they are out of sockets. */
  get tokenAgents(): AssetHttpDefaults {
    const { httpAgent, httpsAgent } = this.#agents;
    return {
      httpAgent: isOutOfSockets(httpAgent) ? this.#spare.httpAgent : httpAgent,
      httpsAgent: isOutOfSockets(httpsAgent) ? this.#spare.httpsAgent : httpsAgent,
    };
  }

  /** Closes idle and busy sockets of our own agents; agents that the application brought are its own to close. */
  onApplicationShutdown(): void {
    for (const agent of this.#own) agent.destroy();
  }
}

// Servers close idle connections, and may do so in the moment in which a request goes out on one. Such a request was never
// looked at, and says nothing of the server (nodejs/node#47130, RFC 9112 §9.3.1). On a new connection it has failed.

/** As many as an agent of Node keeps. Each that has died is gone, so the next attempt meets another one. */
export const MOST_KEPT_SOCKETS = 256;

/** How a connection ends that the other side has closed. */
const CLOSED: readonly unknown[] = ['ECONNRESET', 'EPIPE', 'ECONNABORTED'];

/** Sockets that brought an answer: to a request that waited for one, Node does not say that it is used again. */
const used = new WeakSet<Socket>();

/** Node's own request; the one of follow-redirects stands for several. */
function latest(request: unknown): Partial<ClientRequest> & { readonly res?: unknown } {
  const { _currentRequest } = Object(request) as { readonly _currentRequest?: ClientRequest };
  return (_currentRequest ?? Object(request)) as Partial<ClientRequest>;
}

/** Notes that the socket of a request brought its answer. That matters where the agent {@link ClientConnections.isLimited}. */
export function noteAnswer(nodeRequest: unknown): void {
  const { socket } = latest(nodeRequest);
  if (socket) used.add(socket);
}

function isReused(nodeRequest: unknown): boolean {
  const { reusedSocket, socket } = latest(nodeRequest);
  return reusedSocket === true || (typeof socket === 'object' && socket !== null && used.has(socket));
}

/** Whether a request failed without any answer on a socket that had served another before. */
export function isDeadSocket(error: unknown): boolean {
  const { request, response, code } = Object(error) as Readonly<Record<string, unknown>>;
  return response === undefined && CLOSED.includes(code) && !latest(request).res && isReused(request);
}

/** Whether the answer was meant for the connection, which had been idle for too long (RFC 9110 §15.5.9). */
export function isIdleTimeout({
  status,
  headers,
  request,
}: {
  readonly status: number;
  readonly headers?: object;
  readonly request?: unknown;
}): boolean {
  if (status !== 408 || !isReused(request)) return false;
  const connection = Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === 'connection');
  return /\bclose\b/i.test(String(connection?.[1]));
}
