// Decorators for the options that class-validator has none for, and messages for its own. No message repeats text that was
// given: any option may hold a secret that belongs elsewhere, and class-validator would expand a `$value` in it.
import { ValidateBy, type ValidationOptions } from 'class-validator';
import { businessIdProblem, byPlace, resourceProblem, scopesProblem, URI_TEXT } from './scope-set.js';
import { parsedUrl, described, printable } from './text.js';
import { userAgent } from './user-agent.js';

/** Says what is wrong with a value, or `undefined` if nothing is. */
type Check = (value: unknown) => string | undefined;

/** A decorator for class-validator. */
export const decorator = (name: string, check: Check) => (): PropertyDecorator =>
  ValidateBy({
    name,
    validator: {
      validate: (value) => check(value) === undefined,
      defaultMessage: (given) => check(given?.value) ?? '',
    },
  });

/** For `@IsIn`. */
export const CHOICE: ValidationOptions = {
  message: ({ value, constraints: [allowed] }) =>
    `must be exactly ${(allowed as string[]).map((name) => `'${name}'`).join(' or ')}${unlessText(value)}`,
};

/** For all decorators of a number, so that it has one message whichever of them fails. */
export const numberMessage = (range: string): ValidationOptions => ({
  message: ({ value }) => `must be ${range}, not ${numberOr(value)}`,
});

/** Where text is wanted, "not a string" would mislead about other text. */
const unlessText = (value: unknown): string =>
  typeof value === 'string' && value !== '' ? '' : `, not ${described(value)}`;

/** Text is called text: that a variable holds "a string" would be no news. */
function numberOr(value: unknown): string {
  if (typeof value === 'string') return value === '' ? 'empty text' : 'text';
  return typeof value === 'number' ? String(value) : described(value);
}

const WHERE_CREDENTIALS_ARE = 'Register an application in the Asset Dashboard to get one';

/** A client id or secret in plain text. */
export const credentialProblem: Check = (value) => {
  if (value === undefined) return `is missing. ${WHERE_CREDENTIALS_ARE}`;
  if (value === '') return `is empty. ${WHERE_CREDENTIALS_ARE}`;
  if (typeof value !== 'string') return `must be a string, not ${described(value)}`;
  if (value.trim() !== value) {
    return 'begins or ends with white space; a line break at the end of a file, perhaps. Trim it';
  }
  if (printable(value, value.length) !== value) {
    return 'holds a control character or an invisible one. Copy it anew';
  }
  return undefined;
};

export const IsCredential = decorator('isCredential', credentialProblem);

/** A client secret in plain text, or a function that reads it. */
export const IsClientSecret = decorator('isClientSecret', (value) =>
  typeof value === 'function' ? undefined : credentialProblem(value),
);

export const IsScopes = decorator('isScopes', (value) =>
  Array.isArray(value) && value.length === 0
    ? 'is an empty list, and Asset takes a request without scopes as a request for everything. Name at least one scope or leave the option out'
    : scopesProblem(value, byPlace),
);

export const IsBusinessId = decorator('isBusinessId', (value) => businessIdProblem(value, 'this'));

export const IsResource = decorator('isResource', resourceProblem);

export const IsTokenPath = decorator('isTokenPath', (value) =>
  typeof value === 'string' && URI_TEXT.test(value) && /^\/(?!\/)[^?#\\]*$/.test(value)
    ? undefined
    : `must be a path such as "/v0/auth/token", beginning with one slash and without query or fragment${unlessText(value)}`,
);

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Stricter than the URL parser, which reads `https:\\evil` and `https:evil` too and drops invisible characters. */
const BARE_ORIGIN = /^https?:\/\/[^/\\?#@%\s\p{Cc}\p{Cf}]+\/?$/iu;

/** A bare origin. Plain http only on loopback: the client secret goes there. */
export const IsOrigin = decorator('isOrigin', (value) => {
  if (typeof value === 'string' && value.includes('@')) return 'must not hold a user name or password';
  const url = typeof value === 'string' ? parsedUrl(value) : undefined;
  if (typeof value !== 'string' || url === undefined) {
    return `must be an origin such as "https://api.getasset.com"${unlessText(value)}`;
  }
  const { protocol, hostname } = url;
  if (protocol !== 'https:' && !(protocol === 'http:' && LOOPBACK.test(hostname))) {
    return 'must be https, since the client secret is sent there. Plain http is for loopback addresses only';
  }
  return BARE_ORIGIN.test(value)
    ? undefined
    : 'must be a bare origin such as "https://api.getasset.com", without invisible characters, path, query or fragment. The path of the token endpoint is the option tokenPath';
});

/** These decide where a token goes, or belong to the single request. */
export const RESERVED = ['url', 'baseURL', 'adapter', 'auth', 'method', 'data', 'params', 'asset'] as const;

/** Axios takes text such as '10s' for no limit at all, or fails at the first call. It reads -1 bytes as no limit. */
const NUMBERS = [
  { name: 'timeout', min: 0, unit: 'a number of milliseconds such as 10000, or 0 for none' },
  { name: 'maxRedirects', min: 0, unit: 'a number of redirects, or 0 for none' },
  { name: 'maxContentLength', min: -1, unit: 'a number of bytes' },
  { name: 'maxBodyLength', min: -1, unit: 'a number of bytes' },
] as const;

const isNumberFrom = (min: number, value: unknown): boolean => typeof value === 'number' && value >= min;

/** What is wrong with the axios defaults, or `undefined` if nothing is. */
export function httpDefaultsProblem(defaults: unknown): string | undefined {
  if (!isRecord(defaults)) {
    return `must be an object of axios defaults such as { timeout: 5000 }, not ${described(defaults)}`;
  }
  const taken = RESERVED.find((name) => defaults[name] !== undefined);
  if (taken !== undefined) {
    return `must not set "${taken}": it belongs to this library or to the single request`;
  }
  const wrong = NUMBERS.find(
    ({ name, min }) => defaults[name] !== undefined && !isNumberFrom(min, defaults[name]),
  );
  if (wrong !== undefined) {
    return `must give "${wrong.name}" as ${wrong.unit}, not ${numberOr(defaults[wrong.name])}`;
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
  if (UNSENDABLE.test(userAgent({ headers }))) {
    return 'must give the header "User-Agent" without control characters: token requests carry it too, and would all fail';
  }
  return names.includes('host')
    ? 'must not set the header "Host": a front end would hand the token to another host by it'
    : undefined;
}

/** What Node refuses in the value of a header (RFC 9110 §5.5). */
const UNSENDABLE = /[^\t\x20-\x7e\x80-\xff]/;

export const IsHttpDefaults = decorator('isHttpDefaults', httpDefaultsProblem);

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Axios takes headers by name, and by name below `common` or a method. It trims the names. */
const headerNames = (headers: Readonly<Record<string, unknown>>): readonly string[] =>
  Object.entries(headers)
    .flatMap(([name, value]) => (isRecord(value) ? [name, ...Object.keys(value)] : name))
    .map((name) => name.trim().toLowerCase());
