import fc from 'fast-check';
import { resourceSet, scopeSet } from '../../../lib/config/scope-set.js';
import { isAssetAuthError } from '../../../lib/config/asset-auth.errors.js';
import type { AssetAuthOptions } from '../../../lib/config/asset-auth.options.js';
import {
  type AccessTokenGrant,
  type AssetTokenRequest,
  describeGrant,
  saidOptions,
  TokenRequestResolver,
} from '../../../lib/token/token-request.js';
import { garbageCollected } from '../../support/heap.js';
import { unlessHanging } from '../../support/unless-hanging.js';
import { configOf, requestFor, SECRET } from './endpoint/token-endpoint.fixture.js';

const ascii = (from: number, to: number) =>
  fc.string({
    unit: fc.integer({ min: from, max: to }).map((code) => String.fromCharCode(code)),
    minLength: 1,
  });
const scope = fc.oneof(
  ascii(0x21, 0x7e).filter((text) => !/["\\]/.test(text)),
  fc.constantFrom('a:b', 'A:b', 'a%20b', 'a+b', '&scope=x', '=', '__proto__', 'constructor'),
);
const grants: fc.Arbitrary<AccessTokenGrant> = fc.record({
  scopes: fc.option(fc.array(scope, { minLength: 1, maxLength: 4 }).map(scopeSet), { nil: undefined }),
  businessId: fc.option(fc.constantFrom('biz_1', 'biz_2', 'biz_11', 'biz_A', 'biz_a'), { nil: undefined }),
  resource: fc.option(
    fc
      .array(fc.constantFrom('https://a.example', 'https://a.example/', 'urn:x&y', 'urn:x', 'urn:%78'), {
        minLength: 1,
        maxLength: 3,
      })
      .map(resourceSet),
    { nil: undefined },
  ),
});

describe('The key of an access token request', () => {
  it('is the form that is sent, without the secret', () => {
    const request = requestFor({ scopes: ['a:b', 'c:d'], businessId: 'biz_1', resource: ['urn:x', 'urn:y'] });
    expect([...new URLSearchParams(request.key)]).toEqual([
      ['grant_type', 'client_credentials'],
      ['client_id', 'platform'],
      ['expires_in', '3600'],
      ['scope', 'a:b c:d'],
      ['resource', 'urn:x'],
      ['resource', 'urn:y'],
      // Last, where no text can pass for another parameter before it is checked.
      ['business_id', 'biz_1'],
    ]);
    expect(request.body(SECRET)).toBe(
      `${request.key}&${new URLSearchParams({ client_secret: SECRET }).toString()}`,
    );
    expect(request.key).not.toContain('client_secret');
  });

  it('leaves out what is not asked for, rather than sending it empty', () => {
    expect(requestFor().key).toBe('grant_type=client_credentials&client_id=platform&expires_in=3600');
  });

  it('T11 tells two businesses apart', () => {
    const keys = [undefined, 'biz_1', 'biz_2'].map((businessId) => requestFor({ businessId }).key);
    expect(new Set(keys).size).toBe(3);
  });

  it('T12 T14 T16 tells scopes apart, and their case', () => {
    const scopes = [undefined, ['a:b'], ['A:b'], ['a:b', 'c:d'], ['c:d']];
    expect(new Set(scopes.map((one) => requestFor({ scopes: one }).key)).size).toBe(5);
  });

  it('tells resources apart, as text', () => {
    const resources = [undefined, ['https://a'], ['https://a/'], ['https://A'], ['https://a', 'https://b']];
    expect(new Set(resources.map((one) => requestFor({ resource: one }).key)).size).toBe(5);
  });

  it('T85 tells clients and wanted lifetimes apart', () => {
    const key = (options: Partial<AssetAuthOptions>) => requestFor({}, options).key;
    expect(new Set([key({}), key({ clientId: 'other' }), key({ tokenTtlSeconds: 60 })]).size).toBe(3);
  });

  it('T11 T12 T16 is the same for two requests if, and only if, they ask for the same', () => {
    fc.assert(
      fc.property(grants, grants, (one, other) => {
        const isSame = JSON.stringify(one) === JSON.stringify(other);
        expect(requestFor(one).key === requestFor(other).key).toBe(isSame);
        expect(requestFor(one).key).toBe(requestFor({ ...one }).key);
      }),
      { numRuns: 1000 },
    );
  });

  it('can be read back into what was asked for', () => {
    fc.assert(
      fc.property(grants, (grant) => {
        const form = new URLSearchParams(requestFor(grant).key);
        expect({
          scopes: form.get('scope')?.split(' '),
          businessId: form.get('business_id') ?? undefined,
          resource: form.has('resource') ? form.getAll('resource') : undefined,
        }).toEqual({ ...grant });
      }),
    );
  });

  it('T21 lets no value pass for another field', () => {
    const evil = 'x&grant_type=password&client_id=other&client_secret=mine';
    const request = requestFor({ scopes: [evil], resource: [`urn:${evil}`] }, { clientId: evil });
    expect(() => requestFor({ businessId: evil })).toThrow();
    const form = new URLSearchParams(request.body(SECRET));
    expect(form.getAll('grant_type')).toEqual(['client_credentials']);
    expect(form.getAll('client_id')).toEqual([evil]);
    expect(form.getAll('client_secret')).toEqual([SECRET]);
  });

  it('T66 carries a secret of any characters unharmed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (secret) => {
        expect(new URLSearchParams(requestFor().body(secret)).get('client_secret')).toBe(secret);
      }),
    );
  });
});

