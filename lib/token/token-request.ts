// What a token is asked for: as a caller says it, in normal form, and as the form that is sent.
import type { AssetAuthConfig } from '../config/asset-auth.config.js';
import { AssetConfigError, AssetScopeError } from '../config/asset-auth.errors.js';
import {
  checkedBusinessId,
  resourceProblem,
  resourceSet,
  scopesBeyond,
  scopeSet,
  type AssetScopes,
  type ScopeSet,
} from '../config/scope-set.js';
import { isPlainObject, saidNames, unknownName } from '../config/plain-object.js';
import { described, quoted } from '../config/text.js';

/**
 * What a token is asked for, as a caller says it: `undefined` means "not said here" and takes the module's default,
 * `null` means "explicitly none".
 */
export interface AssetTokenRequest {
  /** One scope or a list; `null`: explicitly none, an error, or with `undeclaredScopes: 'allow'` all that the client may. */
  readonly scopes?: AssetScopes | null | undefined;
  /** The business to narrow the token to; `null`: explicitly none. */
  readonly businessId?: string | null | undefined;
  /** Resource indicators (RFC 8707 §2): absolute URIs without fragment. */
  readonly resource?: string | readonly string[] | null | undefined;
}

/** How one call of `AssetTokenService.getAccessToken` differs from the usual. */
export interface GetAccessTokenOptions {
  /** Ends the wait of this caller at once, with the signal's reason; others that wait get their token. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Ask for a new token although the present one is usable. Joins a request under way, obeys the pauses after failures,
   * and rejects on failure while the present token goes on serving.
   */
  readonly forceRefresh?: boolean | undefined;
  /**
   * Milliseconds that the token should last at least, up to half the time before expiry in which tokens are refreshed.
   * For one that lasts less, the next is waited for, but no longer than half of them; then the present one is served.
   */
  readonly minimumLifeMs?: number | undefined;
  /**
   * Milliseconds that the caller has. They end no wait, the `signal` does; but where so many new businesses are queued
   * that the turn of this one would come later, it fails at once instead of waiting in vain.
   */
  readonly withinMs?: number | undefined;
}

/** The same in normal form, with the module's defaults. `undefined` scopes ask for the client's full grant. */
export interface AccessTokenGrant {
  readonly scopes: ScopeSet | undefined;
  readonly businessId: string | undefined;
  readonly resource: readonly string[] | undefined;
}

/** Says what was asked for, for messages: `scopes ledger:read, business biz_1`. */
export function describeGrant({ scopes, businessId, resource }: AccessTokenGrant): string {
  const parts = [scopes === undefined ? 'the full grant' : `scopes ${scopes.join(' ')}`];
  if (businessId !== undefined) parts.push(`business ${businessId}`);
  if (resource !== undefined) parts.push(`resource ${resource.join(' ')}`);
  return parts.join(', ');
}

/**
 * One access token request, immutable. Its key *is* the form that is sent, without the secret: a parameter that is
 * sent but does not tell tokens apart cannot be written.
 */
export class AccessTokenRequest implements AccessTokenGrant {
  readonly scopes: ScopeSet | undefined;
  readonly businessId: string | undefined;
  readonly resource: readonly string[] | undefined;
  /** The part of the key in which requests of one client differ. */
  readonly fields: string;
  readonly #constants: string;

  /** @param constants - the part of the key that is the same in all requests of a client */
  constructor({ scopes, businessId, resource }: AccessTokenGrant, constants: string, fields: string) {
    this.#constants = constants;
    this.scopes = scopes;
    this.businessId = businessId === undefined ? undefined : ownCopy(businessId);
    this.resource = resource;
    this.fields = ownCopy(fields);
    Object.freeze(this);
  }

  get key(): string {
    return this.#constants + this.fields;
  }

  /** The form body as it goes over the wire. */
  body(clientSecret: string): string {
    return `${this.key}&${field('client_secret', clientSecret)}`;
  }
}

/** A text that was cut out of a longer one, such as an id out of a request's body, keeps all of that in memory. */
const ownCopy = (ascii: string): string => Buffer.from(ascii, 'latin1').toString('latin1');

/** A list of scopes as a caller gave it, with its normal form and its part of the key. */
interface KnownScopes {
  readonly list: readonly string[];
  readonly set: ScopeSet;
  readonly field: string;
}

/** Most lists of scopes that are remembered; an application writes far fewer. */
const MAX_KNOWN_LISTS = 1000;

