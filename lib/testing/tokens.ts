import { createHmac, randomBytes } from 'node:crypto';
import type { AssetSandboxSettings } from './options.js';
import type { SandboxApiRequest, SandboxTokenClaims } from './recorder.js';

const DEFAULT_LIFETIME_SECONDS = 3600;
const STICKY_UNTIL_RATIO = 0.1;

/** Issues the access tokens of an {@link AssetSandbox}, looks them up, revokes them, and rejects good ones on request. */
export class SandboxTokens {
  /** The key that this sandbox's JWTs are signed with. */
  readonly signingKey = randomBytes(32).toString('base64url');

  readonly #limit: number;
  readonly #issued = new Map<string, { value: string; claims: SandboxTokenClaims; revoked: boolean }>();
  readonly #latest = new Map<string, IssuedToken>();
  readonly #rejectionFilters: ((request: SandboxApiRequest) => boolean)[] = [];
  #rejectionsLeft = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get values(): readonly string[] {
    return [...this.#issued.keys()];
  }

  find(value: string): IssuedToken | undefined {
    return this.#issued.get(value);
  }

  revokeAll(): void {
    for (const token of this.#issued.values()) {
      token.revoked = true;
    }
  }

  /**
   * Scripts rejections of good tokens.
   *
   * @throws RangeError unless a number of times is positive and whole, or `Infinity`.
   */
  reject(which: number | ((request: SandboxApiRequest) => boolean)): void {
    if (typeof which === 'function') {
      this.#rejectionFilters.push(which);
      return;
    }
    if (!(which === Infinity || (Number.isSafeInteger(which) && which > 0))) {
      throw new RangeError(
        `AssetSandbox.rejectTokens: the number of times must be positive and whole or Infinity, not ${String(which)}.`,
      );
    }
    this.#rejectionsLeft += which;
  }

  /** Whether a scripted rejection hits this request. A hit uses up one of those that are counted, unless a filter matched. */
  takeRejection(request: SandboxApiRequest): boolean {
    if (this.#rejectionFilters.some((filter) => filter(request))) {
      return true;
    }
    const rejects = this.#rejectionsLeft > 0;
    this.#rejectionsLeft -= rejects ? 1 : 0;
    return rejects;
  }

  clearRejections(): void {
    this.#rejectionFilters.length = 0;
    this.#rejectionsLeft = 0;
  }

  issue(grant: SandboxGrant, settings: AssetSandboxSettings, now: number): IssuedToken {
    const key = JSON.stringify([grant, settings.tokenFormat, settings.jwtClaims]);
    const latest = settings.stickyTokens ? this.#latest.get(key) : undefined;
    if (latest !== undefined && !latest.revoked && lifeLeft(latest.claims, now) >= STICKY_UNTIL_RATIO) {
      return latest;
    }
    const token = this.#create(grant, settings, now);
    this.#issued.set(token.value, token);
    // Also while `stickyTokens` is off, so that a token issued before it is turned on sticks.
    this.#latest.delete(key);
    this.#latest.set(key, token);
    dropOldest(this.#issued, this.#limit);
    dropOldest(this.#latest, this.#limit);
    return token;
  }

  #create(grant: SandboxGrant, settings: AssetSandboxSettings, now: number) {
    const asked = grant.lifetimeSeconds ?? DEFAULT_LIFETIME_SECONDS;
    const lifetime = settings.tokenLifetimeSeconds === 'asked' ? asked : settings.tokenLifetimeSeconds;
    const jti = randomBytes(16).toString('base64url');
    // Rounded up, so that no token lives shorter than its lifetime; `iat` follows, so that `exp − iat` is that lifetime.
    const issuedAtSeconds = Math.ceil(now / 1000);
    const expiresAtSeconds = issuedAtSeconds + lifetime;
    const claimsExpiry = settings.tokenFormat === 'jwt' && settings.jwtClaims === 'full';
    const namesOnlyMoment =
      settings.expiresIn === 'timestamp' || (settings.expiresIn === 'absent' && claimsExpiry);
    const claims: SandboxTokenClaims = Object.freeze({
      scopes: Object.freeze([...grant.scopes]),
      businessId: grant.businessId,
      aud: Object.freeze([...grant.aud]),
      jti,
      clientId: grant.clientId,
      issuedAt: now,
      expiresAt: namesOnlyMoment ? expiresAtSeconds * 1000 : now + lifetime * 1000,
    });
    const documented = { aud: grant.aud.length === 1 ? grant.aud[0] : grant.aud, jti };
    const full = {
      ...documented,
      iat: issuedAtSeconds,
      exp: expiresAtSeconds,
      scope: grant.scopes.join(' '),
      client_id: grant.clientId,
      ...(grant.businessId === undefined ? {} : { business_id: grant.businessId }),
    };
    const value =
      settings.tokenFormat === 'jwt'
        ? signJwt(settings.jwtClaims === 'full' ? full : documented, this.signingKey)
        : randomBytes(32).toString('base64url');
    return { value, claims, revoked: false };
  }
}

/** What the token endpoint grants to a valid request. */
export interface SandboxGrant {
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly businessId: string | undefined;
  readonly aud: readonly string[];
  readonly lifetimeSeconds: number | undefined;
}

/** A token and what the sandbox knows about it. */
export interface IssuedToken {
  readonly value: string;
  readonly claims: SandboxTokenClaims;
  readonly revoked: boolean;
}

/** The `expires_in` that tells a client when `claims` ends, in the shape of the sandbox's switch. */
export function expiresInField(
  { expiresAt }: SandboxTokenClaims,
  shape: AssetSandboxSettings['expiresIn'],
  now: number,
): number | string | undefined {
  const secondsLeft = Math.floor(Math.round(expiresAt - now) / 1000);
  switch (shape) {
    case 'timestamp':
      return Math.floor(expiresAt / 1000);
    case 'seconds':
      return secondsLeft;
    case 'string':
      return String(secondsLeft);
    case 'absent':
      return undefined;
  }
}

function lifeLeft({ issuedAt, expiresAt }: SandboxTokenClaims, now: number): number {
  return (expiresAt - now) / (expiresAt - issuedAt);
}

function dropOldest(map: Map<string, unknown>, limit: number): void {
  for (const key of map.keys()) {
    if (map.size <= limit) {
      return;
    }
    map.delete(key);
  }
}

/** A JWS in compact form, signed with HS256 (RFC 7515, RFC 7518 §3.2). */
function signJwt(claims: object, key: string): string {
  const content = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${content}.${createHmac('sha256', key).update(content).digest('base64url')}`;
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
