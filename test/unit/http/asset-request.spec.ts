import axios from 'axios';
import { AssetScopeContext } from 'nestjs-asset-auth';
import { inspect } from 'node:util';
import { runInScope, scopeWith } from '../../../lib/scope/scope-context.js';
import {
  AssetRequest,
  isAssetConfig,
  type Narrowing,
  NOT_NARROWED,
} from '../../../lib/http/asset-request.js';
import { AccessToken } from '../../../lib/token/access-token.js';
import { requestFor } from '../token/endpoint/token-endpoint.fixture.js';

const requestOf = (asset: unknown, view: Narrowing = NOT_NARROWED, client?: string): AssetRequest =>
  AssetRequest.of(asset, view, client);

describe('a request', () => {
  it('stays the request that it was when its config is sent again', () => {
    const request = AssetScopeContext.run({ scopes: 'ledger:read' }, () => requestOf(undefined));
    AssetScopeContext.run({ scopes: 'report:read' }, () => {
      expect(requestOf(request)).toBe(request);
      expect(request.again().scopes).toEqual(['ledger:read']);
    });
  });

  it('leaves scopes that are meant for another client alone, but not the business', () => {
    const scope = scopeWith({ scopes: ['ledger:read'], client: 'eu', businessId: 'biz_1' });
    const requestThrough = (client?: string): AssetRequest =>
      runInScope(scope, () => requestOf(undefined, NOT_NARROWED, client));
    expect(requestThrough('eu')).toMatchObject({ scopes: ['ledger:read'], businessId: 'biz_1' });
    expect(requestThrough()).toMatchObject({ scopes: undefined, businessId: 'biz_1' });
    expect(requestThrough('us').scopes).toBeUndefined();
  });

  it('has a subscriber of its own when it is made again', () => {
    const request = requestOf(false);
    request.subscriber.leave();
    expect([request.hasLeft, request.again().hasLeft]).toEqual([true, false]);
    expect([request.isAnonymous, request.again().isAnonymous]).toEqual([true, true]);
  });

  it('shows what it asks for, so that a copy of it asks for the same', () => {
    const view = { scopes: ['report:read'], businessId: 'biz_1' };
    const request = requestOf({ resource: 'urn:x' }, view);
    const copies: object[] = [Object.assign({}, request), JSON.parse(JSON.stringify(request)) as object];
    for (const copy of copies) {
      expect(copy).toEqual({ ...view, resource: 'urn:x' });
      expect(requestOf(copy)).toMatchObject({ ...view, resource: 'urn:x' });
    }
  });

  it('that is to carry no token is refused when it is copied', () => {
    const copy = requestOf(Object.assign({}, requestOf(false)));
    expect(() => {
      copy.assertValid();
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
  ])('is refused for %p, which would be read as a request for everything', (asset) => {
    const request = requestOf(asset);
    const error: unknown = (() => {
      try {
        request.assertValid();
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
    const request = requestOf(options);
    options.scopes.push('ledger:create');
    options.resource.pop();
    options.businessId = 'biz_2';
    expect(request).toMatchObject({ scopes: ['ledger:read'], businessId: 'biz_1', resource: ['urn:x'] });
  });

  it('that was made earlier is narrowed by the view that it is sent through now', () => {
    const request = requestOf({ scopes: ['ledger:read'], businessId: 'biz_1' });
    const { scopes, businessId } = requestOf(request, { ...NOT_NARROWED, businessId: 'biz_2' });
    expect({ scopes, businessId }).toEqual({ scopes: ['ledger:read'], businessId: 'biz_2' });
    expect(requestOf(request, { ...NOT_NARROWED, scopes: null }).scopes).toBeNull();
    const anonymous = requestOf(requestOf(false), { ...NOT_NARROWED, businessId: 'biz_2' });
    expect(anonymous.isAnonymous).toBe(true);
  });

  it.each([
    ['asset', false],
    ['scopes', null],
    ['businessId', 'biz_2'],
    ['resource', 'urn:evil'],
    ['anonymous', true],
  ])('is not changed by a polluted prototype: %s', (name, value) => {
    const everything = Object.prototype as Record<string, unknown>;
    everything[name] = value;
    try {
      const request = requestOf(undefined, { ...NOT_NARROWED, scopes: ['ledger:read'] });
      expect(request).toMatchObject({ scopes: ['ledger:read'], isAnonymous: false });
      expect([request.businessId, request.resource]).toEqual([undefined, undefined]);
    } finally {
      Reflect.deleteProperty(everything, name);
    }
  });

  it('T54 holds no token that it could print', () => {
    const token = new AccessToken('token-of-asset-0123456789', requestFor(), {
      issuedAt: { wall: 0, monotonic: 0 },
      lifeMs: 1,
      windowMs: 1,
    });
    const request = requestOf({ scopes: ['ledger:read'] }).handOut({
      token,
      origin: 'https://api.getasset.com',
    });
    const prints = [
      inspect(request, { showHidden: true, depth: 9 }),
      JSON.stringify(request),
      Reflect.ownKeys(request).join(),
    ];
    for (const print of prints) expect(print).not.toContain('token-of-asset');
  });

  it('marks the config that it stands in as sent by this library', () => {
    expect(isAssetConfig({ asset: requestOf(false) })).toBe(true);
    expect([isAssetConfig({ asset: {} }), isAssetConfig({}), isAssetConfig(undefined)]).toEqual([
      false,
      false,
      false,
    ]);
  });
});

describe('the subscriber of a request', () => {
  it('cancels as a CancelToken of axios does', async () => {
    const { subscriber } = requestOf(undefined);
    const signal = subscriber.toAbortSignal();
    expect([subscriber.reason, signal.aborted]).toEqual([undefined, false]);
    subscriber.leave();
    const { reason } = subscriber;
    expect(reason).toMatchObject({ name: 'CanceledError', code: 'ERR_CANCELED' });
    expect(await subscriber.promise).toBe(reason);
    expect(signal.aborted).toBe(true);
    expect(() => {
      subscriber.throwIfRequested();
    }).toThrow('canceled');
    expect(axios.isCancel(reason)).toBe(true);
  });
});
