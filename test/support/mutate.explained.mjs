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
    original: 'names[i - 1]?.toLowerCase',
    replacement: 'names[i - 1].toLowerCase',
    reason: `${SAME}: the name before that is compared first, and is not there where this is not`,
  },
  {
    file: 'lib/http/request-url.ts',
    original: "!pathname.includes('%')",
    replacement: 'false',
    reason: `${SAME}: what has nothing to decode is its only form`,
  },
  {
    file: 'lib/http/request-url.ts',
    original: "'%'",
    replacement: '""',
    reason: `${SAME}: what has nothing to decode is its only form`,
  },
  {
    file: 'lib/http/request-url.ts',
    original: 'text\n    .slice(0, 80)',
    replacement: 'text',
    reason: 'The bound keeps megabytes out; the expressions cope with them on the versions of today',
  },
  {
    file: 'lib/token/token-request.ts',
    original: 'i < one.length',
    replacement: 'i <= one.length',
    reason: `${SAME}: beyond their ends, both lists hold nothing`,
  },
  {
    file: 'lib/token/token-request.ts',
    original: "'signal' in ROOT || 'forceRefresh' in ROOT || 'minimumLifeMs' in ROOT || 'withinMs' in ROOT",
    replacement: 'true',
    reason: `${SAME}, though slower`,
  },
  {
    file: 'lib/token/token-request.ts',
    original: 'prototype !== null',
    replacement: 'true',
    reason: `${SAME}: an object without prototype is a plain one, too`,
  },
];
