import type { IncomingHttpHeaders } from 'node:http';
import { HttpProblem, invalid, jsonAnswer } from './answer.js';
import { type AssetSandboxSettings, isScopeToken } from './options.js';
import type { ArrivedRequest, SandboxTokenRequest, Writable } from './recorder.js';
import type { AcceptedRequest, SandboxState } from './state.js';
import { expiresInField, type SandboxGrant } from './tokens.js';

/** Takes up a request to `/v0/auth/token`: rate limit, grant, then a token. */
export function acceptTokenRequest(incoming: ArrivedRequest, state: SandboxState): AcceptedRequest {
  const form = readForm(incoming.headers, incoming.body);
  const secretWasCorrect = form?.client_secret === state.clientSecret;
  const record: Writable<SandboxTokenRequest> = {
    kind: 'token',
    ...incoming,
    form: redactForm(form),
    secretWasCorrect,
    authorized: secretWasCorrect && form.client_id === state.clientId,
    claims: undefined,
    status: undefined,
  };
  const serve: AcceptedRequest['serve'] = () => {
    if (incoming.method !== 'POST') {
      throw new HttpProblem(405, 'method_not_allowed', 'Tokens are asked for with POST.', { allow: 'POST' });
    }
    const { settings, tokens, limiter } = state;
    const limitHeaders = limiter.countTokenRequest(settings, incoming.at);
    const grant = decideGrant(form, state);
    const token = tokens.issue(grant, settings, incoming.at);
    record.claims = token.claims;
    const answer = {
      access_token: token.value,
      token_type: 'Bearer',
      expires_in: expiresInField(token.claims, settings.expiresIn, incoming.at),
    };
    // RFC 6749 §5.1 forbids caches to keep a token.
    return jsonAnswer(200, answer, { 'cache-control': 'no-store', ...limitHeaders });
  };
  return { record, serve };
}

/**
 * Decides what a token request is granted. Fields as in the Asset API reference. Malformed fields are a 422 and a scope
 * that the client lacks a 400, both assumed. Stricter than RFC 6749 §3.2 in one point: a field sent without a value is
 * refused, since a client that sends an empty `scope` by mistake would be granted everything.
 *
 * @throws HttpProblem for anything else than a grant.
 */
function decideGrant(form: TokenForm | undefined, state: SandboxState): SandboxGrant {
  if (form === undefined) {
    throw invalid('The body must be sent with content-type application/x-www-form-urlencoded.');
  }
  const field = (name: string): string | undefined => readField(form, name);
  const clientId = field('client_id');
  const secret = field('client_secret');
  if (clientId === undefined || secret === undefined) {
    throw invalid('client_id and client_secret are required.');
  }
  if (clientId !== state.clientId || secret !== state.clientSecret) {
    throw new HttpProblem(401, 'invalid_client', 'The client credentials are not valid.');
  }
  if ((field('grant_type') ?? 'client_credentials') !== 'client_credentials') {
    throw new HttpProblem(422, 'unsupported_grant_type', 'grant_type can only be client_credentials.');
  }
  const businessId = field('business_id');
  if (businessId !== undefined && state.businesses.find(businessId) === undefined) {
    throw new HttpProblem(404, 'not_found', 'There is no such business.');
  }
  return {
    clientId,
    businessId,
    scopes: readScopes(field('scope'), state.settings),
    lifetimeSeconds: readLifetime(field('expires_in')),
    aud: readResources(form, state.origin),
  };
}

function readField(form: TokenForm, name: string): string | undefined {
  const value = Object.hasOwn(form, name) ? form[name] : undefined;
  if (value === undefined) {
    return undefined;
  }
  if (typeof value !== 'string') {
    throw invalid(`${name} may be sent only once.`);
  }
  if (value === '') {
    throw invalid(`${name} is empty; leave it out instead.`);
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
    throw invalid('expires_in must be a positive whole number of seconds.');
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

/** The fields of a form-encoded body, before anything is redacted. */
type TokenForm = Readonly<Record<string, string | readonly string[]>>;

/** Reads the body as a form; `undefined` unless it was sent as one. */
function readForm(headers: Readonly<IncomingHttpHeaders>, body: Buffer): TokenForm | undefined {
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(headers['content-type'] ?? '')) {
    return undefined;
  }
  const fields = new URLSearchParams(body.toString('utf8'));
  return Object.fromEntries(
    [...new Set(fields.keys())].map((name) => {
      const values = fields.getAll(name);
      return [name, values.length === 1 ? (values[0] ?? '') : values];
    }),
  );
}

/** The form as it is recorded. */
function redactForm(form: TokenForm | undefined): SandboxTokenRequest['form'] {
  return {
    ...form,
    ...(form !== undefined && Object.hasOwn(form, 'client_secret') && { client_secret: '[redacted]' }),
  };
}
