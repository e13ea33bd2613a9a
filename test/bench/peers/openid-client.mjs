import {
  allowInsecureRequests,
  clientCredentialsGrant,
  ClientSecretPost,
  Configuration,
} from 'openid-client';

export const name = 'openid-client';

export function create({ server, clientId, clientSecret }) {
  const configuration = new Configuration(
    { issuer: server.url, token_endpoint: server.tokenUrl },
    clientId,
    clientSecret,
    ClientSecretPost(clientSecret),
  );
  allowInsecureRequests(configuration);
  return {
    ask: () => clientCredentialsGrant(configuration, { scope: 'ledger:read' }),
    textOf: ({ access_token }) => access_token,
  };
}
