import { inspect } from 'node:util';
import { AssetScopeContext } from 'nestjs-asset-auth';
import { AccessToken } from '../../../lib/token/access-token.js';
import { AccessTokenRequest } from '../../../lib/token/request/access-token-request.js';
import { runInScope, scopeWith } from '../../../lib/scope/asset-scope.context.js';
import { AssetCall } from '../../../lib/http/asset-call.js';
import { Bearer, SentBearer } from '../../../lib/http/bearer.js';

const SECRET = 'token-of-asset-0123456789';
const request = new AccessTokenRequest(
  { clientId: 'c', tokenTtlSeconds: 60 },
  { scopes: undefined, businessId: undefined, resource: undefined },
);
const token = new AccessToken(SECRET, request, { sent: { wall: 0, monotonic: 0 }, lifeMs: 1, windowMs: 1 });
const contents = { call: AssetCall.of(undefined), token, deadline: 7, checked: undefined };

describe('what carries the token through interceptors and transforms', () => {
  it.each([new Bearer(contents), new SentBearer(contents)])('prints nothing of it: %p', (bearer) => {
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
    expect(Bearer.read(new Bearer(contents))).toBe(contents);
  });
});

describe('a call', () => {
  it('stays the call that it was when its config is sent again, from either stage', () => {
    const call = AssetScopeContext.run({ scopes: 'ledger:read' }, () => AssetCall.of(undefined));
    AssetScopeContext.run({ scopes: 'report:read' }, () => {
      expect(AssetCall.of(call)).toBe(call);
      expect(AssetCall.of(new Bearer({ ...contents, call }))).toBe(call);
      expect(call.again().tokenRequest(undefined).scopes).toEqual(['ledger:read']);
    });
  });

  it('leaves scopes that are meant for another client alone, but not the business', () => {
    const scope = scopeWith(['ledger:read'], 'eu', 'biz_1');
    const call = runInScope(scope, () => AssetCall.of(undefined));
    expect(call.tokenRequest('eu')).toMatchObject({ scopes: ['ledger:read'], businessId: 'biz_1' });
    expect(call.tokenRequest(undefined)).toEqual({
      scopes: undefined,
      businessId: 'biz_1',
      resource: undefined,
    });
    expect(call.tokenRequest('us').scopes).toBeUndefined();
  });

  it('once more has a subscriber of its own', () => {
    const call = AssetCall.of(false);
    call.abandon();
    expect([call.isAbandoned, call.again().isAbandoned]).toEqual([true, false]);
    expect([call.isAnonymous, call.again().isAnonymous]).toEqual([true, true]);
  });

  it('tells of its end to whoever asked before, and to whoever asks after', () => {
    const before = AssetCall.of(undefined);
    const { abandonment } = before;
    expect(before.isAbandoned).toBe(false);
    before.abandon();
    const after = AssetCall.of(undefined);
    after.abandon();
    expect([abandonment.aborted, before.isAbandoned, after.abandonment.aborted]).toEqual([true, true, true]);
  });
});
