import axios from 'axios';
import { clientCredentials } from 'axios-oauth-client';
import tokenProvider from 'axios-token-interceptor';

export const name = 'axios-token-interceptor + axios-oauth-client';

function tokenCache({ server, clientId, clientSecret, renewAheadMs = 0 }) {
  const authenticate = clientCredentials(axios.create(), server.tokenUrl, clientId, clientSecret);
  return tokenProvider.tokenCache(() => authenticate('ledger:read'), {
    getMaxAge: ({ expires_in }) => expires_in * 1000 - renewAheadMs,
  });
}

export function create(options) {
  return { ask: tokenCache(options), textOf: ({ access_token }) => access_token };
}

/** An axios instance that carries the token. */
export function createAxios(options, defaults) {
  const instance = axios.create(defaults);
  instance.interceptors.request.use(
    tokenProvider({
      getToken: tokenCache(options),
      headerFormatter: ({ access_token }) => `Bearer ${access_token}`,
    }),
  );
  return instance;
}
