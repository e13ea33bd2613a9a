// Many processes that use the same keys for several lifetimes of a token: with a store in Redis that they share, and each
// for itself. Half of the processes use ioredis, half node-redis. Needs the command `redis-server`.

import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { startChild } from '../support/child.mjs';
import { REDIS_CLIENTS } from '../support/redis-clients.mjs';
import { startRedis } from '../support/redis-server.mjs';
import { row } from '../support/report.mjs';

export const title = 'A fleet that shares its tokens';

const LATENCY_MS = 75;
const LIFETIMES = 3;
/** A token is replaced when between 70 and 75 % of its life are over. */
const REPLACED_AT = 0.725;
const FULL = { processes: 8, keys: 100, lifetimeSeconds: 30 };
const QUICK = { processes: 3, keys: 10, lifetimeSeconds: 4 };

/** @returns what went wrong in all processes together, and how often the token endpoint was asked */
async function lifetimes(server, redis, { processes, keys, lifetimeSeconds }) {
  await server.configure({ lifetimeSeconds, tokenLatencyMs: LATENCY_MS });
  await server.reset();
  const storeKeys = [randomBytes(32).toString('base64')];
  const clients = Object.keys(REDIS_CLIENTS);
  const members = await Promise.all(
    Array.from({ length: processes }, async (_, i) => {
      const member = await startChild('fleet-member');
      const share = redis && { client: clients[i % clients.length], path: redis.path, storeKeys };
      await member.ask('start', { server, share });
      return member;
    }),
  );
  await Promise.all(members.map((member) => member.ask('use', { keys })));
  // In the middle between two replacements, when all have been made that are to be counted.
  await pause((LIFETIMES - 0.5) * REPLACED_AT * lifetimeSeconds * 1000);
  const counts = await Promise.all(members.map((member) => member.ask('counts')));
  const { token: requests } = await server.counts();
  await Promise.all(members.map((member) => member.stop()));
  const sum = (figure) => counts.reduce((total, count) => total + count[figure], 0);
  return {
    requests,
    blocked: sum('blocked'),
    failed: sum('failed'),
    expired: sum('expired'),
    wrong: sum('wrong'),
  };
}

/** The worst of all rounds: an average would hide the one that went wrong. */
const worst = (rounds) =>
  Object.fromEntries(
    Object.keys(rounds[0]).map((figure) => [figure, Math.max(...rounds.map((round) => round[figure]))]),
  );

export async function run({ server, quick, rounds = 1 }) {
  const size = quick ? QUICK : FULL;
  const { processes, keys } = size;
  const fleet = `${processes} processes, ${keys} keys, ${LIFETIMES} lifetimes`;
  const ideal = keys * LIFETIMES;

  const redis = await startRedis();
  const shared = [];
  try {
    for (let round = 0; round < rounds; round += 1) shared.push(await lifetimes(server, redis, size));
  } finally {
    await redis.stop();
  }
  const { requests, blocked, failed, expired, wrong } = worst(shared);
  const alone = await lifetimes(server, undefined, size);
  const none = { goal: { exactly: 0 } };
  return [
    row(`${fleet}, a shared store: token requests, of an ideal ${ideal}`, requests, {
      goal: { atMost: Math.floor(ideal * 1.02) },
    }),
    row(`${fleet}, a shared store: no token at hand`, blocked, none),
    row(`${fleet}, a shared store: callers that got an error`, failed, none),
    row(`${fleet}, a shared store: expired tokens handed out`, expired, none),
    row(`${fleet}, a shared store: tokens of another key`, wrong, none),
    row(`${fleet}, each for itself: token requests`, alone.requests),
    row(`${fleet}, each for itself: no token at hand`, alone.blocked),
    row(`${fleet}, each for itself: callers that got an error`, alone.failed),
  ];
}
