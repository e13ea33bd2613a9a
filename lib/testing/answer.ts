import type { AssetSandboxSettings } from './options.js';

const LARGEST_PAGE = 100;
const PAGE_TOKEN_PREFIX = 'page:';

/** Header names and values of an answer. */
export type AnswerHeaders = Readonly<Record<string, string | readonly string[]>>;

/** An answer as an endpoint gives it, before any scripted fault. */
export interface Answer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly body: string | Buffer;
}

/** Thrown to answer with an error. The client reads the message, so it never quotes the request. */
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

/** The 422 for a request whose content is unusable. */
export function invalid(message: string): HttpProblem {
  return new HttpProblem(422, 'invalid_request', message);
}

/**
 * One page of a list, in the envelope of the Asset API reference. A request without `page_size` gets 100 (assumed).
 *
 * @throws HttpProblem 422 unless `page_size` is 1 to 100 and `page_token` one that the sandbox gave.
 */
export function paginate(items: readonly unknown[], query: URLSearchParams): Answer {
  const size = pageSize(query.get('page_size'));
  const start = pageStart(query.get('page_token'));
  const end = start + size;
  return jsonAnswer(200, {
    data: items.slice(start, end),
    pagination: {
      next_page_token: end < items.length ? pageToken(end) : null,
      previous_page_token: start > 0 ? pageToken(Math.max(0, start - size)) : null,
    },
  });
}

function pageSize(text: string | null): number {
  const size = text === null ? LARGEST_PAGE : /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (size < 1 || size > LARGEST_PAGE) {
    throw invalid(`page_size must be a whole number from 1 to ${LARGEST_PAGE}.`);
  }
  return size;
}

function pageStart(token: string | null): number {
  if (token === null) {
    return 0;
  }
  const content = Buffer.from(token, 'base64url').toString('latin1');
  if (!content.startsWith(PAGE_TOKEN_PREFIX) || !/^\d{1,9}$/.test(content.slice(PAGE_TOKEN_PREFIX.length))) {
    throw invalid('page_token must be one that an earlier answer gave.');
  }
  return Number(content.slice(PAGE_TOKEN_PREFIX.length));
}

function pageToken(start: number): string {
  return Buffer.from(`${PAGE_TOKEN_PREFIX}${start}`).toString('base64url');
}
