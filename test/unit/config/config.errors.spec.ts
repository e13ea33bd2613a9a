import {
  AssetBusinessError,
  AssetConfigError,
  AssetScopeError,
} from '../../../lib/config/asset-auth.errors.js';

describe('An error about the options', () => {
  const problems = [
    { option: 'clientId', variable: 'ASSET_CLIENT_ID', problem: 'is missing' },
    { option: 'http', problem: 'must be an object' },
    { option: 'constructor', problem: 'is not an option' },
  ];

  it('lists every problem, beside the variable that the option can be read from', () => {
    expect(new AssetConfigError(problems).message).toBe(
      [
        'The options of AssetAuthModule cannot be used:',
        '  - clientId (ASSET_CLIENT_ID): is missing',
        '  - http: must be an object',
        '  - constructor: is not an option',
      ].join('\n'),
    );
  });

  it('offers the problems to programs too, and they cannot be changed', () => {
    const error = new AssetConfigError(problems);
    expect(error).toMatchObject({
      name: 'AssetConfigError',
      code: 'ASSET_CONFIG_INVALID',
      retryable: false,
      problems,
    });
    expect(Object.isFrozen(error.problems)).toBe(true);
    expect(error.problems).not.toBe(problems);
  });
});

describe('An error about a scope or a business', () => {
  it('has the code of its reason and is not cured by trying again', () => {
    expect(new AssetScopeError('No scope.', 'ASSET_SCOPE_UNDECLARED')).toMatchObject({
      name: 'AssetScopeError',
      code: 'ASSET_SCOPE_UNDECLARED',
      retryable: false,
    });
    expect(new AssetBusinessError('Another business.', 'ASSET_BUSINESS_MISMATCH')).toMatchObject({
      name: 'AssetBusinessError',
      code: 'ASSET_BUSINESS_MISMATCH',
      retryable: false,
    });
  });
});
