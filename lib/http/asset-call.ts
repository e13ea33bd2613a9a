import { AssetScopeError } from '../config/config.errors.js';
import { quoted } from '../config/printable.js';
import type { AssetScopes } from '../config/scope-set.js';
import { scopeInForce, type ScopeInForce } from '../scope/asset-scope.context.js';
import type { AssetTokenRequest } from '../token/request/token-request.resolver.js';
import type { AssetRequestOptions } from './asset-request.options.js';
import { Bearer } from './bearer.js';
import { Departure } from './departure.js';
import { ownValue } from './own-value.js';

/** What a narrowed view adds to every call made through it. */
export interface Narrowing {
  readonly scopes: AssetScopes | null | undefined;
  readonly businessId: string | null | undefined;
}

/** A view that narrows nothing. */
export const NOT_NARROWED: Narrowing = Object.freeze({ scopes: undefined, businessId: undefined });

/** What a call asks for, settled. */
interface Terms extends AssetTokenRequest {
  readonly anonymous: boolean;
  /** Why the call cannot be made. Thrown once it is made, and not where its verb is called: Observables are cold. */
  readonly problem: AssetScopeError | undefined;
}

/**
 * One call, settled when its verb was called: the request's own word goes first, then the view's, then that of the scope
 * in force there. Travels as the config's `asset`; being no plain object, axios hands it on as it is. Holds no secret.
 * An interceptor of the application may read it, and a copy of it asks for the same.
 */
export class AssetCall implements AssetTokenRequest {
  readonly scopes: AssetScopes | null | undefined;
  readonly businessId: string | null | undefined;
  readonly resource: string | readonly string[] | null | undefined;
  /** Only there if the call is to carry no token, so that a copy is refused instead of being given one. */
  declare readonly anonymous?: true;
  readonly #terms: Terms;
  readonly #departure = new Departure();

  private constructor(terms: Terms) {
    this.scopes = terms.scopes;
    this.businessId = terms.businessId;
    this.resource = terms.resource;
    if (terms.anonymous) this.anonymous = true;
    this.#terms = terms;
  }

  /** The call that a config already carries, or a new one for what the config says, in the scope in force now. */
  static of(asset: unknown, narrowing: Narrowing = NOT_NARROWED, client?: string): AssetCall {
    if (asset instanceof AssetCall) return asset.#narrowedBy(narrowing);
    // A config that was cancelled between the two stages, and is sent again.
    if (asset instanceof Bearer) return Bearer.callOf(asset).#narrowedBy(narrowing);
    return new AssetCall(termsOf(asset, narrowing, scopeInForce(), client));
  }

  /** The same call once more, for another subscriber to leave or not. */
  again(): AssetCall {
    return new AssetCall(this.#terms);
  }

  /** Whether it is to carry no token. */
  get isAnonymous(): boolean {
    return this.#terms.anonymous;
  }

  /** @throws AssetScopeError `ASSET_SCOPE_INVALID` if the request's own word is none */
  assertSound(): void {
    if (this.#terms.problem !== undefined) throw this.#terms.problem;
  }

  /** Of its subscriber, before there was an answer. */
  get departure(): Departure {
    return this.#departure;
  }

  /** An earlier call's config that is sent through a view is meant for what the view says. */
  #narrowedBy({ scopes, businessId }: Narrowing): AssetCall {
    if (scopes === undefined && businessId === undefined) return this;
    return new AssetCall({
      ...this.#terms,
      scopes: scopes === undefined ? this.scopes : scopes,
      businessId: businessId === undefined ? this.businessId : businessId,
    });
  }
}

function termsOf(
  asset: unknown,
  narrowing: Narrowing,
  scope: ScopeInForce | undefined,
  client: string | undefined,
): Terms {
  const problem = asset === undefined || asset === false ? undefined : problemOf(asset);
  const own =
    asset === undefined || asset === false || problem !== undefined ? {} : (asset as AssetRequestOptions);
  const isMeant = scope?.scopesClient === undefined || scope.scopesClient === client;
  return {
    scopes: firstSaid(
      copied(ownValue(own, 'scopes')),
      narrowing.scopes,
      isMeant ? scope?.scopes : scope.otherScopes,
    ),
    businessId: firstSaid(ownValue(own, 'businessId'), narrowing.businessId, scope?.businessId),
    resource: copied(ownValue(own, 'resource')),
    anonymous: asset === false,
    problem,
  };
}

function firstSaid<T>(own: T | undefined, view: T | undefined, context: T | undefined): T | undefined {
  if (own !== undefined) return own;
  return view !== undefined ? view : context;
}

/** Lists are the caller's own, and may change until the call is made. */
const copied = <T>(value: T): T => (Array.isArray(value) ? ([...(value as unknown[])] as T) : value);

/** Takes the known names only: a misspelled `scope` would ask for the full grant. */
function problemOf(asset: unknown): AssetScopeError | undefined {
  if (typeof asset !== 'object' || asset === null || !isPlain(asset))
    return invalid('is neither a plain object nor false');
  const unknown = Object.keys(asset).find((name) => !['scopes', 'businessId', 'resource'].includes(name));
  return unknown === undefined ? undefined : invalid(`does not know ${quoted(unknown)}`);
}

/** Not a list, a map or a set, which hold their contents elsewhere and would be read as empty. */
const isPlain = (value: object): boolean =>
  !Array.isArray(value) && !(Symbol.iterator in value) && !(value instanceof Date);

const invalid = (what: string): AssetScopeError =>
  new AssetScopeError(
    `The option "asset" of a request ${what}. It takes { scopes, businessId, resource }, or false for a request without token. Nothing was sent.`,
    'ASSET_SCOPE_INVALID',
  );
