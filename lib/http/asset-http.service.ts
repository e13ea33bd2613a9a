import { HttpService } from '@nestjs/axios';
import { Observable } from 'rxjs';
import { checkedBusinessId, scopeSet, type AssetScopeName } from '../config/scope-set.js';
import { AssetCall, type Narrowing, NOT_NARROWED, ownValue } from './asset-request.js';
import { Departure } from './departure.js';
import { type AxiosVerb, DirectVerbs } from './direct-verbs.js';
import { giveUp } from './retry.policy.js';

/**
 * Calls Asset's API. Everything that `HttpService` of `@nestjs/axios` offers, with a valid access token on each request,
 * narrowed to the scopes and business in force when the verb is called.
 *
 * Redirects are followed within Asset's origin and the token's business, up to `maxRedirects` of axios. What follows them
 * takes a quarter of a request's time, so it is left out until the API redirects: each GET, HEAD and OPTIONS without a
 * body that is under way when the first redirect comes, and redirected, is sent once more (RFC 9110 §9.2.1: these do no
 * more when sent twice). No other request is.
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
  readonly #verbs: DirectVerbs;

  /**
   * Built by {@link AssetAuthModule}; a hand-made one would have no tokens.
   *
   * @internal
   */
  constructor(
    instance: HttpService['axiosRef'],
    client?: string,
    narrowing: Narrowing = NOT_NARROWED,
    verbs: DirectVerbs = new DirectVerbs(instance),
  ) {
    super(instance);
    this.#client = client;
    this.#narrowing = narrowing;
    this.#verbs = verbs;
  }

  /**
   * A view of the same client whose calls ask for these scopes, whatever decorators say; `null`: explicitly none, so the
   * client's full grant. A request's own `asset` option still goes first.
   *
   * @throws AssetScopeError `ASSET_SCOPE_INVALID`
   *
   * @example
   * ```ts
   * this.asset.withScope('report:read').get(url);
   * ```
   */
  withScope(...scopes: readonly [AssetScopeName, ...AssetScopeName[]] | readonly [null]): AssetHttpService {
    const [only] = scopes;
    const narrowed = only === null ? null : scopeSet(scopes);
    return this.#narrowedBy({ scopes: narrowed });
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
    const narrowed = businessId === null ? null : checkedBusinessId(businessId);
    return this.#narrowedBy({ businessId: narrowed });
  }

  #narrowedBy(more: Partial<Narrowing>): AssetHttpService {
    const narrowing = { ...this.#narrowing, ...more };
    return new AssetHttpService(this.instance, this.#client, narrowing, this.#verbs);
  }

  /**
   * Every verb ends here, with its config last. The scope is taken now and not on subscription, which may happen
   * anywhere: Observables are cold. (Typed without axios' types, which differ between the Nest majors and between
   * `import` and `require`; `never` fits the response of every one of them.)
   */
  protected override makeObservable(axiosVerb: AxiosVerb, ...args: unknown[]): Observable<never> {
    const given = (args.at(-1) ?? {}) as GivenConfig;
    const said = ownValue(given, 'asset');
    const asset = said === undefined ? ownValue<GivenConfig, 'asset'>(this.instance.defaults, 'asset') : said;
    const call = AssetCall.of(asset, this.#narrowing, this.#client);
    const ownToken = ownValue(given, 'cancelToken');
    // That of an earlier call comes with its config.
    const isTheirs = Boolean(ownToken) && !(ownToken instanceof Departure);
    return new Observable((subscriber) => {
      const ownCall = call.again();
      // As in HttpService: leaving ends the request, unless the caller has a way of its own to end it.
      const config = { ...given, asset: ownCall, cancelToken: isTheirs ? ownToken : ownCall.departure };
      let isOver = false;
      this.#verbs.call(axiosVerb, args.slice(0, -1), config).then(
        (response) => {
          isOver = true;
          // Its subscriber left while interceptors of the application had it.
          if (subscriber.closed) giveUp(response, undefined);
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
        if (isOver) return;
        ownCall.departure.leave();
      };
    });
  }
}

/** What matters here of an axios config. */
interface GivenConfig {
  readonly asset?: unknown;
  readonly cancelToken?: unknown;
}
