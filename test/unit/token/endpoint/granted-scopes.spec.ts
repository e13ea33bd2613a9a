import { grantDifference } from '../../../../lib/token/endpoint/token-response.js';
import { requestFor } from './token-endpoint.fixture.js';

const asked = requestFor({ scopes: ['a:b', 'c:d'], businessId: 'biz_1' });

describe('What a token grants', () => {
  it.each([
    {},
    { scopes: ['a:b', 'c:d'] },
    { scopes: ['c:d', 'a:b'] },
    { businessId: 'biz_1' },
    { scopes: ['c:d', 'a:b', 'a:b'], businessId: 'biz_1' },
  ])('T18 is what was asked for when it claims %j', (claims) => {
    expect(grantDifference(asked, claims)).toBeUndefined();
  });

  it.each([
    [{ scopes: ['a:b'] }, 'it was granted without c:d'],
    [{ scopes: [] }, 'it was granted without a:b c:d'],
    [{ scopes: ['a:b', 'c:d', 'e:f'] }, 'it was granted with e:f besides'],
    [{ scopes: ['A:b', 'c:d'] }, 'it was granted without a:b and with A:b besides'],
    [{ businessId: 'biz_2' }, 'it was granted for business biz_2'],
    [{ businessId: 'BIZ_1' }, 'it was granted for business BIZ_1'],
    [
      { scopes: ['a:b'], businessId: 'biz_2' },
      'it was granted without c:d; it was granted for business biz_2',
    ],
  ])('T18 differs from what was asked for when it claims %j', (claims, difference) => {
    expect(grantDifference(asked, claims)).toBe(difference);
  });

  it('T18 cannot differ from the full grant, which nobody has listed', () => {
    expect(grantDifference(requestFor(), { scopes: ['a:b'], businessId: 'biz_1' })).toBeUndefined();
  });

  it('is described without control characters and in few words', () => {
    const scopes = ['a:b', 'c:d', `e\n${'f'.repeat(1000)}`];
    const difference = grantDifference(asked, { scopes, businessId: `biz\n${'2'.repeat(1000)}` })!;
    expect(difference).not.toContain('\n');
    expect(difference.length).toBeLessThan(600);
  });
});
