import { Agent as HttpAgent, type AgentOptions, type ClientRequest } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { OnApplicationShutdown } from '@nestjs/common';
import type { AssetAuthConfig } from '../../config/asset-auth.config.js';
import type { AssetHttpDefaults } from '../../config/asset-auth.options.js';

/** As Node's own global agents. */
const KEEP_ALIVE: AgentOptions = { keepAlive: true, scheduling: 'lifo' };

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

/** The agents of one client: its own, unless the options bring some. API requests and token requests go the same way. */
export class ClientConnections implements OnApplicationShutdown {
  readonly #own: readonly (HttpAgent | HttpsAgent)[];
  /** Axios options for the way that every request of this client takes. */
  readonly route: AssetHttpDefaults;

  constructor({ http, origin }: AssetAuthConfig) {
    const httpAgent = (http.httpAgent as unknown) ?? endingIdle(new HttpAgent(KEEP_ALIVE));
    const httpsAgent = (http.httpsAgent as unknown) ?? endingIdle(new HttpsAgent(KEEP_ALIVE));
    this.#own = [httpAgent, httpsAgent].filter(
      (agent): agent is HttpAgent => agent !== http.httpAgent && agent !== http.httpsAgent,
    );
    const chosen = ROUTE_OPTIONS.filter((name) => http[name] !== undefined).map(
      (name) => [name, http[name]] as const,
    );
    this.route = {
      ...(Object.fromEntries(chosen) as AssetHttpDefaults),
      // Plain http is for this machine: a proxy of the environment would read the secret and the tokens. Axios asks the
      // environment for `null` as well, which plain JavaScript may give.
      ...(!http.proxy && origin.startsWith('http:') && { proxy: false as const }),
      httpAgent,
      httpsAgent,
    };
  }

  /** Closes idle and busy sockets of our own agents; agents that the application brought are its own to close. */
  onApplicationShutdown(): void {
    for (const agent of this.#own) agent.destroy();
  }
}
