import { AssetScopeError } from '../config/config.errors.js';
import { printable } from '../config/printable.js';
import { scopeInForce, type ScopeInForce } from '../scope/asset-scope.context.js';
import type { AssetTokenRequest } from '../token/request/token-request.resolver.js';
import type { AssetRequestOptions } from './asset-request.options.js';
import { Bearer } from './bearer.js';

/** What a narrowed view adds to every call made through it. */
export type Narrowing = Omit<AssetRequestOptions, 'resource'>;

const NOTHING: AssetRequestOptions = Object.freeze({});

/**
 * One call, as it was when its verb was called: what it asks for itself, through which view, and the scope in force
 * there. Travels as the config's `asset`; being no plain object, axios hands it on as it is. Holds no secret.
 */
export class AssetCall {
  readonly #own: unknown;
  readonly #narrowing: Narrowing;
  readonly #scope: ScopeInForce | undefined;
  #abandoned: AbortController | true | undefined;

  constructor(own: unknown, narrowing: Narrowing, scope: ScopeInForce | undefined) {
    this.#own = own;
    this.#narrowing = narrowing;
    this.#scope = scope;
  }

  /** The call that a config already carries, or a new one for what the config says, in the scope in force now. */
  static of(asset: unknown, narrowing: Narrowing = NOTHING): AssetCall {
    if (asset instanceof AssetCall) return asset;
    // A config that was cancelled between the two stages, and is sent again.
    if (asset instanceof Bearer) return Bearer.read(asset).call;
    return new AssetCall(asset, narrowing, scopeInForce());
  }

  /** The same call once more, for another subscriber to leave or not. */
  again(): AssetCall {
    return new AssetCall(this.#own, this.#narrowing, this.#scope);
  }

  /** Whether it is to carry no token. */
  get isAnonymous(): boolean {
    return this.#own === false;
  }

  /**
   * What its token is asked for: the request's own word, else the view's, else the scope context's.
   *
   * @throws AssetScopeError `ASSET_SCOPE_INVALID` if the request's own word is none
   */
  tokenRequest(client: string | undefined): AssetTokenRequest {
    const own = ownOptions(this.#own);
    const scope = this.#scope;
    const isMeant = scope?.scopesClient === undefined || scope.scopesClient === client;
    const meant = isMeant ? scope?.scopes : scope.otherScopes;
    return {
      scopes: firstSaid(own.scopes, this.#narrowing.scopes, meant),
      businessId: firstSaid(own.businessId, this.#narrowing.businessId, scope?.businessId),
      resource: own.resource,
    };
  }

  /** Its subscriber left before there was an answer. */
  abandon(): void {
    if (this.#abandoned instanceof AbortController) this.#abandoned.abort();
    else this.#abandoned = true;
  }

  get isAbandoned(): boolean {
    return this.#abandoned === true || (this.#abandoned?.signal.aborted ?? false);
  }

  /** Aborts when the subscriber leaves. Made only for calls that have to wait. */
  get abandonment(): AbortSignal {
    if (this.#abandoned === true) return AbortSignal.abort();
    this.#abandoned ??= new AbortController();
    return this.#abandoned.signal;
  }
}

function firstSaid<T>(own: T | undefined, view: T | undefined, context: T | undefined): T | undefined {
  if (own !== undefined) return own;
  return view !== undefined ? view : context;
}

/** Takes the known names only: a misspelled `scope` would ask for the full grant. */
function ownOptions(own: unknown): AssetRequestOptions {
  if (own === undefined) return NOTHING;
  if (typeof own === 'object' && own !== null && !Array.isArray(own)) {
    const unknown = Object.keys(own).find((name) => !['scopes', 'businessId', 'resource'].includes(name));
    if (unknown === undefined) return own;
    throw invalid(`does not know "${printable(unknown, 40)}"`);
  }
  throw invalid('is neither an object nor false');
}

const invalid = (what: string): AssetScopeError =>
  new AssetScopeError(
    `The option "asset" of a request ${what}. It takes { scopes, businessId, resource }, or false for a request without token. Nothing was sent.`,
    'ASSET_SCOPE_INVALID',
  );
