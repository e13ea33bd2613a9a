import { inspect } from 'node:util';
import { isAssetAuthError } from '../../../../lib/config/asset-auth.errors.js';
import {
  alreadyExpired,
  AssetClosedError,
  stillFailing,
  tokenRequestFailure,
} from '../../../../lib/token/endpoint/token.errors.js';
import { CLIENT, requestFor } from './token-endpoint.fixture.js';

const asked = requestFor({ scopes: ['ledger:read'], businessId: 'biz_1', resource: ['urn:x'] });
const { error } = tokenRequestFailure({ request: asked, config: CLIENT }, 'ASSET_TOKEN_THROTTLED', {
  what: 'the endpoint answered 429.',
  status: 429,
  retryable: true,
  fault: 'endpoint',
  orderedWaitMs: 7000,
});

describe('The error of a token request', () => {
  it('says what was asked for, where, and what came back', () => {
    expect(error.message).toBe(
      'No access token for scopes ledger:read, business biz_1, resource urn:x (sandbox): the endpoint answered 429.',
    );
    expect(error).toMatchObject({
      name: 'AssetTokenError',
      code: 'ASSET_TOKEN_THROTTLED',
      scopes: ['ledger:read'],
      businessId: 'biz_1',
      resource: ['urn:x'],
      environment: 'sandbox',
      status: 429,
      retryable: true,
      retryAfterMs: 7000,
      reason: 'the endpoint answered 429.',
    });
  });

  it('is recognised by its code', () => {
    expect(isAssetAuthError(error, 'ASSET_TOKEN_THROTTLED')).toBe(true);
    expect(isAssetAuthError(error, 'ASSET_TOKEN_UNAVAILABLE')).toBe(false);
  });

  it('prints its name and message', () => {
    expect(inspect(error)).toContain('AssetTokenError: No access token for scopes ledger:read');
  });
});

describe('The error while a pause is in force', () => {
  const still = stillFailing(error, requestFor({ scopes: ['report:read'] }), 1234.5);

  it('has the real cause, for what this caller asked for', () => {
    expect(still.message).toBe(
      'No access token for scopes report:read (sandbox): the endpoint answered 429. Not asked again for 1235 ms.',
    );
    expect(still).toMatchObject({
      code: 'ASSET_TOKEN_THROTTLED',
      status: 429,
      retryable: true,
      cause: error,
    });
    expect(still.scopes).toEqual(['report:read']);
    expect(still.businessId).toBeUndefined();
  });

  it('remembers whether time ran out', () => {
    const slow = tokenRequestFailure({ request: asked, config: CLIENT }, 'ASSET_TOKEN_UNAVAILABLE', {
      what: 'no answer.',
      fault: 'unavailable',
      timedOut: true,
    }).error;
    expect(stillFailing(slow, asked, 1).timedOut).toBe(true);
    expect(still.timedOut).toBe(false);
  });

  it('says when to come back, which is never at once', () => {
    expect(still.retryAfterMs).toBe(1235);
    for (const waitMs of [0, -5, 0.1]) expect(stillFailing(error, asked, waitMs).retryAfterMs).toBe(1);
  });
});

describe('The failure of a token request', () => {
  const context = { request: asked, config: CLIENT };

  it('is not worth a retry and orders no wait, unless said otherwise', () => {
    const { error: told, ...failed } = tokenRequestFailure(context, 'ASSET_TOKEN_UNAVAILABLE', {
      what: 'no.',
      fault: 'unclear',
    });
    expect(failed).toEqual({ fault: 'unclear', orderedWaitMs: undefined });
    expect(told).toMatchObject({ retryable: false, timedOut: false, code: 'ASSET_TOKEN_UNAVAILABLE' });
    expect(told).not.toHaveProperty('status');
    expect(told).not.toHaveProperty('retryAfterMs');
  });

  it('T23 is a malformed answer for a token that has already expired', () => {
    const { error: told, fault } = alreadyExpired(asked, CLIENT);
    expect(told).toMatchObject({ code: 'ASSET_TOKEN_MALFORMED', retryable: true });
    expect(fault).toBe('unclear');
  });
});

describe('The error after the end', () => {
  it('T51 has a code of its own and is not worth a retry', () => {
    expect(new AssetClosedError()).toMatchObject({
      name: 'AssetClosedError',
      code: 'ASSET_CLOSED',
      retryable: false,
    });
  });
});
