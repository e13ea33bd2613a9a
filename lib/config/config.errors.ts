import { AssetAuthError } from './asset-auth.error.js';
import { environmentVariable } from './environment-variables.js';

/** One thing that is wrong with the options: which option, and what is wrong with its value and how to cure it. */
export interface AssetConfigProblem {
  readonly option: string;
  readonly problem: string;
}

/**
 * The options cannot be used. Thrown while the application boots (code `ASSET_CONFIG_INVALID`), listing every problem
 * at once, each with the variable that `assetAuthOptionsFromEnv()` reads it from. Text that was given is not repeated,
 * since it may be a secret in the wrong place; at most the names of options and of well-formed scopes are.
 *
 * @example
 * ```ts
 * const app = await NestFactory.create(AppModule, { abortOnError: false }).catch((error: unknown) => {
 *   if (isAssetAuthError(error, 'ASSET_CONFIG_INVALID')) console.error(error.message);
 *   throw error;
 * });
 * ```
 */
export class AssetConfigError extends AssetAuthError {
  override readonly name: string = 'AssetConfigError';
  readonly problems: readonly AssetConfigProblem[];

  constructor(
    problems: readonly AssetConfigProblem[],
    what = 'The options of AssetAuthModule cannot be used',
  ) {
    const lines = problems.map(({ option, problem }) => `  - ${withVariable(option)}: ${problem}`);
    super(`${what}:\n${lines.join('\n')}`, {
      code: 'ASSET_CONFIG_INVALID',
    });
    this.problems = Object.freeze([...problems]);
  }
}

function withVariable(option: string): string {
  const variable = environmentVariable(option);
  return variable === undefined ? option : `${option} (${variable})`;
}

/**
 * A scope is malformed (`ASSET_SCOPE_INVALID`), none was declared where one is required (`ASSET_SCOPE_UNDECLARED`), or
 * it is beyond the option `allowedScopes` (`ASSET_SCOPE_NOT_ALLOWED`). Nothing was sent.
 */
export class AssetScopeError extends AssetAuthError {
  override readonly name: string = 'AssetScopeError';

  constructor(
    message: string,
    code: 'ASSET_SCOPE_INVALID' | 'ASSET_SCOPE_UNDECLARED' | 'ASSET_SCOPE_NOT_ALLOWED',
  ) {
    super(message, { code });
  }
}

/**
 * A business id is malformed or missing (`ASSET_BUSINESS_INVALID`), or the business in the URL is not the business of
 * the token (`ASSET_BUSINESS_MISMATCH`). Nothing was sent.
 */
export class AssetBusinessError extends AssetAuthError {
  override readonly name: string = 'AssetBusinessError';

  constructor(message: string, code: 'ASSET_BUSINESS_INVALID' | 'ASSET_BUSINESS_MISMATCH') {
    super(message, { code });
  }
}
