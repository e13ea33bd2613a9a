// A token of ten years under the machine's own clock, whose timers hold at most 24.8 days.
import { setImmediate as turn } from 'node:timers/promises';
import { AssetTokenService } from 'nestjs-asset-auth';
import { start } from './application.mjs';

const app = await start({ tokenTtlSeconds: 315_360_000 });
const tokens = app.get(AssetTokenService);
await tokens.getAccessToken();
for (let i = 0; i < 20; i += 1) {
  tokens.peekAccessToken();
  await turn();
}
console.log(tokens.snapshot()[0].state);
