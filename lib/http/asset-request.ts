import type { AssetScopes } from '../config/scope-set.js';
import { AssetScopeError } from '../config/asset-auth.errors.js';
import { quoted } from '../config/text.js';
import { scopeInForce, type ScopeInForce } from '../scope/scope-context.js';
import type { AssetTokenRequest } from '../token/token-request.js';
import { Departure } from './departure.js';
import { inspect } from 'node:util';
import type { AccessToken } from '../token/access-token.js';

/**
 * What one request asks its token for, in its axios config. It goes before everything else; what is left out comes from
 * the narrowed view, the scope context or the module's defaults. Interceptors of the application find it there complete
 * with what the view and the context say, and may change it.
 *
 * @example
 * ```ts
 * this.asset.get('/v0/business', { asset: { scopes: ['ledger:read'], businessId: null } });
 * ```
 */
export interface AssetRequestOptions {
  /** One scope or a list; `null`: explicitly none. */
  readonly scopes?: AssetScopes | null | undefined;
  /** The business to narrow the token to; `null`: explicitly none. */
  readonly businessId?: string | null | undefined;
  /** Resource indicators (RFC 8707), absolute URIs without fragment; `null`: explicitly none. */
  readonly resource?: string | readonly string[] | null | undefined;
}

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

/**
 * A call on the way from the bearer interceptor to the transport, which gives the token to nobody else. Opaque: the
 * interceptors and transforms that an application adds see it pass, and can neither read nor print what is inside.
 */
export class Bearer {
  readonly #call: AssetCall;

  constructor(call: AssetCall) {
    this.#call = call;
  }

  static callOf(bearer: Bearer): AssetCall {
    return bearer.#call;
  }

  toJSON(): string {
    return '[redacted]';
  }

  toString(): string {
    return '[redacted]';
  }

  [inspect.custom](): string {
    return '[redacted]';
  }
}

/**
 * The same below the transport, with its token, for adapters that an application brings: one that has no answer of its
 * own may hand the request on to ours, checked and written as it is.
 */
export class SentBearer extends Bearer {
  readonly #token: AccessToken | undefined;

  constructor(call: AssetCall, token: AccessToken | undefined) {
    super(call);
    this.#token = token;
  }

  static tokenOf(bearer: SentBearer): AccessToken | undefined {
    return bearer.#token;
  }
}

/** Whether a config is of a call through an Asset client. Those of other users of axios are not. */
export const isAssetConfig = (config: unknown): boolean => {
  const asset: unknown = (config as { readonly asset?: unknown } | null | undefined)?.asset;
  return asset instanceof AssetCall || asset instanceof Bearer;
};

/**
 * A property that the object has of its own. What `Object.prototype` was given by somebody else must not decide whether
 * a request carries a token, and which.
 */
export const ownValue = <T extends object, K extends keyof T>(object: T, name: K): T[K] | undefined =>
  Object.hasOwn(object, name) ? object[name] : undefined;
