import type { AssetAuthConfig } from '../config/asset-auth.config.js';
import type { AssetStartupRequest } from '../config/startup.js';
import type { EventPublisher } from '../events/event-publisher.js';
import type { AccessToken } from './access-token.js';
import { AssetTokenError } from './endpoint/token.errors.js';

/**
 * Fetches the tokens that the option `startup` asks for. Those of `'warm'` are not waited for.
 *
 * @throws AssetTokenError when a token of `'required'` cannot be had
 */
export async function fetchStartupTokens(
  { startup, startupRequests }: AssetAuthConfig,
  events: EventPublisher,
  fetch: (request: AssetStartupRequest) => Promise<AccessToken>,
): Promise<void> {
  const tokens = startupRequests.map(fetch);
  if (startup !== 'warm') {
    await Promise.all(tokens);
    return;
  }
  for (const token of tokens) {
    token.catch((error: unknown) => {
      // Not where the client was closed meanwhile.
      if (error instanceof AssetTokenError) events.publish('startup.failed', { error });
    });
  }
}
