import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Collects garbage, also what waits for the end of the present turn (weak references, finished promises). */
export async function garbageCollected(): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
  }
}

/** Megabytes of what is alive. */
export async function heapInMegabytes(): Promise<number> {
  await garbageCollected();
  return process.memoryUsage().heapUsed / 2 ** 20;
}
