// Puts an application under load, in a process of its own.

import autocannon from 'autocannon';
import { answerParent } from './child.mjs';
import { JOURNAL_ENTRY } from './journal-entry.mjs';

const REQUESTS = {
  get: { method: 'GET' },
  post: {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(JOURNAL_ENTRY),
  },
};

answerParent({
  async run({ url, method, connections, calls }) {
    const start = performance.now();
    const { latency, errors, non2xx } = await autocannon({
      url,
      connections,
      amount: calls,
      // It ends with a sample, of which it takes one a second otherwise.
      sampleInt: 10,
      ...REQUESTS[method],
    });
    const seconds = (performance.now() - start) / 1000;
    if (errors + non2xx > 0)
      throw new Error(`${errors} errors and ${non2xx} other answers than 2xx from ${url}`);
    return {
      perSecond: calls / seconds,
      p50: latency.p50,
      p99: latency.p99,
      p999: latency.p99_9,
    };
  },
});
