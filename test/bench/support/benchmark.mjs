// One benchmark in a process of its own, with a token server beside it.

import 'reflect-metadata';
import { answerParent } from './child.mjs';
import { startServer } from './server.mjs';

const { title, run } = await import(`../benchmarks/${process.argv[2]}.mjs`);

answerParent({
  async run({ quick, rounds }) {
    const server = await startServer();
    try {
      return { title, rows: await run({ server, quick, rounds }) };
    } finally {
      await server.stop();
    }
  },
});
