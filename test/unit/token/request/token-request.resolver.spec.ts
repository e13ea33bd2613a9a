import { isAssetAuthError } from '../../../../lib/config/asset-auth.errors.js';
import type { AssetAuthOptions } from '../../../../lib/config/asset-auth.options.js';
import { TokenRequestResolver, type AssetTokenRequest } from '../../../../lib/token/token-request.js';
import { configOf } from '../endpoint/token-endpoint.fixture.js';

const resolve = (said: unknown, options: Partial<AssetAuthOptions> = {}) =>
  new TokenRequestResolver(configOf(options)).resolve(said as AssetTokenRequest);

function codeOf(said: unknown, options: Partial<AssetAuthOptions> = {}): string {
  try {
    resolve(said, options);
  } catch (error) {
    if (isAssetAuthError(error)) return error.code;
    throw error;
  }
  throw new Error('It was resolved.');
}

const DEFAULTS = { scopes: ['x:y'], businessId: 'biz_default', resource: 'urn:default' };

describe('What a token is asked for', () => {
  it('is everything, for the whole tenant, when neither the caller nor the module says otherwise', () => {
    expect(resolve({})).toMatchObject({ scopes: undefined, businessId: undefined, resource: undefined });
  });

  it("takes the module's default where the caller says nothing", () => {
    const { scopes, businessId, resource } = resolve({}, DEFAULTS);
    expect({ scopes, businessId, resource }).toEqual({
      scopes: ['x:y'],
      businessId: 'biz_default',
      resource: ['urn:default'],
    });
    expect(resolve({ scopes: undefined, businessId: undefined, resource: undefined }, DEFAULTS)).toEqual(
      resolve({}, DEFAULTS),
    );
  });

  it('is nothing in particular where the caller says null, whatever the default', () => {
    const { scopes, businessId, resource } = resolve(
      { scopes: null, businessId: null, resource: null },
      DEFAULTS,
    );
    expect({ scopes, businessId, resource }).toEqual({
      scopes: undefined,
      businessId: undefined,
      resource: undefined,
    });
  });

  it('takes each part on its own', () => {
    expect(resolve({ businessId: 'biz_1' }, DEFAULTS)).toMatchObject({
      scopes: ['x:y'],
      businessId: 'biz_1',
    });
    expect(resolve({ scopes: 'a:b' }, DEFAULTS)).toMatchObject({
      scopes: ['a:b'],
      businessId: 'biz_default',
    });
  });

  it('T16 is in normal form: order and duplicates carry no meaning, case does', () => {
    const { key } = resolve({ scopes: ['c:d', 'a:b', 'c:d'], resource: ['urn:y', 'urn:x', 'urn:y'] });
    expect(resolve({ scopes: ['a:b', 'c:d'], resource: ['urn:x', 'urn:y'] }).key).toBe(key);
    expect(resolve({ scopes: ['A:b', 'c:d'], resource: ['urn:x', 'urn:y'] }).key).not.toBe(key);
    expect(resolve({ scopes: 'a:b' }).key).toBe(resolve({ scopes: ['a:b'] }).key);
  });

  it.each([
    [[]],
    [''],
    [['']],
    ['a b'],
    [' a:b'],
    [['a:b\nbiz_1']],
    [5],
    [[null]],
    ['é'],
    ['\0'],
    ['\uD800'],
  ])('is refused when the scopes are %p: an omitted scope would ask for everything', (scopes) => {
    expect(codeOf({ scopes })).toBe('ASSET_SCOPE_INVALID');
  });

  it.each(['', 'biz_', 'biz_1/../biz_2', 'biz_1\n', ' biz_1', '__proto__', 5, {}])(
    'is refused when the business is %p',
    (businessId) => {
      expect(codeOf({ businessId })).toBe('ASSET_BUSINESS_INVALID');
    },
  );

  it.each(['', [], 'no-uri', 'https://a/#fragment', 'https://user:pass@a/', 5])(
    'is refused when the resource is %p',
    (resource) => {
      expect(codeOf({ resource })).toBe('ASSET_CONFIG_INVALID');
    },
  );
});

describe('With allowedScopes', () => {
  const options = { allowedScopes: ['a:b', 'c:d'] };

  it('a call within them asks for what it says', () => {
    expect(resolve({ scopes: 'a:b' }, options).scopes).toEqual(['a:b']);
    expect(resolve({ scopes: ['c:d', 'a:b'] }, options).scopes).toEqual(['a:b', 'c:d']);
  });

  it('a call beyond them is refused, if only by one scope or its case', () => {
    expect(codeOf({ scopes: ['a:b', 'e:f'] }, options)).toBe('ASSET_SCOPE_NOT_ALLOWED');
    expect(codeOf({ scopes: 'A:b' }, options)).toBe('ASSET_SCOPE_NOT_ALLOWED');
  });

  it.each([undefined, null])('a call that declares %p asks for exactly these', (scopes) => {
    expect(resolve({ scopes }, options).scopes).toEqual(['a:b', 'c:d']);
  });

  it("the module's default is asked for where the call declares none", () => {
    expect(resolve({}, { ...options, scopes: 'a:b' }).scopes).toEqual(['a:b']);
  });
});

describe("With undeclaredScopes: 'deny'", () => {
  const options = { undeclaredScopes: 'deny' } as const;

  it.each([{}, { scopes: undefined }, { scopes: null }])('a call that says %p is refused', (said) => {
    expect(codeOf(said, options)).toBe('ASSET_SCOPE_UNDECLARED');
    expect(codeOf(said, { ...options, allowedScopes: 'a:b' })).toBe('ASSET_SCOPE_UNDECLARED');
  });

  it('a call with scopes, or with a default, is not', () => {
    expect(resolve({ scopes: 'a:b' }, options).scopes).toEqual(['a:b']);
    expect(resolve({}, { ...options, scopes: 'a:b' }).scopes).toEqual(['a:b']);
  });
});