describe('An access token request', () => {
  it('cannot be changed', () => {
    const request = requestFor({ scopes: scopeSet('a:b') });
    expect(Object.isFrozen(request)).toBe(true);
    expect(Object.isFrozen(request.scopes)).toBe(true);
  });
});

describe('What a token is asked for', () => {
  it('is said in words', () => {
    expect(describeGrant(requestFor())).toBe('the full grant');
    expect(describeGrant(requestFor({ scopes: ['a:b', 'c:d'], businessId: 'biz_1' }))).toBe(
      'scopes a:b c:d, business biz_1',
    );
    expect(describeGrant(requestFor({ resource: ['urn:x', 'urn:y'] }))).toBe(
      'the full grant, resource urn:x urn:y',
    );
  });
});

const resolverOf = (options: Partial<AssetAuthOptions> = {}) => new TokenRequestResolver(configOf(options));
const resolve = (asked: unknown, options: Partial<AssetAuthOptions> = {}) =>
  resolverOf(options).request(asked as AssetTokenRequest);

function refusalOf(resolver: TokenRequestResolver, asked: unknown): string | undefined {
  try {
    resolver.request(asked as AssetTokenRequest);
  } catch (error) {
    if (isAssetAuthError(error)) return error.code;
    throw error;
  }
  return undefined;
}

const codeOf = (asked: unknown, options: Partial<AssetAuthOptions> = {}): string | undefined =>
  refusalOf(resolverOf(options), asked);

const DEFAULTS = { scopes: ['x:y'], businessId: 'biz_default', resource: 'urn:default' };

