import { latencies } from './statistics.mjs';

/** So many workers, each calling again as soon as it is answered, until that many calls are made. */
export async function closedLoop(call, { workers, calls }) {
  const taken = new Float64Array(calls);
  let next = 0;
  const work = async () => {
    while (next < calls) {
      const mine = next;
      next += 1;
      const start = performance.now();
      await call(mine);
      taken[mine] = performance.now() - start;
    }
  };
  const cpu = process.cpuUsage();
  const start = performance.now();
  await Promise.all(Array.from({ length: workers }, work));
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: calls / seconds, cpuMicros: (user + system) / calls, ...latencies(taken) };
}
