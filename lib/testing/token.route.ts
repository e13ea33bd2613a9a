import { HttpProblem } from './http.answer.js';
import type { AssetSandboxSettings } from './sandbox.options.js';
import type { SandboxGrant } from './sandbox.tokens.js';
import { isScopeToken } from './scope-token.js';
import type { TokenForm } from './token.form.js';

/** What the token endpoint checks a request against. */
export interface TokenRules {
  readonly settings: AssetSandboxSettings;
  readonly origin: string;
  readonly isClient: (id: string, secret: string) => boolean;
  readonly isBusiness: (id: string) => boolean;
}

/**
 * Decides what a token request is granted. Fields as in the Asset API reference. Malformed fields are a 422 and a scope
 * that the client lacks a 400, both assumed. Stricter than RFC 6749 §3.2 in one point: a field sent without a value is
 * refused, since a client that sends an empty `scope` by mistake would be granted everything.
 *
 * @throws HttpProblem for anything else than a grant.
 */
export function decideGrant(form: TokenForm | undefined, rules: TokenRules): SandboxGrant {
  if (form === undefined) {
    throw malformed('The body must be sent with content-type application/x-www-form-urlencoded.');
  }
  const field = (name: string): string | undefined => readField(form, name);
  const clientId = field('client_id');
  const secret = field('client_secret');
  if (clientId === undefined || secret === undefined) {
    throw malformed('client_id and client_secret are required.');
  }
  if (!rules.isClient(clientId, secret)) {
    throw new HttpProblem(401, 'invalid_client', 'The client credentials are not valid.');
  }
  if ((field('grant_type') ?? 'client_credentials') !== 'client_credentials') {
    throw new HttpProblem(422, 'unsupported_grant_type', 'grant_type can only be client_credentials.');
  }
  const businessId = field('business_id');
  if (businessId !== undefined && !rules.isBusiness(businessId)) {
    throw new HttpProblem(404, 'not_found', 'There is no such business.');
  }
  return {
    clientId,
    businessId,
    scopes: readScopes(field('scope'), rules.settings),
    lifetimeSeconds: readLifetime(field('expires_in')),
    aud: readResources(form, rules.origin),
  };
}

function readField(form: TokenForm, name: string): string | undefined {
  const value = Object.hasOwn(form, name) ? form[name] : undefined;
  if (value === undefined) {
    return undefined;
  }
  if (typeof value !== 'string') {
    throw malformed(`${name} may be sent only once.`);
  }
  if (value === '') {
    throw malformed(`${name} is empty; leave it out instead.`);
  }
  return value;
}

function readScopes(scope: string | undefined, settings: AssetSandboxSettings): readonly string[] {
  if (scope === undefined) {
    return settings.omittedScope === 'everything' ? settings.scopes : [];
  }
  const asked = [...new Set(scope.split(' '))];
  if (!asked.every(isScopeToken)) {
    throw new HttpProblem(
      422,
      'invalid_scope',
      'scope must be scope tokens with single spaces between them.',
    );
  }
  const granted = asked.filter((one) => settings.scopes.includes(one));
  if (granted.length === 0 || (granted.length < asked.length && settings.missingScope === 'reject')) {
    throw new HttpProblem(
      400,
      'invalid_scope',
      'The client has not been granted every scope that was asked for.',
    );
  }
  return granted;
}

function readLifetime(expiresIn: string | undefined): number | undefined {
  if (expiresIn !== undefined && !/^[1-9]\d{0,9}$/.test(expiresIn)) {
    throw malformed('expires_in must be a positive whole number of seconds.');
  }
  return expiresIn === undefined ? undefined : Number(expiresIn);
}

// RFC 8707 §2: an absolute URI, which must not have a fragment.
function readResources(form: TokenForm, origin: string): readonly string[] {
  const { resource = [] } = form;
  const resources = typeof resource === 'string' ? [resource] : resource;
  if (!resources.every((one) => isUri(one) && !one.includes('#'))) {
    throw new HttpProblem(422, 'invalid_target', 'resource must be an absolute URI without fragment.');
  }
  return resources.length === 0 ? [origin] : [...new Set(resources)];
}

/** Not by `URL.canParse`, which Node 20 gets wrong for Latin-1 text once it is optimised. */
function isUri(text: string): boolean {
  try {
    return new URL(text).protocol !== '';
  } catch {
    return false;
  }
}

function malformed(message: string): HttpProblem {
  return new HttpProblem(422, 'invalid_request', message);
}
