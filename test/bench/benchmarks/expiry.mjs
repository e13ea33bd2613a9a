// Fifty workers that never stop asking, tokens that live for a few seconds, and a token endpoint that takes 100 ms.

import { setTimeout as pause } from 'node:timers/promises';
import { caching, reactive, tokenGetter } from '../peers/index.mjs';
import { CREDENTIALS, startLibrary } from '../support/library.mjs';
import { row } from '../support/report.mjs';
import { quantile } from '../support/statistics.mjs';
import { expiryOf } from '../support/token-text.mjs';

export const title = 'Expiry under load';

const WORKERS = 50;
const LIFETIME_SECONDS = 4;
const LATENCY_MS = 100;
const OURS = 'nestjs-asset-auth';

async function underLoad(server, getToken, seconds) {
  await server.configure({
    lifetimeSeconds: LIFETIME_SECONDS,
    tokenLatencyMs: LATENCY_MS,
    checksExpiry: true,
  });
  // What the first token costs is no matter of expiry.
  const seen = new Map([await getToken()].map((token) => [token, expiryOf(token)]));
  await server.reset();
  const waits = [];
  let expired = 0;
  let failed = 0;
  const end = performance.now() + seconds * 1000;
  const work = async () => {
    while (performance.now() < end) {
      const start = performance.now();
      const token = await getToken().catch(() => undefined);
      waits.push(performance.now() - start);
      if (token === undefined) failed += 1;
      else if (!seen.has(token)) seen.set(token, expiryOf(token));
      if (token !== undefined && seen.get(token) <= Date.now()) expired += 1;
      await pause(2);
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
  const { token: requests, renewals, rejected, mostUnderWay } = await server.counts();
  return {
    requests,
    renewals,
    mostUnderWay,
    lookups: waits.length,
    blocked: waits.filter((ms) => ms >= LATENCY_MS / 2).length,
    failed,
    expired: Math.max(expired, rejected),
    longest: quantile(waits, 1),
  };
}

function rowsOf(name, figures) {
  const ofGoal = (goal) => (name === OURS ? { goal } : {});
  return [
    row(`${name}: lookups`, figures.lookups),
    row(`${name}: token requests per expiry`, figures.requests / figures.renewals, ofGoal({ atMost: 1 })),
    row(`${name}: expiries`, figures.renewals),
    row(`${name}: token requests at once`, figures.mostUnderWay, ofGoal({ atMost: 1 })),
    row(`${name}: callers blocked`, figures.blocked, ofGoal({ exactly: 0 })),
    row(`${name}: callers that got an error`, figures.failed, ofGoal({ exactly: 0 })),
    row(`${name}: expired tokens handed out`, figures.expired, ofGoal({ exactly: 0 })),
    row(`${name}: longest wait`, figures.longest, { unit: 'ms', ...ofGoal({ atMost: 5 }) }),
  ];
}

export async function run({ server, quick }) {
  const seconds = quick ? 5 : 30;
  const { tokens, close } = await startLibrary(server, { tokenTtlSeconds: LIFETIME_SECONDS });
  const getOurs = async () => (await tokens.getAccessToken({ scopes: ['ledger:read'] })).value;
  const rows = rowsOf(OURS, await underLoad(server, getOurs, seconds));
  await close();

  const renewAheadMs = LIFETIME_SECONDS * 250;
  for (const peer of [...caching, ...reactive]) {
    if ((peer.fixedRenewAheadMs ?? 0) > LIFETIME_SECONDS * 1000) {
      rows.push(row(`${peer.name}: not possible, it renews ${peer.fixedRenewAheadMs / 1000} s ahead`, ''));
      continue;
    }
    const getToken = tokenGetter(peer.create({ server, ...CREDENTIALS, renewAheadMs }));
    rows.push(...rowsOf(peer.name, await underLoad(server, getToken, quick ? 5 : 15)));
  }
  return rows;
}