/**
 * Turns what a caller asks for into a request: checked, in normal form, with the module's defaults, within the client's
 * policy (`allowedScopes`, `undeclaredScopes`).
 */
export class TokenRequestResolver {
  readonly #config: AssetAuthConfig;
  readonly #constants: string;
  /** Lists of scopes that were checked, by their first member. */
  readonly #known = new Map<unknown, KnownScopes[]>();
  #knownLists = 0;

  constructor(config: AssetAuthConfig) {
    this.#config = config;
    this.#constants = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: config.clientId,
      expires_in: String(config.tokenTtlSeconds),
    }).toString();
  }

  /**
   * The fields of what is asked for. This is on the path of a cached token, so the business id is not checked here: it
   * stands last, where no text can pass for another parameter, and a request has it only if {@link request} let it pass.
   *
   * @throws what {@link request} throws, but for the business id
   */
  fieldsOf(asked: AssetTokenRequest): string {
    assertUnderstood(asked);
    const { scopes, businessId, resource } = saidOf(asked);
    return fieldsFrom(
      this.#scopes(scopes),
      resource === undefined ? this.#config.resource : resources(resource),
      businessId === undefined ? this.#config.businessId : businessId,
    );
  }

  /**
   * @throws AssetScopeError `ASSET_SCOPE_INVALID`, `ASSET_SCOPE_UNDECLARED`, `ASSET_SCOPE_NOT_ALLOWED`
   * @throws AssetBusinessError `ASSET_BUSINESS_INVALID`
   * @throws AssetConfigError `ASSET_CONFIG_INVALID` for a resource that is none
   */
  request(asked: AssetTokenRequest): AccessTokenRequest {
    assertUnderstood(asked);
    // Read once: a getter could answer something else after the check.
    const { scopes: askedScopes, businessId: askedBusiness, resource: askedResource } = saidOf(asked);
    const scopes = this.#scopes(askedScopes);
    const businessId = askedBusiness === undefined ? this.#config.businessId : business(askedBusiness);
    const resource = askedResource === undefined ? this.#config.resource : resources(askedResource);
    const grant = { scopes: scopes?.set, businessId, resource };
    return new AccessTokenRequest(grant, this.#constants, fieldsFrom(scopes, resource, businessId));
  }

  #scopes(asked: AssetScopes | null | undefined): KnownScopes | undefined {
    const { scopes: defaults, allowedScopes, undeclaredScopes } = this.#config;
    const declared = asked === undefined ? defaults : (asked ?? undefined);
    if (declared !== undefined) return this.#checked(declared);
    if (undeclaredScopes === 'deny') throw undeclared();
    // An omitted scope asks Asset for everything, which would be beyond what is allowed.
    return allowedScopes === undefined ? undefined : this.#checked(allowedScopes);
  }

  #checked(scopes: AssetScopes): KnownScopes {
    const list = Array.isArray(scopes) ? (scopes as readonly string[]) : [scopes as string];
    const alike = this.#known.get(list[0])?.find((known) => haveSameMembers(known.list, list));
    return alike ?? this.#remember([...list]);
  }

  #remember(list: readonly string[]): KnownScopes {
    const set = scopeSet(list);
    const { allowedScopes } = this.#config;
    const beyond = allowedScopes === undefined ? [] : scopesBeyond(allowedScopes, set);
    if (beyond.length > 0) throw notAllowed(beyond);
    if (this.#knownLists >= MAX_KNOWN_LISTS) {
      this.#known.clear();
      this.#knownLists = 0;
    }
    const known = { list, set, field: `&${field('scope', set.join(' '))}` };
    this.#known.set(list[0], [...(this.#known.get(list[0]) ?? []), known]);
    this.#knownLists += 1;
    return known;
  }
}

/** The fields of the form that tell tokens apart. A business id needs no escaping: it is letters, digits and "_". */
function fieldsFrom(
  scopes: KnownScopes | undefined,
  resource: readonly string[] | undefined,
  businessId: string | null | undefined,
): string {
  const scopeField = scopes === undefined ? '' : scopes.field;
  const resourceFields =
    resource === undefined ? '' : resource.map((uri) => `&${field('resource', uri)}`).join('');
  if (businessId === undefined || businessId === null) return scopeField + resourceFields;
  if (typeof businessId !== 'string') checkedBusinessId(businessId);
  return `${scopeField}${resourceFields}&business_id=${businessId}`;
}

