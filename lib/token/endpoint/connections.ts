import { Agent as HttpAgent, type AgentOptions } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { OnApplicationShutdown } from '@nestjs/common';
import type { AssetAuthConfig } from '../../config/asset-auth.config.js';
import type { AssetHttpDefaults } from '../../config/asset-auth.options.js';

/** As Node's own global agents: the idle timeout keeps us from writing to a socket that the server is closing. */
const KEEP_ALIVE: AgentOptions = { keepAlive: true, scheduling: 'lifo', timeout: 5000 };

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

/** The agents of one client: its own, unless the options bring some. API requests and token requests go the same way. */
export class ClientConnections implements OnApplicationShutdown {
  readonly #own: readonly (HttpAgent | HttpsAgent)[];
  // Private, so that no dump of the application shows a proxy's password.
  readonly #route: AssetHttpDefaults;

  constructor({ http, origin }: AssetAuthConfig) {
    const httpAgent = (http.httpAgent as unknown) ?? new HttpAgent(KEEP_ALIVE);
    const httpsAgent = (http.httpsAgent as unknown) ?? new HttpsAgent(KEEP_ALIVE);
    this.#own = [httpAgent, httpsAgent].filter(
      (agent): agent is HttpAgent => agent !== http.httpAgent && agent !== http.httpsAgent,
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

  /** Closes idle and busy sockets of our own agents; agents that the application brought are its own to close. */
  onApplicationShutdown(): void {
    for (const agent of this.#own) agent.destroy();
  }
}
