// Many businesses: thousands of keys, all in use, whose tokens expire within the same second, while calls for others go
// on at a steady pace.

import { setTimeout as pause } from 'node:timers/promises';
import { firstValueFrom } from 'rxjs';
import { fill, keysOf, startLibrary } from '../support/library.mjs';
import { row } from '../support/report.mjs';
import { latencies, summary } from '../support/statistics.mjs';

export const title = 'Many businesses expire while others are served';

const OTHERS = 100;
const CALLS_PER_SECOND = 200;

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

async function once(server, { count, lifeSeconds }) {
  await server.configure({});
  const library = await startLibrary(server, { maxTokens: count + 1000, tokenTimeoutMs: 60_000 });
  const { tokens, http } = library;
  const [others, many] = [keysOf(count + OTHERS).slice(count), keysOf(count)];
  await fill(tokens, others);
  const views = others.map(({ scopes, businessId }) => ({
    view: http.withScope(...scopes).forBusiness(businessId),
    path: `/v0/business/${businessId}/ledger`,
  }));

  const expiresAt = Math.ceil(Date.now() / 1000) + lifeSeconds;
  await server.configure({ expiresAt });
  await fill(tokens, many);
  for (const key of many) tokens.peekAccessToken(key);
  await server.configure({});
  await server.reset();
  globalThis.gc();

  const traffic = steadyTraffic((i) => {
    const { view, path } = views[i % OTHERS];
    return firstValueFrom(view.get(path));
  });
  await pause(expiresAt * 1000 - Date.now() + 1000);
  traffic.stop();
  await pause(500);
  const { token: requests, firstTokenAt, lastTokenAt } = await server.counts();
  const missing = many.filter((key) => tokens.peekAccessToken(key) === undefined).length;
  await library.close();

  const within = (from, to) => traffic.samples.filter(({ at }) => at >= from && at <= to).map(({ ms }) => ms);
  // The first second is for connections.
  const before = within(traffic.samples[0].at + 1000, firstTokenAt - 1);
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

export async function run({ server, quick, rounds: times = 5 }) {
  const options = quick ? { count: 500, lifeSeconds: 8 } : { count: 5000, lifeSeconds: 60 };
  const rounds = [];
  for (let round = 0; round < (quick ? 1 : times); round += 1) rounds.push(await once(server, options));
  const over = (figure) => summary(rounds.map(figure));
  return [
    row(
      'p50 of the others before',
      over(({ before }) => before.p50),
      { unit: 'ms' },
    ),
    row(
      'p50 of the others meanwhile',
      over(({ during }) => during.p50),
      { unit: 'ms' },
    ),
    row(
      'p99 of the others before',
      over(({ before }) => before.p99),
      { unit: 'ms' },
    ),
    row(
      'p99 of the others meanwhile',
      over(({ during }) => during.p99),
      { unit: 'ms' },
    ),
    row(
      'p99 meanwhile ÷ before',
      over(({ before, during }) => during.p99 / before.p99),
      { goal: { atMost: 1.2 } },
    ),
    row(
      'calls of the others that failed',
      over(({ failed }) => failed),
      { goal: { exactly: 0 } },
    ),
    row(
      `token requests for ${options.count} keys`,
      over(({ requests }) => requests),
    ),
    row(
      'seconds that the refreshes took',
      over(({ seconds }) => seconds),
      { unit: 's' },
    ),
    row(
      'keys without a token after their expiry',
      over(({ missing }) => missing),
      { goal: { exactly: 0 } },
    ),
  ];
}
