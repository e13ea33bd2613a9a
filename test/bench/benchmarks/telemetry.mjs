// API calls with a cached token, with `AssetAuthTelemetryModule` and without it. OpenTelemetry's SDK runs in both, with a span
// around each call, so that what is measured is the module alone.

import { startChild } from '../support/child.mjs';
import { row } from '../support/report.mjs';
import { interleaved, ratio } from '../support/rounds.mjs';
import { summary } from '../support/statistics.mjs';

export const title = 'Telemetry';

const NAMES = { 'telemetry-off': 'without the module', 'telemetry-on': 'with it' };
/** Processes of one build differ by up to a tenth, so there are several of each. */
const PROCESSES = 4;
const FIGURES = ['cpuMicros', 'perSecond'];

export async function run({ server, quick, rounds = 10 }) {
  const variants = Object.keys(NAMES);
  const clients = new Map();
  for (let process = 0; process < PROCESSES; process += 1) {
    for (const variant of variants) {
      const args = [variant, server.url];
      clients.set(
        `${variant} ${process}`,
        await startChild('loop-client', { args, execArgv: ['--expose-gc'] }),
      );
    }
  }
  const load = { method: 'get', workers: 32, calls: quick ? 300 : 4000 };
  const contestants = [...clients].map(([name, client]) => [name, () => client.ask('run', load)]);
  const results = await interleaved(Object.fromEntries(contestants), {
    rounds: quick ? 3 : rounds,
    warmUps: quick ? 1 : 2,
  });
  for (const client of clients.values()) await client.stop();
  const [off, on] = variants.map((variant) => pooled(variant, results));
  return [
    ...[off, on].map(({ cpuMicros }, i) =>
      row(`GET, ${NAMES[variants[i]]}: CPU per request`, summary(cpuMicros), { unit: 'µs' }),
    ),
    row('GET: CPU, with ÷ without', ratio(on.cpuMicros, off.cpuMicros), { goal: { atMost: 1.05 } }),
    row('GET: throughput, with ÷ without', ratio(on.perSecond, off.perSecond), { goal: { atLeast: 0.95 } }),
  ];
}

/** What the processes of one variant measured. */
function pooled(variant, results) {
  const ofVariant = Object.entries(results).filter(([name]) => name.startsWith(`${variant} `));
  return Object.fromEntries(
    FIGURES.map((figure) => [figure, ofVariant.flatMap(([, figures]) => figures[figure])]),
  );
}
