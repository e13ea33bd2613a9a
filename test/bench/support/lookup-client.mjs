// Looks up cached tokens, in a process of its own: an application has one library for it, and code that also serves others
// is compiled for all of them. Started by lookup in ../benchmarks with the name of a peer, or with a number of keys.

import 'reflect-metadata';
import { setTimeout as pause } from 'node:timers/promises';
import { caching } from '../peers/index.mjs';
import { answerParent } from './child.mjs';
import { CREDENTIALS, fill, keysOf, startLibrary } from './library.mjs';

const [contestant, url] = process.argv.slice(2);
const server = { url, tokenUrl: `${url}/v0/auth/token` };
const HOT = 100;

/**
 * Long batches: the clock is read rarely, and what the forced collection before leaves behind (its first scavenge takes
 * four times as long) falls on many lookups. Every result is used.
 */
async function awaited({ ask, textOf }, items, operations) {
  let characters = 0;
  const start = process.hrtime.bigint();
  for (let i = 0, next = 0; i < operations; i += 1) {
    characters += textOf(await ask(items[next])).length;
    next = next + 1 === items.length ? 0 : next + 1;
  }
  return perOperation(start, operations, characters);
}

function synchronous(lookUp, items, operations) {
  let found = 0;
  const start = process.hrtime.bigint();
  for (let i = 0, next = 0; i < operations; i += 1) {
    if (lookUp(items[next]) !== undefined) found += 1;
    next = next + 1 === items.length ? 0 : next + 1;
  }
  return perOperation(start, operations, found);
}

function perOperation(start, operations, seen) {
  const micros = Number(process.hrtime.bigint() - start) / 1000 / operations;
  if (seen < operations) throw new Error('A lookup found nothing.');
  return micros;
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

async function ofLibrary(size) {
  const { tokens } = await startLibrary(server, {
    maxTokens: size + 10,
    maxConcurrentTokenRequests: 32,
    tokenTimeoutMs: 60_000,
  });
  const keys = keysOf(size);
  await fill(tokens, keys);
  const all = shuffled(keys);
  // As many objects for one key as for many: what is compared is the number of keys.
  const hotOf = (from) => Array.from({ length: HOT }, (_, i) => ({ ...from[i % size] }));
  const hot = hotOf(all);
  const neighbours = hotOf(keys);
  const getting = { ask: (key) => tokens.getAccessToken(key), textOf: ({ value }) => value };
  const peek = (key) => tokens.peekAccessToken(key);
  return async (operations) => ({
    get: await awaited(getting, hot, operations),
    peek: synchronous(peek, hot, operations),
    ...(size > HOT && {
      'get, 100 fetched together': await awaited(getting, neighbours, operations),
      'peek, 100 fetched together': synchronous(peek, neighbours, operations),
      'get, random': await awaited(getting, all, operations),
      'peek, random': synchronous(peek, all, operations),
    }),
  });
}

async function ofPeer(name) {
  const created = caching.find((peer) => peer.name === name).create({ server, ...CREDENTIALS });
  await created.ask();
  return async (operations) => ({ get: await awaited(created, [undefined], operations) });
}

const measure = await (Number(contestant) > 0 ? ofLibrary(Number(contestant)) : ofPeer(contestant));

answerParent({
  async run({ operations }) {
    globalThis.gc?.();
    // Of 100,000 keys, the collection goes on beside what comes next.
    await pause(500);
    return measure(operations);
  },
});
