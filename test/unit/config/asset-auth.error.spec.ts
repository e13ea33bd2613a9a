import { inspect } from 'node:util';
import { ASSET_AUTH_ERROR, AssetAuthError, isAssetAuthError } from '../../../lib/config/asset-auth.errors.js';

describe('An error of the library', () => {
  it('has a code, says whether the call may be repeated, and since when nothing is known, not when', () => {
    const error = new AssetAuthError('Closed.', { code: 'ASSET_CLOSED' });
    expect(error).toMatchObject({
      message: 'Closed.',
      code: 'ASSET_CLOSED',
      retryable: false,
      name: 'AssetAuthError',
    });
    expect('retryAfterMs' in error).toBe(false);
    expect('cause' in error).toBe(false);
  });

  it('carries the wait and the cause, where there are such', () => {
    const cause = new Error('ECONNRESET');
    const error = new AssetAuthError('Down.', {
      code: 'ASSET_TOKEN_UNAVAILABLE',
      retryable: true,
      retryAfterMs: 0,
      cause,
    });
    expect(error).toMatchObject({ retryable: true, retryAfterMs: 0 });
    expect(error.cause).toBe(cause);
  });

  it('prints under its own name', () => {
    expect(inspect(new AssetAuthError('Closed.', { code: 'ASSET_CLOSED' }))).toMatch(
      /^AssetAuthError: Closed\./,
    );
  });
});

describe('isAssetAuthError', () => {
  const error = new AssetAuthError('Closed.', { code: 'ASSET_CLOSED' });

  it('recognises an error of the library, by its code if one is given', () => {
    expect(isAssetAuthError(error)).toBe(true);
    expect(isAssetAuthError(error, 'ASSET_CLOSED')).toBe(true);
    expect(isAssetAuthError(error, 'ASSET_CONFIG_INVALID')).toBe(false);
  });

  it('recognises the errors of another copy of the package and marked errors of other classes', () => {
    const marker = Symbol.for('nestjs-asset-auth:error');
    expect(ASSET_AUTH_ERROR).toBe(marker);
    const marked = Object.assign(new TypeError('401'), { [marker]: true, code: 'ASSET_UNAUTHORIZED' });
    expect(isAssetAuthError(marked, 'ASSET_UNAUTHORIZED')).toBe(true);
  });

  it.each([
    [new Error('Closed.')],
    [{ code: 'ASSET_CLOSED' }],
    [null],
    [undefined],
    ['ASSET_CLOSED'],
    [() => 1],
  ])('does not recognise %p', (other) => {
    expect(isAssetAuthError(other)).toBe(false);
  });
});
