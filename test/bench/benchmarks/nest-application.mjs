// A whole Nest application under load from another process: GET, and POST of 1 kB of JSON, by AssetHttpService beside Nest's
// HttpService with a static header. All have an interceptor, since Nest itself charges for having any.

import { startChild } from '../support/child.mjs';
import { row } from '../support/report.mjs';
import { interleaved, ratio } from '../support/rounds.mjs';
import { summary } from '../support/statistics.mjs';

export const title = 'A whole Nest application under load';

const NAMES = {
  'pass-through': '@nestjs/axios, static header',
  'in-context': '@nestjs/axios, static header, in a context',
  views: 'AssetHttpService, narrowed views',
  decorators: 'AssetHttpService, @AssetScope and @AssetBusiness',
};
/** What ours are judged beside: a scope reaches the calls of its handler in a context only, for which Node 20 charges. */
const BASELINES = { views: 'pass-through', decorators: 'in-context' };
const VARIANTS = Object.keys(NAMES);
const METHODS = ['get', 'post'];
const CONNECTIONS = 32;

async function measurePlatform(platform, { server, load, rounds, calls }) {
  const started = await Promise.all(
    VARIANTS.map(async (variant) => {
      const app = await startChild('nest-application', { args: [platform, variant, server.url] });
      return [variant, app];
    }),
  );
  const contestant = (method, app) => async () => {
    await app.ask('cpu');
    const request = { url: app.greeting, method, connections: CONNECTIONS, calls };
    const figures = await load.ask('run', request);
    return { ...figures, cpuMicros: (await app.ask('cpu')) / calls };
  };
  const contestants = METHODS.flatMap((method) =>
    started.map(([variant, app]) => [`${method} ${variant}`, contestant(method, app)]),
  );
  const results = await interleaved(Object.fromEntries(contestants), { rounds, warmUps: 5 });
  for (const [, app] of started) await app.stop();
  return METHODS.flatMap((method) => rows(platform, method, results));
}

function rows(platform, method, results) {
  return VARIANTS.flatMap((variant) => {
    const figures = results[`${method} ${variant}`];
    const named = `${platform}, ${method.toUpperCase()}, ${NAMES[variant]}`;
    const own = [
      row(`${named}: requests/s`, summary(figures.perSecond)),
      ...['p50', 'p99', 'p999'].map((figure) =>
        row(`${named}: ${figure}`, summary(figures[figure]), { unit: 'ms' }),
      ),
      row(`${named}: CPU per request`, summary(figures.cpuMicros), { unit: 'µs' }),
    ];
    const baseline = results[`${method} ${BASELINES[variant]}`];
    if (baseline === undefined) return own;
    const to = variant === 'views' ? 'a static header' : 'one in a context';
    const goal = { atLeast: 0.98 };
    return [
      ...own,
      row(`${named}: throughput ÷ ${to}`, ratio(figures.perSecond, baseline.perSecond), { goal }),
      row(`${named}: CPU ÷ ${to}`, ratio(figures.cpuMicros, baseline.cpuMicros)),
    ];
  });
}

/** Many short rounds: the speed of a virtual machine changes by more within minutes than what is to be told apart. */
export async function run({ server, quick, rounds = 45 }) {
  const load = await startChild('load');
  const options = { server, load, rounds: quick ? 2 : rounds, calls: quick ? 200 : 1500 };
  const express = await measurePlatform('express', options);
  const fastify = await measurePlatform('fastify', options);
  await load.stop();
  return [...express, ...fastify];
}
