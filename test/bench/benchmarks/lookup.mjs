// A cached token, looked up again and again: with few and with many keys in the cache, and beside every peer that caches.

import { caching } from '../peers/index.mjs';
import { CREDENTIALS, fill, keysOf, startLibrary } from '../support/library.mjs';
import { row } from '../support/report.mjs';
import { interleaved, ratio } from '../support/rounds.mjs';
import { summary } from '../support/statistics.mjs';

export const title = 'Looking up a cached token';

const HOT = 100;

/** Long batches, so that the clock is read rarely; every result is used. */
const awaited =
  ({ ask, textOf }, items, operations) =>
  async () => {
    let characters = 0;
    const start = process.hrtime.bigint();
    for (let i = 0, next = 0; i < operations; i += 1) {
      characters += textOf(await ask(items[next])).length;
      next = next + 1 === items.length ? 0 : next + 1;
    }
    return perOperation(start, operations, characters);
  };

const synchronous = (lookUp, items, operations) => async () => {
  let found = 0;
  const start = process.hrtime.bigint();
  for (let i = 0, next = 0; i < operations; i += 1) {
    if (lookUp(items[next]) !== undefined) found += 1;
    next = next + 1 === items.length ? 0 : next + 1;
  }
  return perOperation(start, operations, found);
};

function perOperation(start, operations, seen) {
  const ns = Number(process.hrtime.bigint() - start) / operations;
  if (seen < operations) throw new Error('A lookup found nothing.');
  return { ns };
}

/** A fixed shuffle, the same in every run. */
function shuffled(items) {
  const copy = [...items];
  let seed = 1;
  for (let i = copy.length - 1; i > 0; i -= 1) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    const other = seed % (i + 1);
    [copy[i], copy[other]] = [copy[other], copy[i]];
  }
  return copy;
}

export async function run({ server, quick, rounds: times = 15 }) {
  const sizes = quick ? [1, 100, 2000] : [1, 1000, 100_000];
  const operations = quick ? 20_000 : 400_000;
  const rounds = quick ? 3 : times;
  const contestants = {};
  const closing = [];

  for (const size of sizes) {
    const library = await startLibrary(server, {
      maxTokens: size + 10,
      maxConcurrentTokenRequests: 32,
      tokenTimeoutMs: 60_000,
    });
    const { tokens } = library;
    const getting = { ask: (key) => tokens.getAccessToken(key), textOf: ({ value }) => value };
    const keys = keysOf(size);
    await fill(tokens, keys);
    closing.push(library.close);
    const hot = size === 1 ? keys : shuffled(keys).slice(0, HOT);
    contestants[`getAccessToken, ${size}`] = awaited(getting, hot, operations);
    contestants[`getAccessToken not awaited, ${size}`] = synchronous(
      (key) => tokens.getAccessToken(key),
      hot,
      operations,
    );
    contestants[`peekAccessToken, ${size}`] = synchronous(
      (key) => tokens.peekAccessToken(key),
      hot,
      operations,
    );
    if (size > HOT) {
      const all = shuffled(keys);
      contestants[`getAccessToken, ${size}, random`] = awaited(getting, all, operations);
      contestants[`peekAccessToken, ${size}, random`] = synchronous(
        (key) => tokens.peekAccessToken(key),
        all,
        operations,
      );
    }
  }
  for (const peer of caching) {
    const created = peer.create({ server, ...CREDENTIALS });
    await created.ask();
    // The slowest take a hundred times as long.
    contestants[peer.name] = awaited(created, [undefined], operations / 20);
  }

  const results = await interleaved(contestants, { rounds, warmUps: 2 });
  for (const close of closing) await close();
  return rows(results, sizes);
}

function rows(results, sizes) {
  const ns = (name) => results[name].ns;
  const most = sizes.at(-1);
  const fastest = caching
    .map(({ name }) => name)
    .toSorted((a, b) => summary(ns(a)).median - summary(ns(b)).median)[0];
  return [
    ...Object.keys(results).map((name) => row(name, summary(ns(name)), { unit: 'ns' })),
    row(`getAccessToken ÷ ${fastest}, the fastest peer`, ratio(ns('getAccessToken, 1'), ns(fastest)), {
      goal: { atMost: 1 },
    }),
    row(`peekAccessToken ÷ ${fastest}`, ratio(ns('peekAccessToken, 1'), ns(fastest)), {
      goal: { atMost: 0.5 },
    }),
    row(
      `getAccessToken, ${HOT} hot among ${most} ÷ one key`,
      ratio(ns(`getAccessToken, ${most}`), ns('getAccessToken, 1')),
      {
        goal: { atMost: 1.5 },
      },
    ),
    row(
      `peekAccessToken, ${HOT} hot among ${most} ÷ one key`,
      ratio(ns(`peekAccessToken, ${most}`), ns('peekAccessToken, 1')),
      {
        goal: { atMost: 1.5 },
      },
    ),
  ];
}
