import { AxiosError, AxiosHeaders, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import fc from 'fast-check';
import { toApiError } from '../../../lib/http/http.errors.js';
import { AccessToken } from '../../../lib/token/access-token.js';
import { requestFor } from '../token/endpoint/token-endpoint.fixture.js';

const secret = 'a-token-that-nobody-may-see';
const request = requestFor({ scopes: ['ledger:read'] });
const life = { issuedAt: { wall: 0, monotonic: 0 }, lifeMs: 1000, windowMs: 250 };
const token = new AccessToken(secret, request, life);

function forbidden(challenge: unknown): Error {
  const config = { method: 'get', headers: new AxiosHeaders() } as InternalAxiosRequestConfig;
  const response = {
    status: 403,
    statusText: '',
    data: '',
    config,
    headers: { 'www-authenticate': challenge },
    request: { method: 'GET', host: 'api', path: '/v0/business?q=1' },
  } as unknown as AxiosResponse;
  const error = new AxiosError('Request failed', 'ERR_BAD_REQUEST', config, undefined, response);
  return toApiError(error, token, 0, { why: 'no other token could be had' }) as Error;
}

describe('the error of a 403', () => {
  it('quotes the challenge of the API and names the scopes in force', () => {
    expect(forbidden('Bearer error="insufficient_scope"').message).toMatch(
      /^Asset answered 403 to GET \/v0\/business \(Bearer error="insufficient_scope"\), sent with a token for scopes ledger:read\./,
    );
  });

  it('stays short, printable and without the token, whatever the challenge holds', () => {
    const odd = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('__proto__', '\0', '\ud800', '\u202e', '\u001b[31m', 'x'.repeat(10_000_000)),
      fc.string().map((text) => `Bearer realm="${text}", error_description="${secret} ${btoa(secret)}"`),
    );
    fc.assert(
      fc.property(odd, (challenge) => {
        const { message } = forbidden(challenge);
        expect(message.length).toBeLessThan(1000);
        expect(message).not.toMatch(/[\p{Cc}\p{Cs}]/u);
        expect(message).not.toContain(secret);
        expect(message).not.toContain(btoa(secret));
      }),
      { numRuns: 300 },
    );
  });

  it.each([undefined, 7, null, ['Bearer']])('does without a challenge that is no text: %p', (challenge) => {
    expect(forbidden(challenge).message).toContain('Asset answered 403 to GET /v0/business, sent with');
  });
});
