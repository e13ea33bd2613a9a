import { described } from './printable.js';

/** What decides where a token goes or belongs to the single request. */
const TAKEN = ['url', 'baseURL', 'adapter', 'auth', 'method', 'data', 'params', 'asset'] as const;

/** What is wrong with the axios defaults, or `undefined` if nothing is. Repeats no value: a proxy has a password. */
export function httpDefaultsProblem(defaults: unknown): string | undefined {
  if (!isRecord(defaults)) {
    return `must be an object of axios defaults such as { timeout: 5000 }, not ${described(defaults)}`;
  }
  const taken = TAKEN.find((name) => defaults[name] !== undefined);
  if (taken !== undefined) {
    return `must not set "${taken}": it belongs to this library or to the single request`;
  }
  const { allowAbsoluteUrls, headers = {}, httpVersion = 1, http2Options } = defaults;
  if (httpVersion !== 1 || http2Options !== undefined) {
    return 'must not ask for HTTP/2: its connections would bypass the agents, and outlive the client';
  }
  if (allowAbsoluteUrls === false) {
    return 'must not set "allowAbsoluteUrls" to false: a foreign address would be sent to Asset as a path instead of being refused';
  }
  if (!isRecord(headers) || headers instanceof Map) {
    return 'must give "headers" as an object of names and values';
  }
  const names = headerNames(headers);
  if (names.includes('authorization')) {
    return 'must not set the header "Authorization": the access token goes there';
  }
  return names.includes('host')
    ? 'must not set the header "Host": a front end would hand the token to another host by it'
    : undefined;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Axios takes headers by name, and by name below `common` or a method. It trims the names. */
const headerNames = (headers: Readonly<Record<string, unknown>>): readonly string[] =>
  Object.entries(headers)
    .flatMap(([name, value]) => (isRecord(value) ? [name, ...Object.keys(value)] : name))
    .map((name) => name.trim().toLowerCase());
