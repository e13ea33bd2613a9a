import { SecretForms } from './secret-forms.js';
import { SecretFoundError } from './secret-found.error.js';
import { SecretScan } from './secret-scan.js';

const SHORTEST_SECRET = 4;

/** Options of {@link expectNoSecrets}. */
export interface ExpectNoSecretsOptions {
  /** The client id that goes with the secrets, so that `clientId:secret` in HTTP Basic is reported by that name. */
  readonly clientId?: string;
}

/**
 * Fails if any of `secrets` can be found anywhere in `value`: an error, a log record, a response, a list of log lines.
 *
 * It looks at own properties of every kind (symbols and non-enumerable ones, and what own getters return), data on
 * prototypes, members of arrays, maps and sets, bytes of buffers, an error's message, stack, cause and errors, and at what
 * becomes of a value in `JSON.stringify`, in a template string and in `util.inspect`. A secret counts in raw, JSON-escaped,
 * URL-encoded, form-encoded, hex, base64 and base64url form, the latter two also in the middle of a longer text.
 *
 * Getters on a class's prototype are not invoked: a class that keeps a secret may hand it out by one. Private fields,
 * closures, and what is yet to be read from a stream or blob are out of sight.
 *
 * @param value - Anything. Cycles are fine.
 * @param secrets - One or several, of at least 4 characters each.
 * @throws SecretFoundError with the places, without the secret. TypeError if there is no secret to look for or one is
 * shorter than 4 characters, which would be found everywhere. RangeError if there are more than a million values to
 * look at, rather than pass what was not looked at.
 *
 * @example
 * ```ts
 * const error = await asset.get('/v0/business').catch((cause) => cause);
 * expectNoSecrets([error, logLines], [sandbox.clientSecret, ...sandbox.issuedTokens], { clientId: sandbox.clientId });
 * ```
 */
export function expectNoSecrets(
  value: unknown,
  secrets: string | readonly string[],
  { clientId }: ExpectNoSecretsOptions = {},
): void {
  const list = typeof secrets === 'string' ? [secrets] : secrets;
  if (list.length === 0) {
    throw new TypeError('expectNoSecrets: there is no secret to look for.');
  }
  if (!list.every((secret) => typeof secret === 'string' && secret.length >= SHORTEST_SECRET)) {
    throw new TypeError(
      `expectNoSecrets: a secret must be a string of at least ${SHORTEST_SECRET} characters.`,
    );
  }
  const findings = new SecretScan(list.map((secret) => new SecretForms(secret, clientId))).run(value);
  if (findings.length > 0) {
    throw new SecretFoundError(findings);
  }
}
