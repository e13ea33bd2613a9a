import { ClientCredentials } from 'simple-oauth2';

export const name = 'simple-oauth2';

export function create({ server, clientId, clientSecret }) {
  const { origin, pathname } = new URL(server.tokenUrl);
  const client = new ClientCredentials({
    client: { id: clientId, secret: clientSecret },
    auth: { tokenHost: origin, tokenPath: pathname },
    options: { authorizationMethod: 'body' },
  });
  return { ask: () => client.getToken({ scope: 'ledger:read' }), textOf: ({ token }) => token.access_token };
}