function haveSameMembers(one: readonly string[], other: readonly string[]): boolean {
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i += 1) if (one[i] !== other[i]) return false;
  return true;
}

/** `name=value`, escaped as a form has it. */
const field = (name: string, value: string): string => new URLSearchParams({ [name]: value }).toString();

const KNOWN_NAMES = ['scopes', 'businessId', 'resource'] as const;

/**
 * Refuses what is no plain object, or has a name that is not known: text or a promise in place of an object and a
 * misspelled `scope` would ask for everything, a misspelled `businessId` for the whole tenant.
 */
function assertUnderstood(asked: unknown): void {
  const problem = misunderstanding(asked);
  if (problem === undefined) return;
  if (problem.unknown !== undefined) {
    throw unreadable(`takes scopes, businessId and resource, but not ${quoted(problem.unknown)}`);
  }
  const given = typeof asked === 'object' && asked !== null && !Array.isArray(asked);
  const what = given ? 'a promise that nobody awaited or an instance of a class' : described(asked);
  throw unreadable(`is an object such as { scopes: ['ledger:read'] }, not ${what}`);
}

/** Why what is asked for cannot be understood: it has a name that is not known, or is no plain object. */
export function misunderstanding(asked: unknown): { readonly unknown?: string } | undefined {
  if (isLiteral(asked)) {
    // `isPlainObject` and `unknownName` for an object literal, inlined: this is on the path of a cached token.
    for (const name in asked) {
      if (name === 'scopes' || name === 'businessId' || name === 'resource') continue;
      if (Object.hasOwn(asked, name)) return { unknown: name };
    }
    return undefined;
  }
  if (!isPlainObject(asked)) return {};
  const unknown = unknownName(asked, KNOWN_NAMES);
  return unknown === undefined ? undefined : { unknown };
}

const ROOT = Object.prototype;

/** What is asked for by the object itself. What was put on `Object.prototype` asks for nothing. */
export function saidOf(asked: AssetTokenRequest): AssetTokenRequest {
  // Name by name: a loop would cost ten times as much, on the path of a cached token.
  if ('scopes' in ROOT || 'businessId' in ROOT || 'resource' in ROOT) return saidNames(asked, KNOWN_NAMES);
  return Object.getPrototypeOf(asked) === ROOT ? asked : saidNames(asked, KNOWN_NAMES);
}

/** Likewise, how the call differs from the usual. */
export const saidOptions = (options: GetAccessTokenOptions): GetAccessTokenOptions =>
  'signal' in ROOT || 'forceRefresh' in ROOT || 'minimumLifeMs' in ROOT || 'withinMs' in ROOT
    ? saidNames(options, ['signal', 'forceRefresh', 'minimumLifeMs', 'withinMs'])
    : options;

/** Whether it is written as almost all are, so that what it says is its own. What can be iterated keeps it elsewhere. */
function isLiteral(asked: unknown): asked is object {
  if (typeof asked !== 'object' || asked === null) return false;
  const prototype = Object.getPrototypeOf(asked) as unknown;
  if (prototype !== Object.prototype && prototype !== null) return false;
  return !(Symbol.iterator in asked || Symbol.asyncIterator in asked);
}

const unreadable = (problem: string): AssetScopeError =>
  new AssetScopeError(`A token request ${problem}. Nothing was sent.`, 'ASSET_SCOPE_INVALID');

const business = (asked: string | null): string | undefined =>
  asked === null ? undefined : checkedBusinessId(asked);

function resources(asked: string | readonly string[] | null): readonly string[] | undefined {
  if (asked === null) return undefined;
  const problem = resourceProblem(asked);
  if (problem !== undefined) {
    throw new AssetConfigError(
      [{ option: 'resource of the request', problem }],
      'A token cannot be asked for',
    );
  }
  return resourceSet(asked);
}

const undeclared = (): AssetScopeError =>
  new AssetScopeError(
    "No scope is declared for this call, and a token without scopes could do everything that the client may. Nothing was sent. Put @AssetScope('…') on the handler, use withScope('…'), pass scopes with the request, or name defaults in the option scopes. If the full grant is meant, set undeclaredScopes: 'allow'.",
    'ASSET_SCOPE_UNDECLARED',
  );

const notAllowed = (beyond: ScopeSet): AssetScopeError =>
  new AssetScopeError(
    `The scope ${beyond.join(' ')} is beyond the option allowedScopes. Nothing was sent. Ask for less, or allow it there.`,
    'ASSET_SCOPE_NOT_ALLOWED',
  );
