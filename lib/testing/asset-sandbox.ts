import { jsonAnswer } from './answer.js';
import { exchange } from './exchange.js';
import {
  assertKind,
  type SandboxFault,
  type SandboxFaultHandle,
  type SandboxFaultOptions,
} from './faults.js';
import type { SandboxHold } from './holds.js';
import { type AssetSandboxOptions, type AssetSandboxSettings, changedSettings } from './options.js';
import type {
  SandboxApiRequest,
  SandboxRequest,
  SandboxRequestFilter,
  SandboxRequestKind,
  SandboxTokenRequest,
  WaitForRequestOptions,
} from './recorder.js';
import { deliver, LoopbackServer } from './server.js';
import { createState, newSecret, type SandboxBusiness, type SandboxState } from './state.js';

/**
 * A stand-in for Asset's sandbox environment: a real HTTP server on 127.0.0.1 that behaves as the Asset API reference
 * says, records what it received and fails on request. Where the reference leaves something open, a switch of
 * {@link AssetSandboxSettings} decides.
 *
 * It serves the token endpoint; businesses, ledgers, journal entries and the two reports; invoices, tasks and tag fields
 * as plain JSON objects; an empty list for any other GET below `/v0`; and, not part of Asset, `/v0/echo` and
 * `/v0/business/:businessId/echo`, which answer any method with the body that came. The documented scopes are enforced;
 * where none is documented, any valid token will do. It starts with three businesses of three ledgers each.
 *
 * Nothing that it prints (`inspect`, `JSON.stringify`) shows a secret.
 *
 * @example
 * ```ts
 * const sandbox = await AssetSandbox.start({ expiresIn: 'seconds' });
 * const module = await Test.createTestingModule({
 *   imports: [AssetAuthModule.forRoot(sandbox.moduleOptions())],
 * }).compile();
 * const asset = module.get(AssetHttpService);
 *
 * sandbox.rejectTokens(); // the next call finds its token revoked
 * await firstValueFrom(asset.withScope('ledger:read').get(`/v0/business/${sandbox.businesses[0].id}/ledger`));
 *
 * expect(sandbox.apiRequests.at(-1)?.claims?.scopes).toEqual(['ledger:read']);
 * await sandbox.close();
 * ```
 */
export class AssetSandbox {
  readonly #state: SandboxState;
  readonly #server: LoopbackServer;

  private constructor(state: SandboxState, server: LoopbackServer) {
    this.#state = state;
    this.#server = server;
  }

  /**
   * Starts a sandbox and resolves when it can be called.
   *
   * @throws TypeError (as a rejection) that names every option which is unknown or unusable; Error with Node's `code`,
   * such as `EADDRINUSE`, if the port cannot be had.
   */
  static async start(options: AssetSandboxOptions = {}): Promise<AssetSandbox> {
    const state = createState(options);
    const server = await LoopbackServer.listen(options.port ?? 0, (message, response) => {
      exchange(message, response, state).catch((error: unknown) => {
        // Only the test's own input throws here: a filter, a listener, or a header that HTTP does not allow.
        if (response.headersSent) throw error;
        deliver(response, jsonAnswer(500, { error: 'sandbox_misused', message: String(error) }), undefined);
      });
    });
    state.origin = `http://127.0.0.1:${server.port}`;
    return new AssetSandbox(state, server);
  }

  /** Where it can be reached, without trailing slash: `http://127.0.0.1:<port>`. */
  get url(): string {
    return this.#state.origin;
  }

  /** The client id that the token endpoint accepts. */
  get clientId(): string {
    return this.#state.clientId;
  }

  /** The client secret in force; see {@link rotateSecret}. */
  get clientSecret(): string {
    return this.#state.clientSecret;
  }

  /** The key that its JWTs are signed with (HS256), to verify them with a library of your choice. */
  get signingKey(): string {
    return this.#state.tokens.signingKey;
  }

  /** The settings in force, defaults filled in. Frozen. */
  get settings(): AssetSandboxSettings {
    return this.#state.settings;
  }

  /** The businesses there are now, in the order in which they were added. A copy. */
  get businesses(): readonly SandboxBusiness[] {
    return this.#state.businesses.list;
  }

  /** How many connections are open at this moment. */
  get connections(): number {
    return this.#server.connections;
  }

  /** Every access token issued so far, oldest first: what a scan for leaks looks for. */
  get issuedTokens(): readonly string[] {
    return this.#state.tokens.values;
  }

