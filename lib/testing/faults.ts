import { type Answer, type AnswerHeaders, jsonAnswer } from './answer.js';
import type { SandboxRequest, SandboxRequestFilter, SandboxRequestKind } from './recorder.js';

const FLAGS = ['hang', 'reset', 'truncated', 'endless'] as const;
const SHAPES: readonly (readonly string[])[] = [
  ['status', 'headers', 'body', 'fields', 'retryAfter', 'delayMs'],
  ...FLAGS.map((flag) => [flag]),
  ['redirect', 'status'],
];

/**
 * An answer that is scripted in part or in whole. With `status` or `body` it takes the place of the usual answer, and
 * nothing is done: no token is issued, no ledger created. With neither, the request is served as usual, and the rest is
 * laid over its answer.
 */
export interface SandboxAnswerFault {
  /** 200 to 599. Default: 200 with `body`, else what the usual answer has. */
  readonly status?: number;
  /** Added to the answer, or put in place of its own; `date` and `content-type` included. */
  readonly headers?: AnswerHeaders;
  /** Sent as it is, with content-type `application/json`; an object is sent as JSON. */
  readonly body?: string | Buffer | Readonly<Record<string, unknown>> | readonly unknown[];
  /** Laid over the fields of the usual JSON answer; one that is `undefined` is removed. Not together with `status` or `body`. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** The `Retry-After` header: a number of seconds, or any text. */
  readonly retryAfter?: number | string;
  /** Milliseconds of the sandbox's clock to wait before the answer leaves. */
  readonly delayMs?: number;
}

/** Accepts the request and never answers, until the client gives up or the sandbox is closed. */
export interface SandboxHangFault {
  readonly hang: true;
}

/** Resets the connection (TCP RST) instead of answering. */
export interface SandboxResetFault {
  readonly reset: true;
}

/** Serves the request as usual, but breaks the connection off half-way through the body. */
export interface SandboxTruncatedFault {
  readonly truncated: true;
}

/** Answers 200 with a JSON body that never ends, until the client leaves. */
export interface SandboxEndlessFault {
  readonly endless: true;
}

/** Redirects to `redirect`, which `AssetHttpService` refuses unless `maxRedirects` says otherwise. */
export interface SandboxRedirectFault {
  /** The `Location` header, as it is. */
  readonly redirect: string;
  /** Default 307, which asks the client to send the same method and body again. */
  readonly status?: 301 | 302 | 303 | 307 | 308;
}

/** Something that goes wrong on purpose; see {@link AssetSandbox.fail}. */
export type SandboxFault =
  | SandboxAnswerFault
  | SandboxHangFault
  | SandboxResetFault
  | SandboxTruncatedFault
  | SandboxEndlessFault
  | SandboxRedirectFault;

/** How often and on which requests a fault is played. */
export interface SandboxFaultOptions {
  /** How many times; `Infinity` for until it is cleared. Default 1. */
  readonly times?: number;
  /** Only on requests for which this returns true. Default: on every one. */
  readonly when?: SandboxRequestFilter;
}

/** A scripted fault in force. */
export interface SandboxFaultHandle {
  /** How many times it has yet to be played. */
  readonly remaining: number;
  /** Takes it off the script. Harmless if it has been played out. */
  cancel(): void;
}

interface ScriptedFault {
  readonly kind: SandboxRequestKind;
  readonly fault: SandboxFault;
  readonly when: SandboxRequestFilter;
  remaining: number;
}

/**
 * The faults that an {@link AssetSandbox} has yet to play, in the order in which they were scripted. A fault that was
 * taken is applied in three places: {@link replacementFor} and {@link overlay} change the answer, `deliver` in the server
 * breaks it off on the wire.
 */
export class SandboxFaults {
  readonly #script = new Set<ScriptedFault>();

  add(
    kind: SandboxRequestKind,
    fault: SandboxFault,
    options: number | SandboxFaultOptions,
  ): SandboxFaultHandle {
    const { times = 1, when = () => true } = typeof options === 'number' ? { times: options } : options;
    if (!(times === Infinity || (Number.isSafeInteger(times) && times > 0))) {
      throw new RangeError(
        `AssetSandbox.fail: \`times\` must be a positive whole number or Infinity, not ${String(times)}.`,
      );
    }
    assertKind('fail', kind);
    assertFault(fault);
    const scripted: ScriptedFault = { kind, fault, when, remaining: times };
    this.#script.add(scripted);
    return {
      get remaining() {
        return scripted.remaining;
      },
      cancel: () => {
        this.#drop(scripted);
      },
    };
  }

