import { HttpProblem, jsonAnswer } from './http.answer.js';
import type { SandboxTokenRequest } from './sandbox.request.js';
import type { Incoming, SandboxState, Visit } from './sandbox.state.js';
import { expiresInField } from './sandbox.tokens.js';
import { readForm, redactForm } from './token.form.js';
import { decideGrant } from './token.route.js';

/** Takes up a request to `/v0/auth/token`. */
export function visitTokenEndpoint(incoming: Incoming, state: SandboxState): Visit {
  const form = readForm(incoming.headers, incoming.body);
  const secretWasCorrect = form?.client_secret === state.clientSecret;
  const record: { -readonly [K in keyof SandboxTokenRequest]: SandboxTokenRequest[K] } = {
    kind: 'token',
    ...incoming,
    form: redactForm(form),
    secretWasCorrect,
    authorized: secretWasCorrect && form.client_id === state.clientId,
    claims: undefined,
    status: undefined,
  };
  const serve: Visit['serve'] = () => {
    if (incoming.method !== 'POST') {
      throw new HttpProblem(405, 'method_not_allowed', 'Tokens are asked for with POST.', { allow: 'POST' });
    }
    const { settings, tokens, businesses, limiter } = state;
    const limitHeaders = limiter.countTokenRequest(settings, incoming.at);
    const grant = decideGrant(form, {
      settings,
      origin: state.origin,
      isClient: (id, secret) => id === state.clientId && secret === state.clientSecret,
      isBusiness: (id) => businesses.find(id) !== undefined,
    });
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
