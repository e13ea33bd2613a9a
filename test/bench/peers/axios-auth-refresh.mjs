import axios from 'axios';
import { createAuthRefresh } from 'axios-auth-refresh';

export const name = 'axios-auth-refresh';

/** An axios instance that carries the token, and fetches one when it is answered 401. */
export function createAxios({ server, clientId, clientSecret }, defaults) {
  const instance = axios.create(defaults);
  let token;
  instance.interceptors.request.use((request) => {
    if (token !== undefined) request.headers.Authorization = `Bearer ${token}`;
    return request;
  });
  createAuthRefresh(instance, async (failedRequest) => {
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: clientSecret,
      scope: 'ledger:read',
    });
    const { data } = await axios.post(server.tokenUrl, body);
    token = data.access_token;
    failedRequest.response.config.headers.Authorization = `Bearer ${token}`;
  });
  return instance;
}

/** It has no call for a token: what is waited for is an API call that carries one. */
export function create(options) {
  const instance = createAxios(options, { baseURL: options.server.url });
  return {
    ask: () => instance.get('/v0/ping'),
    textOf: ({ config }) => String(config.headers.Authorization).slice('Bearer '.length),
  };
}
