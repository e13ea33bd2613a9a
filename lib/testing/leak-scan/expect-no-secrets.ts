import { dump, hiddenText, innerViews, printedViews } from './object-views.js';
import { SecretForms } from './secret-forms.js';

const SHORTEST_SECRET = 4;
const MOST_VALUES = 1_000_000;
const MOST_OBJECTS_TO_DUMP = 2_000;
const MOST_VALUES_AS_JSON = 100_000;
const DUMP_DEPTH = 4;
const MOST_FINDINGS = 10;
const LONGEST_STEP = 80;

/** Options of {@link expectNoSecrets}. */
export interface ExpectNoSecretsOptions {
  /** The client id that goes with the secrets, so that `clientId:secret` in HTTP Basic is reported by that name. */
  readonly clientId?: string;
}

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

/** One walk through a value, breadth first, so that the shortest way to a secret is the one reported. */
class SecretScan {
  readonly #secrets: readonly SecretForms[];
  readonly #findings: SecretFinding[] = [];
  readonly #objects = new Set<object>();
  readonly #prototypes = new Set<object>();
  readonly #texts = new Set<string>();
  readonly #queue: { readonly path: string; readonly object: object }[] = [];
  #values = 0;
  #isTree = true;

  constructor(secrets: readonly SecretForms[]) {
    this.#secrets = secrets;
  }

  run(value: unknown): readonly SecretFinding[] {
    this.#visit('value', value);
    // An array grows under its own iterator, which makes it a queue.
    for (const { path, object } of this.#queue) {
      if (this.#findings.length >= MOST_FINDINGS) {
        break;
      }
      for (const view of [...innerViews(object, this.#prototypes), ...printedViews(object)]) {
        this.#visit(path + this.#safeStep(view.step), view.value);
      }
      this.#searchDump(`${path} (inspected)`, hiddenText(object));
    }
    this.#searchPrinted(value);
    return this.#findings.slice(0, MOST_FINDINGS);
  }

  #visit(path: string, value: unknown): void {
    if (++this.#values > MOST_VALUES) {
      throw new RangeError(
        `expectNoSecrets: more than ${MOST_VALUES} values to look at; pass a smaller part.`,
      );
    }
    if ((typeof value === 'object' && value !== null) || typeof value === 'function') {
      if (this.#objects.has(value)) {
        this.#isTree = false;
        return;
      }
      this.#objects.add(value);
      this.#queue.push({ path, object: value });
    } else {
      this.#search(path, String(value));
    }
  }

  #search(path: string, text: string): void {
    if (!this.#texts.has(text)) {
      this.#texts.add(text);
      this.#secrets.forEach((secret, secretIndex) => {
        this.#note(path, secret.find(text), secretIndex);
      });
    }
  }

  #searchDump(path: string, text: string): void {
    if (text !== '') {
      this.#secrets.forEach((secret, secretIndex) => {
        this.#note(path, secret.findInDump(text), secretIndex);
      });
    }
  }

  // Printing the whole value shows what no single part does.
  #searchPrinted(value: unknown): void {
    if (this.#findings.length > 0) {
      return;
    }
    if (this.#objects.size <= MOST_OBJECTS_TO_DUMP) {
      // Printing repeats a shared object under each of its owners, so its cost can grow exponentially with the depth.
      const depth = this.#isTree ? Infinity : DUMP_DEPTH;
      this.#searchDump('value (inspected)', dump(value, { customInspect: true, depth }));
      this.#searchDump(
        'value (inspected without custom methods)',
        dump(value, { customInspect: false, depth }),
      );
    }
    this.#searchDump('value (as JSON)', stringify(value));
  }

  #note(path: string, form: string | undefined, secretIndex: number): void {
    if (form !== undefined) {
      this.#findings.push({ path, form, secretIndex });
    }
  }

  /** A step of a path as it may be shown: a key can be a secret too. */
  #safeStep(step: string): string {
    const isSecret = this.#secrets.some((secret) => secret.find(step) !== undefined);
    return isSecret ? '[redacted]' : step.length > LONGEST_STEP ? `${step.slice(0, LONGEST_STEP)}…` : step;
  }
}

/** The value as JSON, or '' if it cannot be had, or not within bounds. */
function stringify(value: unknown): string {
  let values = 0;
  try {
    const text: unknown = JSON.stringify(value, (_key, member: unknown) => {
      if (++values > MOST_VALUES_AS_JSON) {
        throw new RangeError('Too large.');
      }
      return member;
    });
    return typeof text === 'string' ? text : '';
  } catch {
    return '';
  }
}
