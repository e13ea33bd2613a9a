// The token endpoint and the API that everything is measured against, in a process of its own. It does as little as it
// can, so that what is seen is the client's work. Started by server.mjs and driven over IPC.

import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { expiryOf } from './token-text.mjs';

const DEFAULTS = {
  lifetimeSeconds: 3600,
  /** A moment in unix seconds at which every token expires, whenever it is issued. */
  expiresAt: undefined,
  tokenLatencyMs: 0,
  tokenStatus: 200,
  /** Whether the API refuses expired tokens, which costs it a look inside. */
  checksExpiry: false,
};
const LEDGERS = Buffer.from(JSON.stringify({ data: [{ id: 'led_1', name: 'Main' }], next: null }));
const UNAVAILABLE = Buffer.from('{"error":"unavailable"}');

let behaviour = { ...DEFAULTS };
let counts = {};

const reset = () => {
  counts = {
    token: 0,
    api: 0,
    rejected: 0,
    renewals: 0,
    underWay: 0,
    mostUnderWay: 0,
    firstTokenAt: 0,
    lastTokenAt: 0,
  };
};
reset();

const base64url = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const HEADER = base64url({ alg: 'RS256', typ: 'JWT', kid: 'bench' });

/** As long as an RS256-signed one. Nobody checks the signature. */
function jwt(form, expiresAtMs) {
  const payload = base64url({
    aud: 'bench',
    jti: randomBytes(12).toString('base64url'),
    iat: Math.floor(Date.now() / 1000),
    exp: Math.ceil(expiresAtMs / 1000),
    expires_at_ms: expiresAtMs,
    scope: form.get('scope') ?? '',
    business_id: form.get('business_id') ?? undefined,
  });
  return `${HEADER}.${payload}.${randomBytes(256).toString('base64url')}`;
}

function answerToken(form, response) {
  counts.underWay -= 1;
  if (behaviour.tokenStatus !== 200) return answer(response, behaviour.tokenStatus, UNAVAILABLE);
  const { expiresAt, lifetimeSeconds } = behaviour;
  const expiresAtMs = expiresAt === undefined ? Date.now() + lifetimeSeconds * 1000 : expiresAt * 1000;
  const body = JSON.stringify({
    access_token: jwt(form, expiresAtMs),
    token_type: 'Bearer',
    expires_in: expiresAt ?? lifetimeSeconds,
  });
  answer(response, 200, body);
}

function answer(response, status, body) {
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...(status === 200 && { 'cache-control': 'no-store' }),
  });
  response.end(body);
}

function isAuthorized({ authorization }) {
  if (authorization?.startsWith('Bearer ') !== true) return false;
  return !behaviour.checksExpiry || expiryOf(authorization) > Date.now();
}

function answerApi(request, response) {
  counts.api += 1;
  const isAllowed = isAuthorized(request.headers);
  if (!isAllowed) counts.rejected += 1;
  answer(response, isAllowed ? 200 : 401, LEDGERS);
}

const server = createServer((request, response) => {
  if (request.method !== 'POST') return answerApi(request, response);
  if (request.url.startsWith('/v0/business/')) {
    request.resume().on('end', () => answerApi(request, response));
    return;
  }
  counts.token += 1;
  counts.underWay += 1;
  counts.mostUnderWay = Math.max(counts.mostUnderWay, counts.underWay);
  const now = Date.now();
  // Requests in quick succession ask for the same renewal.
  if (now - counts.lastTokenAt > 1000) counts.renewals += 1;
  counts.lastTokenAt = now;
  counts.firstTokenAt ||= counts.lastTokenAt;
  let body = '';
  request.setEncoding('latin1').on('data', (chunk) => (body += chunk));
  request.on('end', () => {
    const form = new URLSearchParams(body);
    if (behaviour.tokenLatencyMs === 0) answerToken(form, response);
    else setTimeout(answerToken, behaviour.tokenLatencyMs, form, response);
  });
});
server.keepAliveTimeout = 60_000;

process.on('message', ({ id, command, value }) => {
  if (command === 'configure') behaviour = { ...DEFAULTS, ...value };
  if (command === 'reset') reset();
  process.send({ id, answer: { ...counts } });
});
process.on('disconnect', () => process.exit());

server.listen(0, '127.0.0.1', () =>
  process.send({ id: 0, answer: `http://127.0.0.1:${server.address().port}` }),
);
