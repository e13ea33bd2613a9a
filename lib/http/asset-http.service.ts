import { HttpService } from '@nestjs/axios';
import axios from 'axios';
import { Observable } from 'rxjs';
import { type AssetScopeName, checkedBusinessId, scopeSet } from '../config/scope-set.js';
import { AssetRequest, type Narrowing, NOT_NARROWED, SubscriberToken, ownValue } from './asset-request.js';
import { discard } from './attempt.js';

/**
 * Calls Asset's API. Everything that `HttpService` of `@nestjs/axios` offers, with a valid access token on each request,
 * narrowed to the scopes and business in force when the verb is called.
 *
 * Redirects are refused, in words that name where the API redirected to; `maxRedirects`, on a request or in the option
 * `http`, lets them be followed within Asset's origin and the token's business.
 *
 * @example
 * ```ts
 * constructor(private readonly asset: AssetHttpService) {}
 *
 * list(businessId: string) {
 *   return this.asset.get(`/v0/business/${businessId}/ledger`).pipe(map((response) => response.data));
 * }
 * ```
 */
export class AssetHttpService extends HttpService {
  readonly #client: string | undefined;
  readonly #narrowing: Narrowing;
  #narrowedAxios: HttpService['axiosRef'] | undefined;

  /**
   * Built by {@link AssetAuthModule}; a hand-made one would have no tokens.
   *
   * @internal
   */
  constructor(instance: HttpService['axiosRef'], client?: string, narrowing: Narrowing = NOT_NARROWED) {
    super(instance);
    this.#client = client;
    this.#narrowing = narrowing;
  }

  /**
   * A view of the same client whose calls ask for these scopes, whatever decorators say; `null`: explicitly none,
   * an error, or with `undeclaredScopes: 'allow'` all that the client may. A request's own `asset` option still goes first.
   *
   * @throws AssetScopeError `ASSET_SCOPE_INVALID`
   *
   * @example
   * ```ts
   * this.asset.withScope('report:read').get(url);
   * ```
   */
  withScope(...scopes: [AssetScopeName, ...AssetScopeName[]] | [null]): AssetHttpService {
    return this.#narrowedBy({ scopes: scopes[0] === null ? null : scopeSet(scopes) });
  }

  /**
   * A view of the same client whose calls are narrowed to this business, whatever decorators say; `null`: explicitly none.
   *
   * @throws AssetBusinessError `ASSET_BUSINESS_INVALID`
   *
   * @example
   * ```ts
   * this.asset.forBusiness(businessId).withScope('ledger:read').get(`/v0/business/${businessId}/ledger`);
   * ```
   */
  forBusiness(businessId: string | null): AssetHttpService {
    return this.#narrowedBy({ businessId: businessId === null ? null : checkedBusinessId(businessId) });
  }

  /**
   * The client's axios instance, for interceptors, defaults, and code that takes one, such as a generated client. That of
   * a view has the same interceptors and defaults, and its calls are narrowed as the view's own. What its `create()` makes
   * refuses every call.
   *
   * @example
   * ```ts
   * const ledgers = new LedgerApi(undefined, '', this.asset.forBusiness(id).withScope('ledger:read').axiosRef);
   * ```
   */
  override get axiosRef(): HttpService['axiosRef'] {
    if (this.#narrowing === NOT_NARROWED) return this.instance;
    return (this.#narrowedAxios ??= narrowedAxios(this.instance, (config) => this.#asked(config)));
  }

  /** What a config asks for, or else the defaults of `axiosRef`, in the scope in force now. */
  #asked(config: GivenConfig): AssetRequest {
    const own = ownValue(config, 'asset');
    const asset = own === undefined ? ownValue(this.instance.defaults as GivenConfig, 'asset') : own;
    return AssetRequest.of(asset, this.#narrowing, this.#client);
  }

  #narrowedBy(more: Partial<Narrowing>): AssetHttpService {
    return new AssetHttpService(this.instance, this.#client, { ...this.#narrowing, ...more });
  }

  /**
   * Every verb ends here, with its config last. The scope is taken now and not on subscription, which may happen
   * anywhere: Observables are cold. (Typed without axios' types, which differ between the Nest majors and between
   * `import` and `require`; `never` fits the response of every one of them.)
   */
  protected override makeObservable(
    verb: (...args: unknown[]) => Promise<never>,
    ...args: unknown[]
  ): Observable<never> {
    const given = (args.at(-1) ?? {}) as GivenConfig;
    const asked = this.#asked(given);
    const ownCancelToken = ownValue(given, 'cancelToken');
    // A SubscriberToken came with the config of an earlier call.
    const isTheirs = Boolean(ownCancelToken) && !(ownCancelToken instanceof SubscriberToken);
    return new Observable((subscriber) => {
      const request = asked.again();
      // As in HttpService: leaving ends the request, unless the caller has a cancel token of its own.
      const cancelToken = isTheirs ? ownCancelToken : request.subscriber;
      let isOver = false;
      verb(...args.slice(0, -1), { ...given, asset: request, cancelToken }).then(
        (response) => {
          isOver = true;
          // Its subscriber left while interceptors of the application had it.
          if (subscriber.closed) discard(response, undefined);
          subscriber.next(response);
          subscriber.complete();
        },
        (error: unknown) => {
          isOver = true;
          subscriber.error(error);
        },
      );
      return () => {
        // Not after an answer: it may be a stream that is still read, and its config may make the call again.
        if (!isOver) request.subscriber.leave();
      };
    });
  }
}

/** What matters here of an axios config. */
interface GivenConfig {
  readonly asset?: unknown;
  readonly cancelToken?: unknown;
}

type Axios = HttpService['axiosRef'];
type Send = (...args: unknown[]) => unknown;

/** Verbs by where their config stands. `request`, like the instance itself, also takes the address before it. */
const CONFIG_AT: ReadonlyMap<string, number> = new Map([
  ...['get', 'delete', 'head', 'options'].map((verb) => [verb, 1] as const),
  ...['post', 'put', 'patch', 'query', 'postForm', 'putForm', 'patchForm'].map((verb) => [verb, 2] as const),
]);

/**
 * The client's own instance for a view: its interceptors and defaults, and verbs whose calls ask for what the view says.
 * Generated clients are handed this; with the client's own, their calls would ask for what is in force where they are made,
 * whatever the view says. Made as axios makes its instances, a function with the verbs on it, so that what a client hangs
 * on it stays on it.
 */
function narrowedAxios(instance: Axios, asked: (config: GivenConfig) => AssetRequest): Axios {
  const narrowed =
    (send: Send, configAt?: number): Send =>
    (...args) => {
      const at = configAt ?? (typeof args[0] === 'string' ? 1 : 0);
      const config = (args[at] ?? {}) as GivenConfig;
      const before = Array.from({ length: at }, (_, i) => args[i]);
      return send(...before, { ...config, asset: asked(config) }, ...args.slice(at + 1));
    };
  const view = narrowed(instance as Send);
  const verbs = instance as unknown as Readonly<Record<string, Send>>;
  for (const [name, own] of Object.entries(instance) as [string, unknown][]) {
    // Not what a client hung on the shared one (openapi-client-axios): it would call with another view's token.
    if (!(name in axios)) continue;
    const isVerb = name === 'request' || CONFIG_AT.has(name);
    // Looked up for each call: what mocks or traces the client replaces its verbs later.
    const send: Send = (...args) => verbs[name]?.(...args);
    const value = isVerb ? narrowed(send, CONFIG_AT.get(name)) : own;
    Object.defineProperty(view, name, { value, writable: true, enumerable: true, configurable: true });
  }
  return view as unknown as Axios;
}
