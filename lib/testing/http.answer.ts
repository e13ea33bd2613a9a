import type { AssetSandboxSettings } from './sandbox.options.js';

/** Header names and values of an answer. */
export type AnswerHeaders = Readonly<Record<string, string | readonly string[]>>;

/** What will be sent back, before any scripted fault or delay. */
export interface Answer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly body: string | Buffer;
}

/** Thrown by a route to answer with an error. The message is shown to the client, so it never quotes what was sent. */
export class HttpProblem extends Error {
  constructor(
    readonly status: number,
    /** A machine-readable code, as the `error` of RFC 6749 §5.2. */
    readonly error: string,
    message: string,
    readonly headers: AnswerHeaders = {},
  ) {
    super(message);
  }
}

export function jsonAnswer(status: number, value: unknown, headers: AnswerHeaders = {}): Answer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(value) };
}

export function problemAnswer(problem: HttpProblem, format: AssetSandboxSettings['errorFormat']): Answer {
  const { status, error, message, headers } = problem;
  switch (format) {
    case 'message':
      return jsonAnswer(status, { error, message }, headers);
    case 'oauth':
      return jsonAnswer(status, { error, error_description: message }, headers);
    case 'detail':
      return jsonAnswer(status, { detail: message }, headers);
    case 'empty':
      return { status, headers, body: '' };
  }
}