  /** Every request received, oldest first, those to the token endpoint included. A copy, whose `status` fields go on filling in. */
  get requests(): readonly SandboxRequest[] {
    return this.#state.recorder.requests;
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
    this.#state.recorder.clear();
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
    return this.#state.recorder.wait(matches, options);
  }

  /** The options that point `AssetAuthModule` at this sandbox. */
  moduleOptions(): { readonly baseUrl: string; readonly clientId: string; readonly clientSecret: string } {
    return { baseUrl: this.url, clientId: this.clientId, clientSecret: this.clientSecret };
  }

  /**
   * Changes settings from the next request on; what is left out stays as it is.
   *
   * @throws TypeError that names every setting which is unknown or unusable; nothing is changed then.
   */
  configure(settings: Partial<AssetSandboxSettings>): void {
    this.#state.settings = changedSettings(this.#state.settings, settings);
  }

  /**
   * Adds a business with three ledgers.
   *
   * @param business - `id` (default: a random one) and `name`.
   * @throws TypeError for an id that Asset could not have given or an empty name, Error for an id that is taken.
   */
  addBusiness(business: Partial<SandboxBusiness> = {}): SandboxBusiness {
    return this.#state.businesses.add(business);
  }

  /** Makes every token issued so far invalid: calls with one are answered 401. */
  revokeTokens(): void {
    this.#state.tokens.revokeAll();
  }

  /**
   * Replaces the client secret. The old one is refused from now on; tokens issued before stay valid.
   *
   * @param secret - Default: a random one.
   * @returns The secret now in force.
   * @throws TypeError for an empty secret.
   */
  rotateSecret(secret: string = newSecret()): string {
    if (typeof secret !== 'string' || secret === '') {
      throw new TypeError('AssetSandbox.rotateSecret: the secret must be a non-empty string.');
    }
    this.#state.clientSecret = secret;
    return secret;
  }

  /**
   * Answers 401 to API calls whose token is good, as after a revocation that the token endpoint knows nothing of.
   *
   * @param which - How many of the next such calls (`Infinity` for all), or which ones. Default 1. Ends with
   * {@link clearFaults}.
   * @throws RangeError for a number that is not positive and whole, or `Infinity`.
   */
  rejectTokens(which: number | ((request: SandboxApiRequest) => boolean) = 1): void {
    this.#state.tokens.reject(which);
  }

  /**
   * Scripts a fault. Faults of one kind are played in the order in which they were scripted, one for each request.
   *
   * @param kind - `'token'` for requests to the token endpoint, `'api'` for all others.
   * @param fault - What goes wrong.
   * @param options - How many times (default 1), and optionally on which requests.
   * @returns A handle to see how often it is still to come, and to cancel it.
   * @throws TypeError for an unknown kind or a fault that cannot be played, RangeError for an unusable `times`.
   *
   * @example
   * ```ts
   * sandbox.fail('token', { status: 429, retryAfter: 30 }, 3);
   * sandbox.fail('api', { reset: true }, { when: (request) => request.method === 'POST' });
   * sandbox.fail('token', { fields: { expires_in: '0' } }); // a real token, an odd lifetime
   * ```
   */
  fail(
    kind: SandboxRequestKind,
    fault: SandboxFault,
    options: number | SandboxFaultOptions = 1,
  ): SandboxFaultHandle {
    return this.#state.faults.add(kind, fault, options);
  }

  /** Forgets every scripted fault and every {@link rejectTokens}. Requests that already hang go on hanging. */
  clearFaults(): void {
    this.#state.faults.clear();
    this.#state.tokens.clearRejections();
  }

  /**
   * Holds answers back: requests that arrive from now on are recorded and decided on, but not answered until released.
   *
   * @param kind - `'token'` or `'api'`.
   * @param when - Only requests for which this returns true. Default: every one of that kind.
   * @throws TypeError for an unknown kind.
   *
   * @example
   * ```ts
   * const hold = sandbox.hold('token');
   * const calls = Promise.all([call(), call(), call()]);
   * await sandbox.waitForRequest('token');
   * hold.release();
   * await calls;
   * ```
   */
  hold(kind: SandboxRequestKind, when: SandboxRequestFilter = () => true): SandboxHold {
    assertKind('hold', kind);
    return this.#state.holds.add(kind, when);
  }

  /** Destroys every connection, also those that hang or wait, and stops listening. Closing twice is harmless. */
  async close(): Promise<void> {
    this.#state.recorder.close();
    await this.#server.close();
  }

  /** {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
