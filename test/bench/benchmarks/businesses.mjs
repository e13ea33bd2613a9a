// Many businesses: thousands of keys, all in use, whose tokens expire within the same second, while calls for others go
// on at a steady pace.

import { setTimeout as pause } from 'node:timers/promises';
import { firstValueFrom } from 'rxjs';
import { ForwardClock } from '../support/forward-clock.mjs';
import { fill, keysOf, startLibraryBy } from '../support/library.mjs';
import { row } from '../support/report.mjs';
import { latencies, summary } from '../support/statistics.mjs';

export const title = 'Many businesses expire while others are served';

const OTHERS = 100;
const CALLS_PER_SECOND = 200;
/** No window in which tokens are renewed is longer: the default, with all of its jitter. */
const LONGEST_WINDOW = 0.3;
/** Of the quiet time: connections are made, and the heap is no longer as large as filling the cache has left it. */
const SETTLING = 0.4;

/** Calls begin on time, whether earlier ones are answered or not, or a stall would hide itself. */
function steadyTraffic(call) {
  const samples = [];
  const began = performance.now();
  let due = 0;
  const timer = setInterval(() => {
    while (began + (due * 1000) / CALLS_PER_SECOND <= performance.now()) {
      const start = began + (due * 1000) / CALLS_PER_SECOND;
      const at = performance.timeOrigin + start;
      call(due).then(
        () => samples.push({ at, ms: performance.now() - start }),
        () => samples.push({ at, ms: Number.POSITIVE_INFINITY }),
      );
      due += 1;
    }
  }, 1);
  return { samples, stop: () => clearInterval(timer) };
}

async function once(server, { count, lifeSeconds, quietSeconds }) {
  await server.configure({});
  const clock = new ForwardClock();
  const library = await startLibraryBy(clock, server, { maxTokens: count + 1000, tokenTimeoutMs: 60_000 });
  const { tokens, http } = library;
  const [others, many] = [keysOf(count + OTHERS).slice(count), keysOf(count)];

  const expiresAt = Math.ceil(Date.now() / 1000) + lifeSeconds;
  await server.configure({ expiresAt });
  await fill(tokens, many);
  for (const key of many) tokens.peekAccessToken(key);
  // To shortly before the first is renewed; nothing happens until then.
  const untilRenewal = expiresAt * 1000 - clock.now() - LONGEST_WINDOW * lifeSeconds * 1000;
  clock.forward(Math.max(0, untilRenewal - quietSeconds * 1000));
  await server.configure({});
  await fill(tokens, others);
  const views = others.map(({ scopes, businessId }) => ({
    view: http.withScope(...scopes).forBusiness(businessId),
    path: `/v0/business/${businessId}/ledger`,
  }));
  await server.reset();
  globalThis.gc();

  const traffic = steadyTraffic((i) => {
    const { view, path } = views[i % OTHERS];
    return firstValueFrom(view.get(path));
  });
  while ((await server.counts()).token < count && clock.now() < expiresAt * 1000 + 1000) await pause(1000);
  traffic.stop();
  await pause(500);
  const { token: requests, firstTokenAt, lastTokenAt } = await server.counts();
  clock.forward(Math.max(0, expiresAt * 1000 + 1000 - clock.now()));
  const missing = many.filter((key) => tokens.peekAccessToken(key) === undefined).length;
  await library.close();

  const within = (from, to) => traffic.samples.filter(({ at }) => at >= from && at <= to).map(({ ms }) => ms);
  const settledAt = traffic.samples[0].at + SETTLING * quietSeconds * 1000;
  const before = within(settledAt, firstTokenAt - 1);
  const during = within(firstTokenAt, lastTokenAt);
  return {
    before: latencies(before),
    during: latencies(during),
    requests,
    missing,
    seconds: (lastTokenAt - firstTokenAt) / 1000,
    failed: traffic.samples.filter(({ ms }) => ms === Number.POSITIVE_INFINITY).length,
  };
}

async function caseOf(server, name, { times, isJudged, ...options }) {
  const rounds = [];
  for (let round = 0; round < times; round += 1) rounds.push(await once(server, options));
  const over = (figure) => summary(rounds.map(figure));
  const rowOf = (figure, value, more) => row(`${name}: ${figure}`, over(value), more);
  return [
    rowOf('p50 of the others before', ({ before }) => before.p50, { unit: 'ms' }),
    rowOf('p50 of the others meanwhile', ({ during }) => during.p50, { unit: 'ms' }),
    rowOf('p99 of the others before', ({ before }) => before.p99, { unit: 'ms' }),
    rowOf('p99 of the others meanwhile', ({ during }) => during.p99, { unit: 'ms' }),
    rowOf('p99 meanwhile ÷ before', ({ before, during }) => during.p99 / before.p99, {
      ...(isJudged && { goal: { atMost: 1.2 } }),
    }),
    rowOf('calls of the others that failed', ({ failed }) => failed, { goal: { exactly: 0 } }),
    rowOf(`token requests for ${options.count} keys`, ({ requests }) => requests),
    rowOf('seconds that the refreshes took', ({ seconds }) => seconds, { unit: 's' }),
    rowOf('keys without a token after their expiry', ({ missing }) => missing, { goal: { exactly: 0 } }),
  ];
}

/** Tokens live for an hour by default. Of those that live for a minute, all are renewed within seconds. */
export async function run({ server, quick, rounds: times = 3 }) {
  const count = quick ? 500 : 5000;
  const hour = { count, lifeSeconds: quick ? 30 : 3600, quietSeconds: quick ? 3 : 200, isJudged: true };
  const minute = { count, lifeSeconds: quick ? 8 : 60, quietSeconds: quick ? 3 : 40, isJudged: false };
  return [
    ...(await caseOf(server, 'tokens of an hour', { ...hour, times: quick ? 1 : times })),
    ...(await caseOf(server, 'tokens of a minute', { ...minute, times: quick ? 1 : times })),
  ];
}
