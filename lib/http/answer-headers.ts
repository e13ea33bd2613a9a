import type { AnswerHeaders } from '../token/endpoint/retry-after.js';

/** The headers of an answer with names in lower case: an adapter of the application may write them as it likes. */
export function answerHeaders({ headers = {} }: { readonly headers?: object }): AnswerHeaders {
  const given: [string, unknown][] = Object.entries(headers);
  return Object.fromEntries(given.map(([name, value]) => [name.toLowerCase(), value]));
}
