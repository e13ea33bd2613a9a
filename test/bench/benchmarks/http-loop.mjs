// API calls in a bare loop: AssetHttpService through the scope interceptor, beside Nest's HttpService with a static header: GET, and
// POST of 1 kB of JSON.

import { startChild } from '../support/child.mjs';
import { row } from '../support/report.mjs';
import { interleaved, ratio } from '../support/rounds.mjs';
import { summary } from '../support/statistics.mjs';

export const title = 'API calls in a bare loop';

const NAMES = {
  plain: '@nestjs/axios, static header',
  interceptor: 'AssetHttpService through the scope interceptor',
  view: 'AssetHttpService, narrowed view',
  'axios-token-interceptor': 'axios-token-interceptor + axios-oauth-client',
  'axios-auth-refresh': 'axios-auth-refresh',
};
const OURS = ['interceptor', 'view'];
/** The peers are compared by GET only. */
const CALLS = { get: Object.keys(NAMES), post: ['plain', ...OURS] };

export async function run({ server, quick, rounds = 15 }) {
  const variants = Object.keys(NAMES);
  const clients = await Promise.all(
    variants.map((variant) =>
      startChild('loop-client', { args: [variant, server.url], execArgv: ['--expose-gc'] }),
    ),
  );
  const load = { workers: 32, calls: quick ? 300 : 10_000 };
  const contestants = Object.entries(CALLS).flatMap(([method, callers]) =>
    callers.map((variant) => {
      const client = clients[variants.indexOf(variant)];
      return [`${method} ${variant}`, () => client.ask('run', { method, ...load })];
    }),
  );
  const results = await interleaved(Object.fromEntries(contestants), {
    rounds: quick ? 3 : rounds,
    warmUps: quick ? 1 : 2,
  });
  for (const client of clients) await client.stop();
  return Object.entries(CALLS).flatMap(([method, callers]) =>
    callers.flatMap((variant) =>
      rowsOf({ method, variant }, results[`${method} ${variant}`], results[`${method} plain`]),
    ),
  );
}

function rowsOf({ method, variant }, figures, baseline) {
  const name = `${method.toUpperCase()}, ${NAMES[variant]}`;
  const own = [
    row(`${name}: requests/s`, summary(figures.perSecond)),
    ...['p50', 'p99', 'p999'].map((figure) =>
      row(`${name}: ${figure}`, summary(figures[figure]), { unit: 'ms' }),
    ),
    row(`${name}: CPU per request`, summary(figures.cpuMicros), { unit: 'µs' }),
  ];
  if (figures === baseline) return own;
  return [
    ...own,
    row(`${name}: throughput ÷ baseline`, ratio(figures.perSecond, baseline.perSecond), {
      ...(OURS.includes(variant) && { goal: { atLeast: 0.98 } }),
    }),
    row(`${name}: p99 ÷ baseline`, ratio(figures.p99, baseline.p99)),
    row(`${name}: CPU ÷ baseline`, ratio(figures.cpuMicros, baseline.cpuMicros)),
  ];
}