  /** Takes the first fault that fits the request, and counts it as played. */
  take(request: SandboxRequest): SandboxFault | undefined {
    const found = [...this.#script].find(({ kind, when }) => kind === request.kind && when(request));
    if (found !== undefined && --found.remaining === 0) {
      this.#drop(found);
    }
    return found?.fault;
  }

  clear(): void {
    for (const scripted of this.#script) {
      this.#drop(scripted);
    }
  }

  #drop(scripted: ScriptedFault): void {
    scripted.remaining = 0;
    this.#script.delete(scripted);
  }
}

/** The answer that takes the place of the usual one, or `undefined` if the request is served as usual. */
export function replacementFor(fault: SandboxFault): Answer | undefined {
  if ('truncated' in fault) {
    return undefined;
  }
  if ('hang' in fault || 'reset' in fault || 'endless' in fault) {
    return { status: 200, headers: { 'content-type': 'application/json' }, body: '' };
  }
  if ('redirect' in fault) {
    return { status: fault.status ?? 307, headers: { location: fault.redirect }, body: '' };
  }
  const { status = 200, body } = fault;
  if (fault.status === undefined && body === undefined) {
    return undefined;
  }
  if (typeof body === 'string' || Buffer.isBuffer(body)) {
    return { status, headers: { 'content-type': 'application/json' }, body };
  }
  return jsonAnswer(
    status,
    body ?? (status < 400 ? {} : { error: 'scripted_fault', message: `Scripted ${status}.` }),
  );
}

/** Lays the fault's headers and fields over an answer. */
export function overlay(answer: Answer, fault: SandboxFault | undefined): Answer {
  if (fault === undefined || !isAnswerFault(fault)) {
    return answer;
  }
  const named = Object.entries(fault.headers ?? {}).map(
    ([name, value]) => [name.toLowerCase(), value] as const,
  );
  return {
    status: answer.status,
    headers: {
      ...answer.headers,
      ...(fault.retryAfter === undefined ? {} : { 'retry-after': String(fault.retryAfter) }),
      ...Object.fromEntries(named),
    },
    body: fault.fields === undefined ? answer.body : overlayFields(answer.body, fault.fields),
  };
}

function isAnswerFault(fault: SandboxFault): fault is SandboxAnswerFault {
  return ![...FLAGS, 'redirect'].some((name) => name in fault);
}

function overlayFields(body: string | Buffer, fields: Readonly<Record<string, unknown>>): string | Buffer {
  try {
    const usual: unknown = JSON.parse(body.toString());
    return JSON.stringify({ ...(usual as object), ...fields });
  } catch {
    // An answer that is not JSON has no fields.
    return body;
  }
}

/** @throws TypeError for a fault that the sandbox cannot play. */
function assertFault(fault: SandboxFault): void {
  const given = Object.entries(fault).filter(([, value]: [string, unknown]) => value !== undefined);
  const names = given.map(([name]) => name);
  if (names.length === 0 || !SHAPES.some((shape) => names.every((name) => shape.includes(name)))) {
    const shapes = SHAPES.map((shape) => `{ ${shape.join(', ')} }`).join(', ');
    throw new TypeError(
      `AssetSandbox.fail: a fault has one of the shapes ${shapes}, not { ${names.join(', ')} }.`,
    );
  }
  const values: Readonly<Record<string, unknown>> = Object.fromEntries(given);
  const { status, delayMs } = values;
  if (status !== undefined && !(Number.isInteger(status) && Number(status) >= 200 && Number(status) <= 599)) {
    throw new TypeError('AssetSandbox.fail: `status` must be a whole number from 200 to 599.');
  }
  if (delayMs !== undefined && !(Number(delayMs) >= 0 && Number(delayMs) <= 2 ** 31 - 1)) {
    throw new TypeError('AssetSandbox.fail: `delayMs` must be 0 to 2147483647.');
  }
  if (values.fields !== undefined && (status !== undefined || values.body !== undefined)) {
    throw new TypeError(
      'AssetSandbox.fail: `fields` is laid over the usual answer, so it excludes `status` and `body`.',
    );
  }
  const wrongFlag = FLAGS.find((name) => name in values && values[name] !== true);
  if (wrongFlag !== undefined) {
    throw new TypeError(`AssetSandbox.fail: \`${wrongFlag}\` can only be true; leave it out instead.`);
  }
}

/** @throws TypeError unless `kind` is one of the sandbox's two sides. */
export function assertKind(method: string, kind: unknown): asserts kind is SandboxRequestKind {
  if (kind !== 'token' && kind !== 'api') {
    throw new TypeError(
      `AssetSandbox.${method}: the kind of request is 'token' or 'api', not ${String(kind)}.`,
    );
  }
}
