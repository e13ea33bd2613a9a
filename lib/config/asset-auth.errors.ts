// The errors of the library: the base class with its stable codes, and those about options, scopes and businesses. The
// rooms derive theirs from it.

/**
 * The stable codes of everything that this library can throw. They never change within a major version, so alerts and
 * `switch` statements may be built on them; messages are for people and may be reworded at any time.
 */
export type AssetAuthErrorCode =
  | 'ASSET_CONFIG_INVALID'
  | 'ASSET_SCOPE_INVALID'
  | 'ASSET_SCOPE_UNDECLARED'
  | 'ASSET_SCOPE_NOT_ALLOWED'
  | 'ASSET_BUSINESS_INVALID'
  | 'ASSET_BUSINESS_MISMATCH'
  | 'ASSET_REQUEST_NOT_ALLOWED'
  | 'ASSET_CREDENTIALS_REJECTED'
  | 'ASSET_SCOPE_REJECTED'
  | 'ASSET_BUSINESS_UNKNOWN'
  | 'ASSET_TOKEN_REQUEST_REJECTED'
  | 'ASSET_TOKEN_THROTTLED'
  | 'ASSET_TOKEN_UNAVAILABLE'
  | 'ASSET_TOKEN_MALFORMED'
  | 'ASSET_GRANT_MISMATCH'
  | 'ASSET_UNAUTHORIZED'
  | 'ASSET_INSUFFICIENT_SCOPE'
  | 'ASSET_RATE_LIMITED'
  | 'ASSET_CLOSED';

/** Marks our errors. `Symbol.for`, so that the ESM and the CJS copy of this package recognise each other's. */
export const ASSET_AUTH_ERROR: unique symbol = Symbol.for('nestjs-asset-auth:error') as never;

/** What every error of this library offers, whichever class it is an instance of. */
export interface AssetAuthErrorLike extends Error {
  /** Stable, machine-readable reason. */
  readonly code: AssetAuthErrorCode;
  /** Whether the same call may succeed later without anybody changing anything. */
  readonly retryable: boolean;
  /** Milliseconds to wait before trying again, where that is known: an hour at most. */
  readonly retryAfterMs?: number;
  /** The id of Asset's refusal (`x-request-id` and the like), if it has one: what Asset's support asks for. */
  readonly requestId?: string;
}

/** What an {@link AssetAuthError} is made of besides its message. */
export interface AssetAuthErrorDetails {
  readonly code: AssetAuthErrorCode;
  readonly retryable?: boolean;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/**
 * Base class of the errors of this library. Recognise them with {@link isAssetAuthError}. Errors about an answer of the
 * API (401, 403, 429) stay `AxiosError`s and share only the marker and the fields; `instanceof AssetAuthError` knows them
 * all the same.
 *
 * @example
 * ```ts
 * catch (error) {
 *   if (isAssetAuthError(error, 'ASSET_TOKEN_UNAVAILABLE')) return this.later(error.retryAfterMs ?? 1000);
 *   throw error;
 * }
 * ```
 */
export class AssetAuthError extends Error implements AssetAuthErrorLike {
  override readonly name: string = 'AssetAuthError';
  readonly code: AssetAuthErrorCode;
  readonly retryable: boolean;
  declare readonly retryAfterMs?: number;

  static {
    Object.defineProperty(this.prototype, ASSET_AUTH_ERROR, { value: true });
  }

  /** Knows every error of this library, also of another copy of the package; what `@Catch(AssetAuthError)` goes by. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return this === AssetAuthError
      ? isAssetAuthError(value)
      : Function.prototype[Symbol.hasInstance].call(this, value);
  }

  constructor(message: string, { code, retryable = false, retryAfterMs, cause }: AssetAuthErrorDetails) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.retryable = retryable;
    if (retryAfterMs !== undefined) this.retryAfterMs = retryAfterMs;
  }
}

/**
 * Whether a caught value is an error of this library, and, when a code is given, that very error. Works across two
 * copies of the package.
 *
 * @example
 * ```ts
 * if (isAssetAuthError(error, 'ASSET_INSUFFICIENT_SCOPE')) this.logger.warn(error.message);
 * ```
 */
export function isAssetAuthError(error: unknown, code?: AssetAuthErrorCode): error is AssetAuthErrorLike {
  if (typeof error !== 'object' || error === null || !(ASSET_AUTH_ERROR in error)) return false;
  return code === undefined || ('code' in error && error.code === code);
}

/** One thing that is wrong with the options. */
export interface AssetConfigProblem {
  readonly option: string;
  /** The variable that `assetAuthOptionsFromEnv()` reads the option from, if it has one. */
  readonly variable?: string | undefined;
  /** What is wrong with the value, and the cure. */
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
  declare readonly problems: readonly AssetConfigProblem[];

  constructor(
    problems: readonly AssetConfigProblem[],
    what = 'The options of AssetAuthModule cannot be used',
  ) {
    const lines = problems.map(({ option, variable, problem }) => {
      return `  - ${option}${variable === undefined ? '' : ` (${variable})`}: ${problem}`;
    });
    super(`${what}:\n${lines.join('\n')}`, { code: 'ASSET_CONFIG_INVALID' });
    // Not enumerable, or Nest would print each problem twice: in the message, and once more below it.
    Object.defineProperty(this, 'problems', { value: Object.freeze([...problems]) });
  }
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
