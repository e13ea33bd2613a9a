import { inspect } from 'node:util';
import { AccessToken } from '../../../lib/token/access-token.js';
import { AccessTokenRequest } from '../../../lib/token/token-request.js';
import { AssetCall, Bearer, SentBearer } from '../../../lib/http/asset-request.js';

const SECRET = 'token-of-asset-0123456789';
const request = new AccessTokenRequest(
  { clientId: 'c', tokenTtlSeconds: 60 },
  { scopes: undefined, businessId: undefined, resource: undefined },
);
const token = new AccessToken(SECRET, request, { sent: { wall: 0, monotonic: 0 }, lifeMs: 1, windowMs: 1 });
const call = AssetCall.of(undefined);

describe('what carries the token through interceptors and transforms', () => {
  it.each([new Bearer(call), new SentBearer(call, token)])('prints nothing of it: %p', (bearer) => {
    const prints = [
      String(bearer),
      JSON.stringify({ bearer }),
      inspect(bearer, { showHidden: true, depth: 9 }),
      // eslint-disable-next-line @typescript-eslint/restrict-template-expressions -- what a log line does
      `${bearer}`,
      Object.keys(bearer).join(),
      Reflect.ownKeys(bearer).join(),
    ];
    for (const print of prints) {
      expect(print).not.toContain(SECRET);
      expect(['', '[redacted]', '{"bearer":"[redacted]"}']).toContain(print);
    }
  });

  it('gives it to the transport', () => {
    const sent = new SentBearer(call, token);
    expect([Bearer.callOf(sent), SentBearer.tokenOf(sent)]).toEqual([call, token]);
  });
});
