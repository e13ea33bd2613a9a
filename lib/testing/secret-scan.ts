import { dump, hiddenText, innerViews, printedViews } from './object-views.js';
import type { SecretForms } from './secret-forms.js';
import type { SecretFinding } from './secret-found.error.js';

const MOST_VALUES = 1_000_000;
const MOST_OBJECTS_TO_DUMP = 2_000;
const MOST_VALUES_AS_JSON = 100_000;
const DUMP_DEPTH = 4;
const MOST_FINDINGS = 10;
const LONGEST_STEP = 80;

/** One walk through a value, breadth first, so that the shortest way to a secret is the one reported. */
export class SecretScan {
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

  // As a whole, besides what the walk has seen of it.
  #searchPrinted(value: unknown): void {
    if (this.#findings.length > 0) {
      return;
    }
    if (this.#objects.size <= MOST_OBJECTS_TO_DUMP) {
      // Printing repeats what several ways lead to, so that its cost can grow exponentially with the depth.
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
