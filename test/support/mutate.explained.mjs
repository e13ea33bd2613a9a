// Mutants of the functions that decide which no test can notice, or none should, and why.

const SAME = 'The two do the same';
const WORDS = 'Tests go by the code of the error, not by every word of its message';

export const EXPLAINED = [
  {
    file: 'lib/http/request-url.ts',
    original: "'The address holds a user name or password. Nothing was sent. Remove it.'",
    replacement: '""',
    reason: WORDS,
  },
  {
    file: 'lib/http/request-url.ts',
    original:
      '`The address is of business ${quoted(inPath)}, but the token is narrowed to business "${businessId}". Nothing was sent there. Take both from one place: @AssetBusiness(\'…\') with the same route parameter, or forBusiness(id).`',
    replacement: '``',
    reason: WORDS,
  },
  {
    file: 'lib/http/request-url.ts',
    original:
      "'The path is encoded in a way that servers read differently, so its business cannot be compared with that of the token. Nothing was sent there. Encode each part of the path with encodeURIComponent.'",
    replacement: '""',
    reason: WORDS,
  },
  {
    file: 'lib/http/request-url.ts',
    original: "typeof value === 'string'",
    replacement: 'false',
    reason: `${SAME}: text turned into text is itself`,
  },
  {
    file: 'lib/http/request-url.ts',
    original: "'string'",
    replacement: '""',
    reason: `${SAME}: text turned into text is itself`,
  },
  {
    file: 'lib/http/request-url.ts',
    original: '/^\\/+/',
    replacement: '/^\\//',
    reason: `${SAME}: an address that begins with two slashes is absolute, and does not come here`,
  },
  {
    file: 'lib/token/token-request.ts',
    original: "'latin1'",
    replacement: '""',
    reason: `${SAME}: an encoded form is ASCII`,
  },
  {
    file: 'lib/token/endpoint/token-lifetime.ts',
    original: 'expiresIn.length < 100',
    replacement: 'expiresIn.length <= 100',
    reason: 'The bound keeps megabytes out; where exactly it lies does not matter',
  },
  {
    file: 'lib/token/endpoint/token-lifetime.ts',
    original: 'most >= 0',
    replacement: 'most > 0',
    reason: `${SAME}: where it is 0, the answer is 0 either way`,
  },
  {
    file: 'lib/http/request-url.ts',
    original:
      "{\n  const start = `/v0/business/${businessId}`;\n  return (\n    pathname.startsWith(start) &&\n    (pathname.length === start.length || pathname[start.length] === '/') &&\n    !READ_DIFFERENTLY.test(pathname)\n  );\n}",
    replacement: '{}',
    reason: `${SAME}: the usual case is found by the comparison that follows, too`,
  },
  {
    file: 'lib/http/request-url.ts',
    original:
      "pathname.startsWith(start) &&\n    (pathname.length === start.length || pathname[start.length] === '/') &&\n    !READ_DIFFERENTLY.test(pathname)",
    replacement: 'false',
    reason: `${SAME}: the usual case is found by the comparison that follows, too`,
  },
  {
    file: 'lib/http/request-url.ts',
    original: "pathname.length === start.length || pathname[start.length] === '/'",
    replacement: "pathname.length === start.length && pathname[start.length] === '/'",
    reason: `${SAME}: the usual case is found by the comparison that follows, too`,
  },
  {
    file: 'lib/http/request-url.ts',
    original: 'pathname.length === start.length',
    replacement: 'false',
    reason: `${SAME}: the usual case is found by the comparison that follows, too`,
  },
  {
    file: 'lib/http/request-url.ts',
    original: "pathname[start.length] === '/'",
    replacement: 'false',
    reason: `${SAME}: the usual case is found by the comparison that follows, too`,
  },
  {
    file: 'lib/http/request-url.ts',
    original: "'/'",
    replacement: '""',
    reason: `${SAME}: the usual case is found by the comparison that follows, too`,
  },
  {
    file: 'lib/http/request-url.ts',
    original: '/[%;\\\\]/',
    replacement: '/[^%;\\\\]/',
    reason: `${SAME}: the usual case is found by the comparison that follows, too`,
  },
  {
    file: 'lib/token/endpoint/token-lifetime.ts',
    original: 'expiresIn.length < 100',
    replacement: 'true',
    reason: 'The bound keeps megabytes out; the expression copes with them on the versions of today',
  },
  {
    file: 'lib/token/token-request.ts',
    original: 'this.#knownLists >= MAX_KNOWN_LISTS',
    replacement: 'this.#knownLists > MAX_KNOWN_LISTS',
    reason: 'The bound keeps memory in limits; where exactly it lies does not matter',
  },
];
