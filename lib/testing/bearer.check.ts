import { HttpProblem } from './http.answer.js';
import type { RequestTarget } from './request-target.js';
import type { AssetSandboxSettings } from './sandbox.options.js';
import type { SandboxTokenClaims } from './sandbox.request.js';
import type { IssuedToken } from './sandbox.tokens.js';

/** What a request's `Authorization` header amounts to. */
export interface Access {
  readonly claims: SandboxTokenClaims | undefined;
  /** Why the call is refused, or `undefined` if it is not. */
  readonly problem: HttpProblem | undefined;
}

export interface BearerRules {
  readonly settings: AssetSandboxSettings;
  readonly now: number;
  readonly find: (token: string) => IssuedToken | undefined;
}

/**
 * Checks a bearer token as RFC 6750 §3 has it: 401 for no token or one that is unknown, revoked or expired; 403 for one
 * that lacks the scope or is narrowed to another business. `aud` is not enforced: Asset does not document that it is.
 */
export function checkBearer(
  authorization: string | undefined,
  target: RequestTarget,
  scope: string | undefined,
  rules: BearerRules,
): Access {
  const [, value] = /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(authorization ?? '') ?? [];
  if (value === undefined) {
    const problem = new HttpProblem(401, 'unauthorized', 'A bearer token is required.', {
      'www-authenticate': 'Bearer',
    });
    return { claims: undefined, problem };
  }
  const token = rules.find(value);
  const isGood = token !== undefined && !token.revoked && rules.now < token.claims.expiresAt;
  if (!isGood) {
    return { claims: token?.claims, problem: invalidToken() };
  }
  return { claims: token.claims, problem: forbidden(token.claims, target, scope, rules.settings) };
}

/** The 401 for a token that is not, or no longer, accepted. */
export function invalidToken(): HttpProblem {
  return new HttpProblem(401, 'invalid_token', 'The access token is unknown, revoked or expired.', {
    'www-authenticate': 'Bearer error="invalid_token"',
  });
}

function forbidden(
  { businessId, scopes }: SandboxTokenClaims,
  target: RequestTarget,
  scope: string | undefined,
  settings: AssetSandboxSettings,
): HttpProblem | undefined {
  if (businessId !== undefined) {
    const isOnTenantPath = target.businessId === undefined;
    if (isOnTenantPath && settings.businessTokensOnTenantPaths === 'reject') {
      return new HttpProblem(
        403,
        'forbidden',
        'A token narrowed to a business may not call tenant-level paths.',
      );
    }
    if (!isOnTenantPath && target.businessId !== businessId) {
      return new HttpProblem(403, 'forbidden', 'The token is narrowed to another business.');
    }
  }
  if (scope !== undefined && !scopes.includes(scope)) {
    return new HttpProblem(403, 'insufficient_scope', `This call needs the scope ${scope}.`, {
      'www-authenticate': `Bearer error="insufficient_scope", scope="${scope}"`,
    });
  }
  return undefined;
}
