import axios from 'axios';
import { AssetScopeError } from '../config/asset-auth.errors.js';
import type { AssetScopes } from '../config/scope-set.js';
import { quoted } from '../config/text.js';
import { scopeInForce } from '../scope/scope-context.js';
import type { AccessToken } from '../token/access-token.js';
import { type AssetTokenRequest, misunderstanding, saidOf } from '../token/token-request.js';

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
export type AssetRequestOptions = AssetTokenRequest;

/** What a narrowed view adds to every call made through it. */
export type Narrowing = Pick<AssetRequestOptions, 'scopes' | 'businessId'>;

/** A view that narrows nothing. */
export const NOT_NARROWED: Narrowing = Object.freeze({ scopes: undefined, businessId: undefined });

/** Cancelled when the subscriber of a call leaves. A class of its own, to tell it from a token of the caller's. */
export class SubscriberToken extends axios.CancelToken {
  readonly leave: () => void;

  constructor() {
    let leave = (): void => {};
    super((cancel) => {
      leave = cancel;
    });
    this.leave = leave;
  }
}

interface HandedOut {
  readonly token: AccessToken | undefined;
  /** The only one that the token may go to. */
  readonly origin: string;
}

interface Asked extends AssetTokenRequest {
  readonly isAnonymous: boolean;
  /** Why the call cannot be made. Thrown once it is made, and not where its verb is called: Observables are cold. */
  readonly problem: AssetScopeError | undefined;
}

/**
 * What a call asks for, from the verb to the wire; it travels as the config's `asset`. Settled when the verb is called:
 * first what the request itself says, then what its view says, then the scope in force there. Being no plain object,
 * axios hands it on as it is. Shows no token; an interceptor of the application may read it, and a copy of it asks for
 * the same.
 */
export class AssetRequest implements AssetTokenRequest {
  readonly scopes: AssetScopes | null | undefined;
  readonly businessId: string | null | undefined;
  readonly resource: string | readonly string[] | null | undefined;
  /** Only there if the call is to carry no token, so that a copy is refused instead of being given one. */
  declare readonly anonymous?: true;
  readonly #asked: Asked;
  #subscriber: SubscriberToken | undefined;
  #handedOut: HandedOut | undefined;

  private constructor(asked: Asked) {
    this.scopes = asked.scopes;
    this.businessId = asked.businessId;
    this.resource = asked.resource;
    if (asked.isAnonymous) this.anonymous = true;
    this.#asked = asked;
  }

  /** The request that a config already carries, or a new one for what the config says, in the scope in force now. */
  static of(asset: unknown, narrowing: Narrowing, client: string | undefined): AssetRequest {
    if (asset instanceof AssetRequest) return asset.#narrowedBy(narrowing);
    return new AssetRequest(askedOf(asset, narrowing, client));
  }

  /** The same once more, for another subscriber to leave or not. */
  again(): AssetRequest {
    return new AssetRequest(this.#asked);
  }

  /** As the token service reads it, which takes plain objects only. */
  get tokenRequest(): AssetTokenRequest {
    return { scopes: this.scopes, businessId: this.businessId, resource: this.resource };
  }

  get isAnonymous(): boolean {
    return this.#asked.isAnonymous;
  }

  /** @throws AssetScopeError `ASSET_SCOPE_INVALID` if what the request itself says cannot be asked for */
  assertValid(): void {
    if (this.#asked.problem !== undefined) throw this.#asked.problem;
  }

  /** For `cancelToken`: cancelled when the subscriber leaves before there is an answer. Made when it is asked for. */
  get subscriber(): SubscriberToken {
    return (this.#subscriber ??= new SubscriberToken());
  }

  get hasLeft(): boolean {
    return this.#subscriber?.reason !== undefined;
  }

  /** A copy for an adapter of the application, with the token, so that the adapter may hand the request on to ours. */
  handOut(handedOut: HandedOut): AssetRequest {
    const given = this.again();
    given.#handedOut = handedOut;
    return given;
  }

  /** The adapter has answered: a config that it kept asks for a token like any other. */
  takeBack(): void {
    this.#handedOut = undefined;
  }

  /** What it was handed out with; `undefined`: it was not, or no longer is. */
  get handedOut(): HandedOut | undefined {
    return this.#handedOut;
  }

  /** An earlier call's config that is sent through a view is meant for what the view says. */
  #narrowedBy({ scopes, businessId }: Narrowing): AssetRequest {
    if (scopes === undefined && businessId === undefined) return this;
    return new AssetRequest({
      ...this.#asked,
      scopes: scopes === undefined ? this.scopes : scopes,
      businessId: businessId === undefined ? this.businessId : businessId,
    });
  }
}

/** Whether an axios config was sent by a client of this library: its `asset` is one of ours, whatever answered it. */
export const isAssetConfig = (config: unknown): boolean =>
  (config as { readonly asset?: unknown } | null | undefined)?.asset instanceof AssetRequest;

/** A property that the object has of its own: what is on `Object.prototype` must not decide which token is sent. */
export const ownValue = <T extends object, K extends keyof T>(object: T, name: K): T[K] | undefined =>
  Object.hasOwn(object, name) ? object[name] : undefined;

function askedOf(asset: unknown, narrowing: Narrowing, client: string | undefined): Asked {
  const scope = scopeInForce();
  const isSaid = asset !== undefined && asset !== false;
  const problem = isSaid ? problemOf(asset) : undefined;
  const own = isSaid && problem === undefined ? saidOf(asset as AssetRequestOptions) : NOTHING;
  const isMeant = scope?.scopesClient === undefined || scope.scopesClient === client;
  return {
    scopes: firstSaid(copied(own.scopes), narrowing.scopes, isMeant ? scope?.scopes : scope.otherScopes),
    businessId: firstSaid(own.businessId, narrowing.businessId, scope?.businessId),
    resource: copied(own.resource),
    isAnonymous: asset === false,
    problem,
  };
}

const NOTHING: AssetRequestOptions = { scopes: undefined, businessId: undefined, resource: undefined };

/** `null` is said, and means none. */
const firstSaid = <T>(...values: readonly (T | undefined)[]): T | undefined =>
  values.find((value) => value !== undefined);

/** Lists are the caller's own, and may change until the call is made. */
const copied = <T>(value: T): T => (Array.isArray(value) ? ([...(value as unknown[])] as T) : value);

/** Takes the known names only: a misspelled `scope` would ask for the full grant. */
function problemOf(asset: unknown): AssetScopeError | undefined {
  const problem = misunderstanding(asset);
  if (problem === undefined) return undefined;
  const { unknown } = problem;
  const what =
    unknown === undefined ? 'is neither a plain object nor false' : `does not know ${quoted(unknown)}`;
  return new AssetScopeError(
    `The option "asset" of a request ${what}. It takes { scopes, businessId, resource }, or false for a request without token. Nothing was sent.`,
    'ASSET_SCOPE_INVALID',
  );
}
