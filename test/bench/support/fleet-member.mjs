// One process of a fleet, driven over IPC: an application that uses its keys about once a second each, at moments of their
// own, and counts how it fares.

import { randomInt } from 'node:crypto';
import { answerParent } from './child.mjs';
import { keysOf, loadStore, startLibrary } from './library.mjs';
import { REDIS_CLIENTS } from './redis-clients.mjs';
import { claimsOf } from './token-text.mjs';

const USED_EVERY_MS = 1000;

const counts = { blocked: 0, failed: 0, expired: 0, wrong: 0 };
const held = new Set();
let tokens;

async function useOnce(key) {
  const atHand = tokens.peekAccessToken(key);
  if (atHand === undefined && held.has(key)) counts.blocked += 1;
  try {
    const { value } = atHand ?? (await tokens.getAccessToken(key));
    held.add(key);
    const { expires_at_ms, business_id } = claimsOf(value);
    if (expires_at_ms <= Date.now()) counts.expired += 1;
    if (business_id !== key.businessId) counts.wrong += 1;
  } catch {
    counts.failed += 1;
  }
}

async function storeOptions({ client, path, storeKeys }) {
  const { redisTokenStore } = await loadStore();
  return { store: redisTokenStore(await REDIS_CLIENTS[client](path)), storeKeys };
}

answerParent({
  /** @param share - which client reaches the store where, and the keys that seal; `undefined`: no store */
  async start({ server, share }) {
    ({ tokens } = await startLibrary(server, share && (await storeOptions(share))));
  },
  use({ keys }) {
    for (const key of keysOf(keys)) {
      const use = () => void useOnce(key);
      setTimeout(() => {
        use();
        setInterval(use, USED_EVERY_MS);
      }, randomInt(USED_EVERY_MS));
    }
  },
  counts: () => counts,
});
