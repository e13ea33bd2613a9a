// A caller waits on a refresh that began without one, and whose secret function never answers. Nothing but the library's own
// timer, after which it goes on with the last good secret, keeps this process alive until the caller has its token.
import { AssetTokenService } from 'nestjs-asset-auth';
import { environment, start } from './application.mjs';

let readSecret = () => environment.clientSecret;
let reads = 0;
const clientSecret = () => {
  reads += 1;
  return readSecret();
};
const app = await start({ clientSecret, tokenTimeoutMs: 600 });
const tokens = app.get(AssetTokenService);
const token = await tokens.getAccessToken();
const refreshing = new Promise((resolve) => {
  readSecret = () => {
    resolve();
    return new Promise(() => {});
  };
});

// The machine's clock is set forward to when the token is stale, and stays so however slow the machine is.
const setForward = token.refreshAt.getTime() + 1 - Date.now();
const now = Date.now.bind(Date);
Date.now = () => now() + setForward;

tokens.peekAccessToken();
await refreshing;
console.log(`${tokens.snapshot()[0].state}, secret read ${reads} times`);
try {
  await tokens.getAccessToken(undefined, { forceRefresh: true });
  console.log(`served with the last good secret, read ${reads} times`);
} catch (error) {
  console.log(`${error.code}, secret read ${reads} times`);
}