describe('A request that is resolved', () => {
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

describe('The fields by which a cached token is found', () => {
  const CONSTANTS = 'grant_type=client_credentials&client_id=platform&expires_in=3600';

  it.each([{}, DEFAULTS])('are those of the key, with the options %j', (options) => {
    const resolver = resolverOf(options);
    const asked = fc.record(
      {
        scopes: fc.constantFrom(null, undefined, 'a:b', ['c:d', 'a:b']),
        businessId: fc.constantFrom(null, undefined, 'biz_1'),
        resource: fc.constantFrom(null, undefined, 'urn:x', ['urn:y', 'urn:x']),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(asked, (one: AssetTokenRequest) => {
        expect(CONSTANTS + resolver.fieldsOf(one)).toBe(resolver.request(one).key);
      }),
    );
  });

  it('hold a business as it is said, which the request checks', () => {
    expect(resolverOf().fieldsOf({ businessId: 'no id' })).toBe('&business_id=no id');
  });

  it.each([5, {}, true])('are not those of a business %j', (businessId) => {
    expect(() => resolverOf().fieldsOf({ businessId } as never)).toThrow('is not a business id');
  });
});

/** Runs while every object inherits a value. */
function polluted<T>(name: string, fn: () => T): T {
  const everything = Object.prototype as Record<string, unknown>;
  everything[name] = 'polluted';
  try {
    return fn();
  } finally {
    Reflect.deleteProperty(everything, name);
  }
}

describe('How a call differs from the usual', () => {
  const said = { signal: undefined, forceRefresh: true, minimumLifeMs: 5, withinMs: 6 };

  it.each(['signal', 'forceRefresh', 'minimumLifeMs', 'withinMs'] as const)(
    'is not said by a polluted prototype: %s',
    (name) => {
      polluted(name, () => {
        expect(saidOptions({})[name]).toBeUndefined();
        expect(saidOptions(said)).toEqual(said);
      });
    },
  );
});

class Instance {
  readonly scopes = 'ledger:read';
}

describe('A request that cannot be read', () => {
  it.each<[unknown, string]>([
    ['ledger:read', 'a string'],
    [null, 'null'],
    [undefined, 'undefined'],
    [5, 'a value of type number'],
    [['ledger:read'], 'a list'],
    [Promise.resolve({}), 'a promise that nobody awaited or an instance of a class'],
    [new Instance(), 'a promise that nobody awaited or an instance of a class'],
    [{ [Symbol.iterator]: () => null, scopes: 'ledger:read' }, 'a promise'],
    [{ [Symbol.asyncIterator]: () => null, scopes: 'ledger:read' }, 'a promise'],
  ])('is refused when it is %p: %s', (asked, what) => {
    expect(codeOf(asked)).toBe('ASSET_SCOPE_INVALID');
    expect(() => resolve(asked)).toThrow(`is an object such as { scopes: ['ledger:read'] }, not ${what}`);
  });

  it('is refused for a name that is not known, also on an object made from a template', () => {
    const asked: unknown = Object.assign(Object.create({ scopes: 'a:b' }) as object, { scope: 'c:d' });
    expect(() => resolve(asked)).toThrow('not "scope"');
  });

  it.each([{ scope: 'ledger:read' }, { business: 'biz_1' }, { businessID: 'biz_1' }])(
    'is refused for a name that is not known: %j',
    (asked) => {
      expect(codeOf(asked)).toBe('ASSET_SCOPE_INVALID');
      expect(() => resolve(asked)).toThrow(
        `A token request takes scopes, businessId and resource, but not "${Object.keys(asked)[0]}". Nothing was sent.`,
      );
    },
  );

  it('is not one that inherits a name from a polluted prototype', () => {
    const asked: unknown = Object.assign(Object.create({ tracked: true }) as object, { scopes: 'a:b' });
    expect(resolve(asked).scopes).toEqual(['a:b']);
    polluted('tracked', () => {
      expect(resolve({ scopes: 'a:b' }).scopes).toEqual(['a:b']);
    });
  });

  it('is refused in words that say what to change', () => {
    expect(() => resolve({ resource: 'no-uri' })).toThrow(
      /A token cannot be asked for.*resource of the request/s,
    );
    expect(() => resolve({}, { undeclaredScopes: 'deny' })).toThrow('No scope is declared for this call');
    expect(() => resolve({ scopes: ['e:f', 'g:h'] }, { allowedScopes: 'a:b' })).toThrow(
      'The scope e:f g:h is beyond the option allowedScopes.',
    );
  });
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

describe('A resolver that remembers lists of scopes', () => {
  it.each<[AssetTokenRequest, AssetTokenRequest]>([
    [{ scopes: ['a:b'], businessId: 'biz_1' }, { scopes: ['a:b\nbiz_1'] }],
    [{ scopes: ['a:b', 'c:d'] }, { scopes: ['a:b c:d'] }],
    [{ scopes: ['a:b', 'c:d'] }, { scopes: ['a:b,c:d'] }],
    [{ scopes: ['a:b', 'c:d'] }, { scopes: ['a:b'] }],
    [{ scopes: ['a:b', 'c:d'] }, { scopes: ['a:b', 'e:f'] }],
    [{ scopes: ['a:b'] }, { scopes: ['A:b'] }],
    [{}, { scopes: [] }],
    [{ scopes: null }, { scopes: 'null' }],
    [{ businessId: 'biz_1' }, {}],
    [{ resource: 'urn:x' }, {}],
  ])('T11 T12 T16 never takes %j for %j, or the other way round', (one, other) => {
    for (const [first, second] of [
      [one, other],
      [other, one],
    ] as const) {
      const resolver = resolverOf();
      const outcome = (asked: AssetTokenRequest): string =>
        refusalOf(resolver, asked) ?? resolver.request(asked).key;
      expect(outcome(first)).not.toBe(outcome(second));
    }
  });

  it('T11 T12 gives for anything that may be asked what a resolver without memory gives', () => {
    const text = fc.oneof(
      fc.constantFrom('a', 'b', 'a b', 'a,b', 'a\nb', 'a\0b', '', '__proto__', 'constructor', 'null'),
      fc.string({ unit: 'binary', maxLength: 3 }),
    );
    const asked = fc.record({
      scopes: fc.oneof(
        fc.constantFrom(null, undefined),
        text,
        fc.array(text, { minLength: 1, maxLength: 3 }),
      ),
      businessId: fc.constantFrom(null, undefined, 'biz_1', 'biz_2', 'biz_'),
    });
    fc.assert(
      fc.property(fc.array(asked, { minLength: 1, maxLength: 20 }), (all) => {
        const resolver = resolverOf();
        for (const one of [...all, ...all]) {
          const code = codeOf(one);
          expect(refusalOf(resolver, one)).toBe(code);
          if (code === undefined) expect(resolver.request(one)).toEqual(resolve(one));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('T11 T12 reads what it is asked once, whatever a getter answers later', () => {
    const ONE = { scopes: 'a:b', businessId: 'biz_1' };
    const OTHER = { scopes: 'c:d', businessId: 'biz_2' };
    const resolver = resolverOf();
    for (const [first, later] of [
      [ONE, OTHER],
      [OTHER, ONE],
    ] as const) {
      const scopes = [first.scopes, later.scopes, later.scopes];
      const businesses = [first.businessId, later.businessId, later.businessId];
      const { key } = resolver.request({
        get scopes() {
          return scopes.shift()!;
        },
        get businessId() {
          return businesses.shift()!;
        },
      });
      expect(key).toBe(resolve(first).key);
      expect(resolver.request(ONE).key).toBe(resolve(ONE).key);
      expect(resolver.request(OTHER).key).toBe(resolve(OTHER).key);
    }
  });

  it('finds a list again by its members', () => {
    const resolver = resolverOf();
    const scopesOf = (...scopes: string[]) => resolver.request({ scopes }).scopes;
    const lists = [['a:b', 'c:d'], ['a:b', 'e:f'], ['g:h']];
    const first = lists.map((list) => scopesOf(...list));
    lists.forEach((list, i) => {
      expect(scopesOf(...list)).toBe(first[i]);
    });
  });

  it('keeps a list as it was when it was checked, though its owner changes it', () => {
    const resolver = resolverOf();
    const list = ['a:b', 'c:d'];
    resolver.request({ scopes: list });
    list[1] = 'e:f';
    expect(resolver.request({ scopes: list }).scopes).toEqual(['a:b', 'e:f']);
    expect(resolver.request({ scopes: ['a:b', 'c:d'] }).scopes).toEqual(['a:b', 'c:d']);
  });

  it('remembers a thousand lists at most', async () => {
    const resolver = resolverOf();
    const sets = Array.from({ length: 3000 }, (_, i) => {
      const { scopes } = resolver.request({ scopes: [`scope:${i % 7}`, `other:${i}`] });
      return new WeakRef(scopes!);
    });
    await garbageCollected();
    expect(sets.filter((set) => set.deref() !== undefined).length).toBeLessThanOrEqual(1000);
    expect(resolver.request({ scopes: ['scope:0', 'other:0'] }).scopes).toEqual(['other:0', 'scope:0']);
  });

  it('is not held up by text of ten megabytes', () => {
    const resolver = resolverOf();
    unlessHanging(() => {
      for (const unit of ['a', '\0', '\uD800', 'é']) {
        const long = unit.repeat(10_000_000);
        expect(refusalOf(resolver, { scopes: [long], businessId: long })).toMatch(/^ASSET_/);
      }
    });
  });
});
