/** Where a secret was found. */
export interface SecretFinding {
  /** The way from the value to the place, such as `value.cause.config.headers.Authorization`. */
  readonly path: string;
  /** How it was written there, such as `raw`, `URL-encoded`, `base64` or `HTTP Basic`. */
  readonly form: string;
  /** Which of the secrets it was, counted from 0. */
  readonly secretIndex: number;
}

/** Thrown by {@link expectNoSecrets}. Says where a secret was found, never what it is. */
export class SecretFoundError extends Error {
  override readonly name = 'SecretFoundError';

  constructor(
    /** The first ten places, those closest to the value first. */
    readonly findings: readonly SecretFinding[],
  ) {
    const places = findings.map(
      ({ path, form, secretIndex }) => `  ${path}: secret ${secretIndex + 1}, ${form}`,
    );
    super(`expectNoSecrets: the value holds what it must not hold.\n${places.join('\n')}`);
  }
}
