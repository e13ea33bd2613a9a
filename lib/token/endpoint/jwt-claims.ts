/** What a token may tell of itself. Everything is optional: Asset documents `aud` only, and opaque tokens tell nothing. */
export interface TokenClaims {
  /** Seconds since the epoch (RFC 7519 §4.1.4). */
  readonly exp?: number;
  /** Seconds since the epoch (RFC 7519 §4.1.6). */
  readonly iat?: number;
  readonly scopes?: readonly string[];
  readonly businessId?: string;
}

const NOTHING: TokenClaims = Object.freeze({});

/** Reads a JWT's claims without checking its signature: the API does that, we only want to know when to renew. */
export function tokenClaims(token: string): TokenClaims {
  // No more parts than tell that it is none: the text may be nothing but dots.
  const parts = token.split('.', 4);
  if (parts.length !== 3) return NOTHING;
  try {
    const payload: unknown = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString('utf8'));
    return typeof payload === 'object' && payload !== null
      ? readClaims(payload as Record<string, unknown>)
      : NOTHING;
  } catch {
    return NOTHING;
  }
}

function readClaims(payload: Record<string, unknown>): TokenClaims {
  const scopes = scopeList(payload.scope ?? payload.scp ?? payload.scopes);
  const businessId = payload.business_id;
  return {
    ...(isTime(payload.exp) && { exp: payload.exp }),
    ...(isTime(payload.iat) && { iat: payload.iat }),
    ...(scopes !== undefined && { scopes }),
    ...(typeof businessId === 'string' && { businessId }),
  };
}

/** The year 2100. What is larger is no time in seconds: somebody sent milliseconds, perhaps. */
export const LATEST_TIME = 4_102_444_800;

const isTime = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value <= LATEST_TIME;

/** `scope` is text (RFC 9068 §2.2.3); other servers send lists. */
function scopeList(value: unknown): readonly string[] | undefined {
  if (typeof value === 'string') return value.split(' ').filter((scope) => scope !== '');
  if (Array.isArray(value) && value.every((scope) => typeof scope === 'string')) return value;
  return undefined;
}
