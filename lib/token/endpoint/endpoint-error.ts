import { printable } from '../../config/text.js';
import { redacted } from '../../config/redact.js';

/** What a failed answer says of itself. */
export interface EndpointError {
  /** The first of the codes that decide what a refusal means; `undefined` if it names none of them. */
  readonly code: EndpointErrorCode | undefined;
  /** All that can be quoted in a message: without secrets, and cut. May be empty. */
  readonly text: string;
}

/** Error codes of OAuth that decide what a refusal means (RFC 6749 §4.1.2.1 and §5.2, RFC 8628 §3.5). */
const CODES = [
  'invalid_client',
  'invalid_scope',
  'temporarily_unavailable',
  'server_error',
  'slow_down',
] as const;

export type EndpointErrorCode = (typeof CODES)[number];

/** Alone, before an explanation, or at the end of a URI or dotted name. */
const CODE = new RegExp(String.raw`^(?:\S*[/.:#])?(${CODES.join('|')})(?=$|[\s:;,.(])`);

/** Members that hold a code or text, in the order in which they are quoted: OAuth's, RFC 9457's, and what others use. */
const WORDS = [
  'error',
  'code',
  'errorcode',
  'title',
  'errordescription',
  'detail',
  'details',
  'message',
  'messages',
  'msg',
  'errormessage',
  'errorsummary',
  'description',
  'reason',
  'explanation',
  'summary',
  'hint',
  'problem',
  'faultstring',
  'errors',
] as const;

/** Members that are worth a look inside, but whose own text is none to be quoted. */
const WRAPPERS = [
  'type',
  'errortype',
  'name',
  'status',
  'fault',
  'cause',
  'extensions',
  'data',
  'result',
  'response',
  'body',
] as const;

const DEEPEST = 4;
const MOST_MEMBERS = 50;
const MOST_TEXTS = 8;
const LONGEST_TEXT = 400;

/**
 * Reads an error of any shape, parsed: Asset does not document its own. Finds codes and text a few levels deep, in lists
 * as well, and says of a field at fault which one it is.
 *
 * @param secrets - never to be repeated, should the endpoint echo them
 */
export function endpointError(body: unknown, secrets: readonly string[]): EndpointError {
  const found: Found = { texts: new Set(), code: undefined, secrets: [] };
  search(body, 'error', 0, found);
  const hidden = [...secrets, ...found.secrets];
  const texts = [...found.texts].map((text) => redacted(text, hidden));
  return { code: found.code, text: printable([...new Set(texts)].join(': '), LONGEST_TEXT) };
}

interface Found {
  readonly texts: Set<string>;
  code: EndpointErrorCode | undefined;
  /** What the answer itself calls a token or a secret, wherever else it repeats it. */
  readonly secrets: string[];
}

function search(value: unknown, name: string, depth: number, found: Found, field = ''): void {
  if (typeof value === 'string') note(value.trim(), name, found, field);
  if (typeof value !== 'object' || value === null || depth > DEEPEST) return;
  if (Array.isArray(value)) {
    for (const item of value.slice(0, MOST_MEMBERS) as unknown[]) {
      search(item, typeof item === 'string' ? name : 'error', depth + 1, found, field);
    }
    return;
  }
  const members = Object.entries(value).slice(0, MOST_MEMBERS);
  for (const [key, member] of members) {
    const isSecret = typeof member === 'string' && member.length >= SHORTEST_SECRET && SECRET_NAME.test(key);
    if (isSecret) found.secrets.push(member);
  }
  const named = new Map(members.map(([key, member]) => [plainName(key), member]));
  const at = fieldOf(named) || field;
  for (const word of [...WORDS, ...WRAPPERS]) {
    if (named.has(word)) search(named.get(word), word, depth + 1, found, at);
  }
  if (name === 'errors' || found.texts.size === 0) fieldErrors(members, name, depth, found);
}

/** As in `{ errors: { business_id: ['is required'] } }`. What a text means elsewhere, nobody knows. */
function fieldErrors(
  members: readonly (readonly [string, unknown])[],
  name: string,
  depth: number,
  found: Found,
): void {
  for (const [key, member] of members) {
    const isMessage = Array.isArray(member) || (name === 'errors' && typeof member === 'string');
    const isAboutField = isMessage && !KNOWN.has(plainName(key)) && !/tokens?$/i.test(key);
    if (isAboutField) search(member, 'message', depth + 1, found, key);
  }
}

function note(text: string, name: string, found: Found, field: string): void {
  const { texts } = found;
  found.code ??= CODE.exec(text)?.[1] as EndpointErrorCode | undefined;
  const isQuoted = text !== '' && texts.size < MOST_TEXTS && !isWrapper(name);
  if (isQuoted) texts.add(field === '' || name === 'code' ? text : `${field}: ${text}`);
}

/** The field that a member of a list of errors is about: `loc` (a path), `field` or `param`. */
function fieldOf(named: ReadonlyMap<string, unknown>): string {
  const place = ['loc', 'field', 'param'].map((name) => named.get(name)).find((its) => its !== undefined);
  const path = (Array.isArray(place) ? place : [place]) as readonly unknown[];
  const steps = path.slice(0, DEEPEST).filter((step) => typeof step === 'string' || typeof step === 'number');
  return steps.join('.');
}

const SECRET_NAME = /token$|secret|password|assertion/i;
const SHORTEST_SECRET = 8;

const KNOWN: ReadonlySet<string> = new Set([
  ...WORDS,
  ...WRAPPERS,
  'loc',
  'field',
  'param',
  'input',
  'ctx',
  'url',
]);

const isWrapper = (name: string): boolean => (WRAPPERS as readonly string[]).includes(name);

/** `error_description`, `errorDescription` and `Error-Description` are one name. */
const plainName = (name: string): string => name.toLowerCase().replace(/[_-]/g, '');
