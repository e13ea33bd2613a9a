import { AssetScopeContext } from 'nestjs-asset-auth';
import { runInScope, scopeWith } from '../../../lib/scope/scope-context.js';
import { AssetCall, NOT_NARROWED, Bearer } from '../../../lib/http/asset-request.js';

describe('a call', () => {
  it('stays the call that it was when its config is sent again, from either stage', () => {
    const call = AssetScopeContext.run({ scopes: 'ledger:read' }, () => AssetCall.of(undefined));
    AssetScopeContext.run({ scopes: 'report:read' }, () => {
      expect(AssetCall.of(call)).toBe(call);
      expect(AssetCall.of(new Bearer(call))).toBe(call);
      expect(call.again().scopes).toEqual(['ledger:read']);
    });
  });

  it('leaves scopes that are meant for another client alone, but not the business', () => {
    const scope = scopeWith(['ledger:read'], 'eu', 'biz_1');
    const callThrough = (client?: string): AssetCall =>
      runInScope(scope, () => AssetCall.of(undefined, NOT_NARROWED, client));
    expect(callThrough('eu')).toMatchObject({ scopes: ['ledger:read'], businessId: 'biz_1' });
    expect(callThrough()).toMatchObject({ scopes: undefined, businessId: 'biz_1' });
    expect(callThrough('us').scopes).toBeUndefined();
  });

  it('once more has a subscriber of its own', () => {
    const call = AssetCall.of(false);
    call.departure.leave();
    expect([call.departure.hasLeft, call.again().departure.hasLeft]).toEqual([true, false]);
    expect([call.isAnonymous, call.again().isAnonymous]).toEqual([true, true]);
  });

  it('shows what it asks for, so that a copy of it asks for the same', () => {
    const view = { scopes: ['report:read'], businessId: 'biz_1' };
    const call = AssetCall.of({ resource: 'urn:x' }, view);
    const copies: object[] = [Object.assign({}, call), JSON.parse(JSON.stringify(call)) as object];
    for (const copy of copies) {
      expect(copy).toEqual({ ...view, resource: 'urn:x' });
      expect(AssetCall.of(copy)).toMatchObject({ ...view, resource: 'urn:x' });
    }
  });

  it('without a token is no call with one when it is copied', () => {
    const copy = AssetCall.of(Object.assign({}, AssetCall.of(false)));
    expect(() => {
      copy.assertSound();
    }).toThrow('does not know "anonymous"');
  });

  it.each([
    5,
    true,
    null,
    'ledger:read',
    ['ledger:read'],
    new Map([['scopes', ['ledger:read']]]),
    new Set(['ledger:read']),
    new Date(),
    { scope: 'ledger:read' },
  ])('is none for %p, which would be read as a call for everything', (asset) => {
    const call = AssetCall.of(asset);
    const error: unknown = (() => {
      try {
        call.assertSound();
      } catch (thrown) {
        return thrown;
      }
      return undefined;
    })();
    expect(error).toMatchObject({ code: 'ASSET_SCOPE_INVALID' });
    expect(String(error)).toContain('{ scopes, businessId, resource }');
  });

  it('is settled when it is made, whatever becomes of the options that it was made with', () => {
    const options = { scopes: ['ledger:read'], businessId: 'biz_1', resource: ['urn:x'] };
    const call = AssetCall.of(options);
    options.scopes.push('ledger:create');
    options.resource.pop();
    options.businessId = 'biz_2';
    expect(call).toMatchObject({ scopes: ['ledger:read'], businessId: 'biz_1', resource: ['urn:x'] });
  });

  it('that was made earlier is narrowed by the view that it is sent through now', () => {
    const call = AssetCall.of({ scopes: ['ledger:read'], businessId: 'biz_1' });
    const { scopes, businessId } = AssetCall.of(call, { ...NOT_NARROWED, businessId: 'biz_2' });
    expect({ scopes, businessId }).toEqual({ scopes: ['ledger:read'], businessId: 'biz_2' });
    expect(AssetCall.of(call, { ...NOT_NARROWED, scopes: null }).scopes).toBeNull();
    const anonymous = AssetCall.of(AssetCall.of(false), { ...NOT_NARROWED, businessId: 'biz_2' });
    expect(anonymous.isAnonymous).toBe(true);
  });

  it.each([
    ['asset', false],
    ['scopes', null],
    ['businessId', 'biz_2'],
    ['resource', 'urn:evil'],
    ['anonymous', true],
  ])('is not changed by what somebody put on every object: %s', (name, value) => {
    const everything = Object.prototype as Record<string, unknown>;
    everything[name] = value;
    try {
      const call = AssetCall.of(undefined, { ...NOT_NARROWED, scopes: ['ledger:read'] });
      expect(call).toMatchObject({ scopes: ['ledger:read'], isAnonymous: false });
      expect([call.businessId, call.resource]).toEqual([undefined, undefined]);
    } finally {
      Reflect.deleteProperty(everything, name);
    }
  });
});
