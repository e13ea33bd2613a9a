import { inspect } from 'node:util';
import { expectNoSecrets } from 'nestjs-asset-auth/testing';
import { AccessToken, requestOf } from '../../../lib/token/access-token.js';
import { NOW, requestFor } from './endpoint/token-endpoint.fixture.js';

const VALUE = 'eyJhbGciOiJIUzI1NiJ9.secret-payload.signature';
const request = requestFor({
  scopes: ['ledger:read'],
  businessId: 'biz_1',
  resource: ['https://api.getasset.com/mcp'],
});
const token = new AccessToken(VALUE, request, {
  sent: { wall: NOW, monotonic: 77 },
  lifeMs: 3_600_000,
  windowMs: 900_000,
});

describe('An access token', () => {
  it('gives its value to who asks for it by name', () => {
    expect(token.value).toBe(VALUE);
  });

  it('T54 prints as [redacted] everywhere else', () => {
    expect(String(token)).toBe('[redacted]');
    // eslint-disable-next-line @typescript-eslint/restrict-template-expressions -- what a careless template prints is the question
    expect(`Bearer ${token}`).toBe('Bearer [redacted]');
    expect(JSON.parse(JSON.stringify({ token }))).toMatchObject({ token: { value: '[redacted]' } });
    expect(inspect(token)).toContain("value: '[redacted]'");
    expectNoSecrets([token, { token }, new Map([[token, token]])], VALUE);
  });

  it('T54 loses its value when it is copied', () => {
    expectNoSecrets([Object.assign({}, token), structuredClone(token)], VALUE);
  });

  it('says when it was issued, is refreshed and expires', () => {
    expect(token.issuedAt).toEqual(new Date(NOW));
    expect(token.refreshAt).toEqual(new Date(NOW + 2_700_000));
    expect(token.expiresAt).toEqual(new Date(NOW + 3_600_000));
  });

  it('says what it was asked for with', () => {
    expect(token.scopes).toEqual(['ledger:read']);
    expect(token.businessId).toBe('biz_1');
    expect(token.resource).toEqual(['https://api.getasset.com/mcp']);
    expect(requestOf(token)).toBe(request);
  });

  it('shows all of that in a log', () => {
    expect(JSON.parse(JSON.stringify(token))).toEqual({
      value: '[redacted]',
      issuedAt: new Date(NOW).toISOString(),
      refreshAt: new Date(NOW + 2_700_000).toISOString(),
      expiresAt: new Date(NOW + 3_600_000).toISOString(),
      scopes: ['ledger:read'],
      businessId: 'biz_1',
      resource: ['https://api.getasset.com/mcp'],
    });
    expect(inspect({ deep: { token } })).toContain('ledger:read');
  });

  it('cannot be changed, not even through its dates', () => {
    expect(Object.isFrozen(token)).toBe(true);
    token.expiresAt.setFullYear(2100);
    expect(token.expiresAt).toEqual(new Date(NOW + 3_600_000));
  });

  it('T29 has dates after ten years of life as well', () => {
    const old = new AccessToken('x', request, {
      sent: { wall: NOW, monotonic: 0 },
      lifeMs: 315_360_000_000,
      windowMs: 0,
    });
    expect(old.expiresAt.getTime()).toBe(NOW + 315_360_000_000);
  });
});
