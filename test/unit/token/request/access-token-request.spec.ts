import fc from 'fast-check';
import { resourceSet } from '../../../../lib/config/asset-auth.config.js';
import { scopeSet } from '../../../../lib/config/scope-set.js';
import {
  AccessTokenRequest,
  describeGrant,
  type AccessTokenGrant,
} from '../../../../lib/token/token-request.js';
import { requestFor, SECRET } from '../endpoint/token-endpoint.fixture.js';

const CONSTANTS = { clientId: 'platform', tokenTtlSeconds: 3600 };

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
  businessId: fc.option(fc.constantFrom('biz_1', 'biz_2', 'biz_11', 'BIZ_1'), { nil: undefined }),
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
      ['scope', 'a:b c:d'],
      ['business_id', 'biz_1'],
      ['resource', 'urn:x'],
      ['resource', 'urn:y'],
      ['expires_in', '3600'],
    ]);
    expect(request.body(SECRET)).toBe(
      `${request.key}&${new URLSearchParams({ client_secret: SECRET }).toString()}`,
    );
    expect(request.key).not.toContain('client_secret');
  });

  it('leaves out what is not asked for, rather than sending it empty', () => {
    expect([...new URLSearchParams(requestFor().key).keys()]).toEqual([
      'grant_type',
      'client_id',
      'expires_in',
    ]);
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
    const grant = { scopes: undefined, businessId: undefined, resource: undefined };
    const key = (constants: Partial<typeof CONSTANTS>) =>
      new AccessTokenRequest({ ...CONSTANTS, ...constants }, grant).key;
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
    const request = new AccessTokenRequest(
      { clientId: evil, tokenTtlSeconds: 1 },
      { scopes: [evil], businessId: evil, resource: [evil] },
    );
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
