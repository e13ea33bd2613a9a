import { assertFault, type SandboxFault } from './sandbox.fault.js';
import type { SandboxRequest, SandboxRequestFilter, SandboxRequestKind } from './sandbox.request.js';

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

/** The faults that an {@link AssetSandbox} has yet to play, in the order in which they were scripted. */
export class SandboxFaults {
  readonly #script: ScriptedFault[] = [];

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
    this.#script.push(scripted);
    return {
      get remaining() {
        return scripted.remaining;
      },
      cancel: () => {
        scripted.remaining = 0;
        this.#dropPlayed();
      },
    };
  }

  /** Plays the first fault that fits the request. */
  take(request: SandboxRequest): SandboxFault | undefined {
    const found = this.#script.find(({ kind, when }) => kind === request.kind && when(request));
    if (found === undefined) {
      return undefined;
    }
    found.remaining -= 1;
    this.#dropPlayed();
    return found.fault;
  }

  clear(): void {
    this.#script.forEach((scripted) => {
      scripted.remaining = 0;
    });
    this.#dropPlayed();
  }

  #dropPlayed(): void {
    const left = this.#script.filter(({ remaining }) => remaining > 0);
    this.#script.splice(0, this.#script.length, ...left);
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
