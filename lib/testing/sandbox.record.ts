import type { SandboxRecorder, WaitForRequestOptions } from './sandbox.recorder.js';
import type {
  SandboxApiRequest,
  SandboxRequest,
  SandboxRequestFilter,
  SandboxRequestKind,
  SandboxTokenRequest,
} from './sandbox.request.js';

/** The part of an {@link AssetSandbox} that tells what it received. */
export abstract class SandboxRecord {
  readonly #recorder: SandboxRecorder;

  protected constructor(recorder: SandboxRecorder) {
    this.#recorder = recorder;
  }

  /** Every request received, oldest first, those to the token endpoint included. A copy, whose `status` fields go on filling in. */
  get requests(): readonly SandboxRequest[] {
    return this.#recorder.requests;
  }

  /** The requests to `/v0/auth/token`, oldest first. */
  get tokenRequests(): readonly SandboxTokenRequest[] {
    return this.requests.filter((request) => request.kind === 'token');
  }

  /** The requests to anything else, oldest first. */
  get apiRequests(): readonly SandboxApiRequest[] {
    return this.requests.filter((request) => request.kind === 'api');
  }

  /** Forgets the requests on record; issued tokens, businesses and settings stay. */
  clearRequests(): void {
    this.#recorder.clear();
  }

  /**
   * Resolves with the first matching request, or the one that `count` says, as soon as it has arrived; at once if it is on
   * record already.
   *
   * @throws Error (as a rejection) that says what did arrive, if it takes longer than `timeoutMs` of real time (default
   * 5 000) or the sandbox is closed; RangeError if `count` is not a positive whole number or `timeoutMs` not 0 to
   * 2147483647.
   *
   * @example
   * ```ts
   * await sandbox.waitForRequest('token', { count: 2, until: 'answered' });
   * await sandbox.waitForRequest((request) => request.path.endsWith('/ledger'));
   * ```
   */
  waitForRequest(which: 'token', options?: WaitForRequestOptions): Promise<SandboxTokenRequest>;
  waitForRequest(which: 'api', options?: WaitForRequestOptions): Promise<SandboxApiRequest>;
  waitForRequest(
    which: SandboxRequestKind | SandboxRequestFilter,
    options?: WaitForRequestOptions,
  ): Promise<SandboxRequest>;
  waitForRequest(
    which: SandboxRequestKind | SandboxRequestFilter,
    options: WaitForRequestOptions = {},
  ): Promise<SandboxRequest> {
    const matches = typeof which === 'function' ? which : (request: SandboxRequest) => request.kind === which;
    return this.#recorder.wait(matches, options);
  }
}
