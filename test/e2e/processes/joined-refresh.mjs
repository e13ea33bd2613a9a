// A caller waits on a refresh that began without one, and whose secret function never answers. Nothing but the deadline
// keeps this process alive until the caller has been told.
import { setTimeout as pause } from 'node:timers/promises';
import { AssetTokenService } from 'nestjs-asset-auth';
import { environment, start } from './application.mjs';

let readSecret = () => environment.clientSecret;
const app = await start({ clientSecret: () => readSecret(), tokenTtlSeconds: 2, tokenTimeoutMs: 600 });
const tokens = app.get(AssetTokenService);
const token = await tokens.getAccessToken();
readSecret = () => new Promise(() => {});
await pause(token.refreshAt.getTime() + 5 - Date.now());
tokens.peekAccessToken();
try {
  await tokens.getAccessToken(undefined, { forceRefresh: true });
} catch (error) {
  console.log(error.code);
}
