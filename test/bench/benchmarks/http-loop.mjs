// API calls in a bare loop: AssetHttpService through the scope interceptor, beside Nest's HttpService with a static header: GET, and
// POST of 1 kB of JSON.

import { startChild } from '../support/child.mjs';
import { row } from '../support/report.mjs';
import { interleaved, ratio } from '../support/rounds.mjs';
import { summary } from '../support/statistics.mjs';

export const title = 'API calls in a bare loop';

const NAMES = {
  plain: '@nestjs/axios, static header',
  'plain-in-context': '@nestjs/axios, static header, in a context',
  interceptor: 'AssetHttpService through the scope interceptor',
  view: 'AssetHttpService, narrowed view',
  'axios-token-interceptor': 'axios-token-interceptor + axios-oauth-client',
  'axios-auth-refresh': 'axios-auth-refresh',
};
/**
 * What ours are judged beside. A scope reaches the calls of its handler in a context of AsyncLocalStorage only, for which Node 20
 * charges with each promise: so the interceptor is judged beside one that does nothing but open a context.
 */
const BASELINES = { interceptor: 'plain-in-context', view: 'plain' };
const OURS = Object.keys(BASELINES);
/** The peers are compared by GET only. */
const CALLS = { get: Object.keys(NAMES), post: ['plain', 'plain-in-context', ...OURS] };

/** Many short rounds: the speed of a virtual machine changes by more within minutes than what is to be told apart. */
export async function run({ server, quick, rounds = 60 }) {
  const variants = Object.keys(NAMES);
  const clients = await Promise.all(
    variants.map((variant) => startChild('loop-client', { args: [variant, server.url] })),
  );
  const load = { workers: 32, calls: quick ? 300 : 1500 };
  const contestants = Object.entries(CALLS).flatMap(([method, callers]) =>
    callers.map((variant) => {
      const client = clients[variants.indexOf(variant)];
      return [`${method} ${variant}`, () => client.ask('run', { method, ...load })];
    }),
  );
  const results = await interleaved(Object.fromEntries(contestants), {
    rounds: quick ? 3 : rounds,
    warmUps: quick ? 1 : 10,
  });
  for (const client of clients) await client.stop();
  return Object.entries(CALLS).flatMap(([method, callers]) =>
    callers.flatMap((variant) => rowsOf({ method, variant }, (name) => results[`${method} ${name}`])),
  );
}

function rowsOf({ method, variant }, figuresOf) {
  const name = `${method.toUpperCase()}, ${NAMES[variant]}`;
  const figures = figuresOf(variant);
  const own = [
    row(`${name}: requests/s`, summary(figures.perSecond)),
    ...['p50', 'p99', 'p999'].map((figure) =>
      row(`${name}: ${figure}`, summary(figures[figure]), { unit: 'ms' }),
    ),
    row(`${name}: CPU per request`, summary(figures.cpuMicros), { unit: 'µs' }),
  ];
  const baselines = variant === 'plain' ? [] : new Set(['plain', BASELINES[variant] ?? 'plain']);
  return [...own, ...[...baselines].flatMap((baseline) => ratiosTo(baseline))];

  function ratiosTo(baseline) {
    const others = figuresOf(baseline);
    const to = baseline === 'plain' ? 'a static header' : 'one in a context';
    return [
      row(`${name}: throughput ÷ ${to}`, ratio(figures.perSecond, others.perSecond), {
        ...(BASELINES[variant] === baseline && { goal: { atLeast: 0.98 } }),
      }),
      row(`${name}: p99 ÷ ${to}`, ratio(figures.p99, others.p99)),
      row(`${name}: CPU ÷ ${to}`, ratio(figures.cpuMicros, others.cpuMicros)),
    ];
  }
}
