// Very many keys, cached and refreshing: what they cost in memory, timers and CPU, and how long boot and close take.

import { setTimeout as pause } from 'node:timers/promises';
import { ForwardClock } from '../support/forward-clock.mjs';
import { fill, keysOf, startLibrary, startLibraryBy } from '../support/library.mjs';
import { row } from '../support/report.mjs';
import { summary } from '../support/statistics.mjs';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

export const title = 'Very many keys';

const KIBIBYTE = 1024;
const LIFETIME_SECONDS = 3600;

/** Unref'd timers are in no list of Node's: counts those that are set and neither cleared nor due. */
function countTimers() {
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const pending = new WeakSet();
  let count = 0;
  globalThis.setTimeout = (callback, ms, ...args) => {
    const timer = set(callback, ms, ...args);
    // What is due within the benchmark is no timer of a key.
    if (ms > 60_000) {
      count += 1;
      pending.add(timer);
    }
    return timer;
  };
  globalThis.clearTimeout = (timer) => {
    if (typeof timer === 'object' && timer !== null && pending.delete(timer)) count -= 1;
    clear(timer);
  };
  return {
    get count() {
      return count;
    },
    stop: () => Object.assign(globalThis, { setTimeout: set, clearTimeout: clear }),
  };
}

async function heapUsed() {
  for (let i = 0; i < 3; i += 1) {
    globalThis.gc();
    await pause(50);
  }
  return process.memoryUsage().heapUsed;
}

const optionsForKeys = (count) => ({
  maxTokens: count + 1000,
  maxConcurrentTokenRequests: 32,
  tokenTimeoutMs: 120_000,
  tokenTtlSeconds: LIFETIME_SECONDS,
});

async function memory(server, count) {
  const warmUp = keysOf(count + 500).slice(count);
  const keys = keysOf(count);
  const { tokens, close } = await startLibrary(server, optionsForKeys(count));
  await fill(tokens, warmUp);
  const before = await heapUsed();
  await fill(tokens, keys);
  const after = await heapUsed();
  const characters = keys.reduce((sum, key) => sum + tokens.peekAccessToken(key).value.length, 0);
  const resources = process.getActiveResourcesInfo().filter((type) => type === 'Timeout').length;
  const closing = performance.now();
  await close();
  return {
    bytesPerKey: (after - before - characters) / count,
    tokenLength: characters / count,
    refTimers: resources,
    closeMs: performance.now() - closing,
  };
}

async function timers(server, count) {
  const timers = countTimers();
  const { tokens, close } = await startLibrary(server, optionsForKeys(count));
  await fill(tokens, keysOf(count));
  const whileCached = timers.count;
  await close();
  const afterClose = timers.count;
  timers.stop();
  return { whileCached, afterClose };
}

/**
 * Every key is used when its token has become stale, so that all are refreshed in the background: spread over minutes, which
 * pass six times as fast here.
 */
async function refreshing(server, count) {
  const clock = new ForwardClock();
  const { tokens, close } = await startLibraryBy(clock, server, optionsForKeys(count));
  const keys = keysOf(count);
  await fill(tokens, keys);
  clock.forward(LIFETIME_SECONDS * 1000 * 0.8);
  await server.reset();
  globalThis.gc();

  const cpu = process.cpuUsage();
  const start = performance.now();
  for (const key of keys) tokens.peekAccessToken(key);
  while ((await server.counts()).token < count && performance.now() - start < 300_000) {
    await pause(100);
    clock.forward(500);
  }
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - start) / 1000;
  const { token: requests } = await server.counts();
  const closing = performance.now();
  await close();
  return {
    requests,
    cpuMsPerThousand: (user + system) / requests,
    seconds,
    closeMs: performance.now() - closing,
  };
}

async function boots(server, times) {
  const bootMs = [];
  const closeMs = [];
  for (let i = 0; i < times; i += 1) {
    class EmptyModule {}
    Module({})(EmptyModule);
    const emptyStart = performance.now();
    const empty = await NestFactory.createApplicationContext(EmptyModule, { logger: false });
    const emptyMs = performance.now() - emptyStart;
    await empty.close();
    const start = performance.now();
    const { close } = await startLibrary(server);
    bootMs.push(performance.now() - start - emptyMs);
    const closing = performance.now();
    await close();
    closeMs.push(performance.now() - closing);
  }
  return { bootMs: summary(bootMs), closeMs: summary(closeMs) };
}

export async function run({ server, quick }) {
  const count = quick ? 2000 : 100_000;
  const booted = await boots(server, quick ? 3 : 15);
  const remembered = await memory(server, count);
  const timed = await timers(server, count);
  const refreshed = await refreshing(server, count);
  return [
    row('boot, beyond an empty application context', booted.bootMs, { unit: 'ms' }),
    row('close, no keys', booted.closeMs, { unit: 'ms' }),
    row(`${count} keys: memory per key beyond the token's characters`, remembered.bytesPerKey, {
      unit: 'bytes',
      goal: { atMost: KIBIBYTE },
    }),
    row(`${count} keys: characters of a token`, remembered.tokenLength),
    row(`${count} keys: timers`, timed.whileCached),
    row(`${count} keys: timers that keep the process alive`, remembered.refTimers),
    row(`${count} keys: timers after close`, timed.afterClose),
    row(`${count} keys: close`, remembered.closeMs, { unit: 'ms' }),
    row(`${count} keys, all refreshed: token requests ÷ keys`, refreshed.requests / count),
    row(`${count} keys, all refreshed: CPU per thousand`, refreshed.cpuMsPerThousand, { unit: 'ms' }),
    row(`${count} keys, all refreshed: taken`, refreshed.seconds, { unit: 's' }),
    row(`${count} keys, all refreshed: close`, refreshed.closeMs, { unit: 'ms' }),
  ];
}
