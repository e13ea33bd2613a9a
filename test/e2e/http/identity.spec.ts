import { readFileSync } from 'node:fs';
import axios from 'axios';
import { isAssetAuthError } from 'nestjs-asset-auth';
import { firstValueFrom } from 'rxjs';
import { startApplication } from '../../support/application.js';
import { rejectionOf } from '../../support/token-time.js';
import { throughAttempts } from '../../support/through-attempts.js';
import { startOnWire } from './wire.fixture.js';

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
const OURS = `nestjs-asset-auth/${version}`;

describe('The User-Agent', () => {
  it.each([
    ['before axios’ own', undefined, `${OURS} axios/${axios.VERSION}`],
    ['before what the option http names', { 'user-agent': 'acme/2.1' }, `${OURS} acme/2.1`],
    [
      'before axios’ own, where the option http names none',
      { 'User-Agent': false },
      `${OURS} axios/${axios.VERSION}`,
    ],
    ['before what it names for all methods', { common: { 'User-Agent': 'acme/2.1' } }, `${OURS} acme/2.1`],
  ])('names this library %s, at the API and at the token endpoint', async (_where, headers, expected) => {
    const { asset, bytes } = await startOnWire(undefined, {
      http: headers === undefined ? {} : { headers: headers as unknown as Record<string, string> },
    });
    await firstValueFrom(asset.get('/v0/business'));
    const named = bytes.join('').match(/^user-agent: .*$/gim);
    expect(named?.map((line) => line.trim().slice('user-agent: '.length))).toEqual([expected, expected]);
  });

  it.each(['two\r\nlines', 'sm\u{1F600}ile'])(
    'is refused at boot if it cannot be sent: %j',
    async (value) => {
      const refused = startOnWire(undefined, { http: { headers: { 'user-agent': value } } });
      expect(String(await rejectionOf(refused))).toContain('must give the header "User-Agent"');
    },
  );

  it('is the request’s own, if that names one', async () => {
    const { asset, heads } = await startOnWire();
    await firstValueFrom(asset.get('/v0/business', { headers: { 'User-Agent': 'mine' } }));
    expect(heads[0]).toContain('user-agent: mine\r\n');
  });
});

describe('The request id of an answer', () => {
  it.each(['x-request-id', 'X-Correlation-Id', 'cf-ray'])(
    'is told by errors of the API: %s',
    async (name) => {
      const { asset } = await startOnWire((_request, response) => {
        response.writeHead(403, { [name]: 'req-4711' }).end('{}');
      });
      const error = await rejectionOf(firstValueFrom(asset.get('/v0/business')));
      expect(error).toMatchObject({ code: 'ASSET_INSUFFICIENT_SCOPE', requestId: 'req-4711' });
      expect(String(error)).toContain('GET /v0/business (request id req-4711)');
    },
  );

  it('is told by errors of the token endpoint, also to callers that come later', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const headers = { 'x-request-id': 'req-4712' };
    sandbox.fail('token', { status: 403, headers, body: {} }, Infinity);
    for (let i = 0; i < 2; i += 1) {
      const error = await throughAttempts(clock, rejectionOf(tokens.getAccessToken()));
      expect(error).toHaveProperty('requestId', 'req-4712');
      expect(String(error)).toContain('(request id req-4712)');
    }
  });

  it('is told where the answer is no token, or one for something else', async () => {
    const { tokens, sandbox, clock } = await startApplication({ options: { grantedScopes: 'error' } });
    const headers = { 'x-request-id': 'req-4713' };
    sandbox.fail('token', { status: 200, headers, body: {} }, 3);
    const malformed = await throughAttempts(clock, rejectionOf(tokens.getAccessToken()));
    expect(malformed).toMatchObject({ code: 'ASSET_TOKEN_MALFORMED', requestId: 'req-4713' });
    sandbox.fail('token', { headers, fields: { access_token: 'opaque-token-4711', scope: 'ledger:write' } });
    const other = await rejectionOf(tokens.getAccessToken({ scopes: ['ledger:read'] }));
    expect(other).toMatchObject({ code: 'ASSET_GRANT_MISMATCH', requestId: 'req-4713' });
    expect(String(other)).toContain('(request id req-4713)');
  });

  it('is none if it is no id, or holds the secret', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const ids = ['two words', 'x'.repeat(81), `id-${sandbox.moduleOptions().clientSecret}`];
    for (const [place, id] of ids.entries()) {
      sandbox.fail('token', { status: 403, headers: { 'x-request-id': id }, body: {} }, 1);
      const asked = tokens.getAccessToken({ resource: `https://example.com/${place}` });
      const error = await throughAttempts(clock, rejectionOf(asked));
      expect(isAssetAuthError(error)).toBe(true);
      expect(error).not.toHaveProperty('requestId');
      expect(String(error)).not.toContain('request id');
    }
  });
});
