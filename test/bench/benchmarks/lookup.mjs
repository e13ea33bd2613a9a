// A cached token, looked up again and again: with few and with many keys in the cache, and beside every peer that caches.

import { caching } from '../peers/index.mjs';
import { startChild } from '../support/child.mjs';
import { row } from '../support/report.mjs';
import { interleaved, ratio } from '../support/rounds.mjs';
import { summary } from '../support/statistics.mjs';

export const title = 'Looking up a cached token';

/** Peers that take a hundred times as long are asked less often. */
const operationsOf = (contestant, operations) =>
  Number(contestant) > 0 || contestant.startsWith('axios') ? operations : operations / 20;

export async function run({ server, quick, rounds = 15 }) {
  const sizes = quick ? [1, 100, 2000] : [1, 1000, 100_000];
  const operations = quick ? 20_000 : 1_000_000;
  const names = [...sizes.map(String), ...caching.map(({ name }) => name)];
  const clients = [];
  for (const name of names) {
    clients.push(await startChild('lookup-client', { args: [name, server.url], execArgv: ['--expose-gc'] }));
  }
  const contestants = names.map((name, i) => [
    name,
    () => clients[i].ask('run', { operations: operationsOf(name, operations) }),
  ]);
  const results = await interleaved(Object.fromEntries(contestants), {
    rounds: quick ? 3 : rounds,
    warmUps: 2,
  });
  for (const client of clients) await client.stop();
  return [...ofLibrary(results, sizes), ...ofPeers(results, sizes)];
}

const METHODS = { get: 'getAccessToken', peek: 'peekAccessToken' };

function ofLibrary(results, sizes) {
  const least = results[sizes[0]];
  const most = results[sizes.at(-1)];
  const figures = sizes.flatMap((size) =>
    Object.entries(results[size]).map(([figure, values]) => {
      const [method, which = ', 100 hot'] = figure.split(/(?=,)/);
      const keys = size === 1 ? 'one key' : `${size} keys${which}`;
      return row(`${METHODS[method]}, ${keys}`, summary(values), {
        unit: 'µs',
        ...(figure === method && { goal: { atMost: 1 } }),
      });
    }),
  );
  const flatness = Object.entries(METHODS).map(([method, name]) =>
    row(`${name}, 100 hot among ${sizes.at(-1)} ÷ one key`, ratio(most[method], least[method]), {
      goal: { atMost: 1.5 },
    }),
  );
  return [...figures, ...flatness];
}

function ofPeers(results, [one]) {
  const peers = caching.map(({ name }) => name);
  const median = (name) => summary(results[name].get).median;
  const fastest = peers.toSorted((a, b) => median(a) - median(b))[0];
  return [
    ...peers.map((name) => row(name, summary(results[name].get), { unit: 'µs' })),
    row(`getAccessToken ÷ ${fastest}, the fastest peer`, ratio(results[one].get, results[fastest].get), {
      goal: { atMost: 1 },
    }),
    row(`peekAccessToken ÷ ${fastest}`, ratio(results[one].peek, results[fastest].get), {
      goal: { atMost: 0.5 },
    }),
  ];
}
