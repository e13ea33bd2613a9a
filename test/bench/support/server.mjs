import { startChild } from './child.mjs';

/** The token server in a process of its own. */
export async function startServer() {
  const child = await startChild('token-server');
  return {
    url: child.greeting,
    tokenUrl: `${child.greeting}/v0/auth/token`,
    /** Replaces how it behaves; see DEFAULTS in token-server.mjs. */
    configure: (behaviour) => child.ask('configure', behaviour),
    /** What it has counted so far. */
    counts: () => child.ask('counts'),
    reset: () => child.ask('reset'),
    stop: () => child.stop(),
  };
}
