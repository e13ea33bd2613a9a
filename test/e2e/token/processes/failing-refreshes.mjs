// Refreshes that fail in every way while nobody waits for them; callers that leave; an end in the middle of it all.
import 'reflect-metadata';
import { setImmediate as turn } from 'node:timers/promises';
import { Test } from '@nestjs/testing';
import { ASSET_CLOCK, AssetAuthModule, AssetTokenService } from 'nestjs-asset-auth';
import { AssetSandbox, ManualClock } from 'nestjs-asset-auth/testing';

const clock = new ManualClock();
const sandbox = await AssetSandbox.start({ clock });
const module = await Test.createTestingModule({
  imports: [AssetAuthModule.forRoot({ ...sandbox.moduleOptions(), undeclaredScopes: 'allow' })],
})
  .overrideProvider(ASSET_CLOCK)
  .useValue(clock)
  .compile();
const app = module.createNestApplication({ logger: false });
await app.init();
const tokens = app.get(AssetTokenService);
const key = (id) => ({ resource: `https://example.com/${id}` });

const faults = [
  { status: 500 },
  { reset: true },
  { status: 401 },
  { body: 'nonsense' },
  { truncated: true },
  { hang: true },
];
for (const [id, fault] of faults.entries()) {
  const token = await tokens.getAccessToken(key(id));
  await clock.advance(token.refreshAt.getTime() + 1 - clock.now());
  sandbox.clearRequests();
  sandbox.fail('token', fault);
  tokens.peekAccessToken(key(id));
  await sandbox.waitForRequest('token');
  for (let i = 0; i < 200 && tokens.snapshot().some(({ refreshing }) => refreshing); i += 1) await turn();
  await clock.advance(600_000);
}
console.log('refreshes failed');

sandbox.hold('token');
await clock.advance(3_600_000);
const leaving = new globalThis.AbortController();
const left = tokens.getAccessToken(key('left'), { signal: leaving.signal });
leaving.abort();
await left.catch(() => console.log('a caller left'));
tokens.peekAccessToken(key(0));
await app.close();
await sandbox.close();
console.log('closed');
