// A thousand callers that all want the same token at once: with an empty cache, and with a token endpoint that fails.

import { caching, reactive, tokenGetter, uncached } from '../peers/index.mjs';
import { CREDENTIALS, startLibrary } from '../support/library.mjs';
import { row } from '../support/report.mjs';

export const title = 'A herd of callers';

const CALLERS = 1000;
const OURS = 'nestjs-asset-auth';
const KEY = { scopes: ['ledger:read'] };

/** By name, functions that make a new client and answer how to get a token from it. */
const contestants = (server) => ({
  [OURS]: async () => {
    const { tokens, close } = await startLibrary(server);
    return { getToken: () => tokens.getAccessToken(KEY), close };
  },
  ...Object.fromEntries(
    [...caching, ...reactive, ...uncached].map((peer) => [
      peer.name,
      () => ({ getToken: tokenGetter(peer.create({ server, ...CREDENTIALS })), close() {} }),
    ]),
  ),
});

async function herd(getToken) {
  const start = performance.now();
  const outcomes = await Promise.all(
    Array.from({ length: CALLERS }, () =>
      getToken().then(
        () => ({ served: true, ms: performance.now() - start }),
        () => ({ served: false, ms: performance.now() - start }),
      ),
    ),
  );
  return {
    served: outcomes.filter(({ served }) => served).length,
    longestMs: Math.max(...outcomes.map(({ ms }) => ms)),
  };
}

async function cold(server, start) {
  await server.configure({ tokenLatencyMs: 100 });
  const { getToken, close } = await start();
  await server.reset();
  const { served, longestMs } = await herd(getToken);
  const { token } = await server.counts();
  await close();
  return { token, served, longestMs };
}

/** The herd once, then some who go on asking every few milliseconds. */
async function failing(server, start, seconds) {
  await server.configure({ tokenLatencyMs: 20, tokenStatus: 503 });
  const { getToken, close } = await start();
  await server.reset();
  const began = performance.now();
  await herd(getToken);
  const persistent = async () => {
    while (performance.now() - began < seconds * 1000) {
      await getToken().catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  await Promise.all(Array.from({ length: 20 }, persistent));
  const { token } = await server.counts();
  await close();
  return { token };
}

/**
 * Most requests that equal jitter allows within the time: three attempts at first, since callers wait, and then waits of
 * at least half a step of 1, 2, 4 … 30 s.
 */
function mostWithinSchedule(seconds) {
  let requests = 3;
  for (let waited = 0, step = 1; (waited += step / 2) <= seconds; step = Math.min(step * 2, 30))
    requests += 1;
  return requests;
}

export async function run({ server, quick }) {
  const seconds = quick ? 2 : 10;
  const rows = [];
  for (const [name, start] of Object.entries(contestants(server))) {
    const { token, served, longestMs } = await cold(server, start);
    rows.push(
      row(`cold herd of ${CALLERS}, ${name}: token requests`, token, {
        ...(name === OURS && { goal: { exactly: 1 } }),
      }),
      row(`cold herd of ${CALLERS}, ${name}: callers served`, served, {
        ...(name === OURS && { goal: { exactly: CALLERS } }),
      }),
      row(`cold herd of ${CALLERS}, ${name}: longest wait`, longestMs, { unit: 'ms' }),
    );
  }
  for (const [name, start] of Object.entries(contestants(server))) {
    const { token } = await failing(server, start, seconds);
    rows.push(
      row(`failing herd of ${CALLERS}, then ${seconds} s of 20 callers, ${name}: token requests`, token, {
        ...(name === OURS && { goal: { atMost: mostWithinSchedule(seconds) } }),
      }),
    );
  }
  return rows;
}
