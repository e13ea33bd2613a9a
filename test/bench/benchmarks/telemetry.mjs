// API calls with a cached token, with `AssetAuthTelemetryModule` and without it. OpenTelemetry's SDK runs in both, with a span
// around each call, so that what is measured is the module alone.

import { startChild } from '../support/child.mjs';
import { row } from '../support/report.mjs';
import { interleaved, ratio } from '../support/rounds.mjs';
import { summary } from '../support/statistics.mjs';

export const title = 'Telemetry';

const NAMES = { 'telemetry-off': 'without the module', 'telemetry-on': 'with it' };

export async function run({ server, quick, rounds = 15 }) {
  const clients = new Map();
  for (const variant of Object.keys(NAMES)) {
    const args = [variant, server.url];
    clients.set(variant, await startChild('loop-client', { args, execArgv: ['--expose-gc'] }));
  }
  const load = { method: 'get', workers: 32, calls: quick ? 300 : 10_000 };
  const contestants = [...clients].map(([variant, client]) => [variant, () => client.ask('run', load)]);
  const results = await interleaved(Object.fromEntries(contestants), {
    rounds: quick ? 3 : rounds,
    warmUps: quick ? 1 : 2,
  });
  for (const client of clients.values()) await client.stop();
  const { 'telemetry-off': off, 'telemetry-on': on } = results;
  return [
    ...Object.entries(NAMES).map(([variant, name]) =>
      row(`GET, ${name}: CPU per request`, summary(results[variant].cpuMicros), { unit: 'µs' }),
    ),
    row('GET: CPU, with ÷ without', ratio(on.cpuMicros, off.cpuMicros), { goal: { atMost: 1.05 } }),
    row('GET: throughput, with ÷ without', ratio(on.perSecond, off.perSecond), { goal: { atLeast: 0.95 } }),
  ];
}
