import { OAuth2Client, OAuth2Fetch } from '@badgateway/oauth2-client';

export const name = '@badgateway/oauth2-client';

export function create({ server, clientId, clientSecret }) {
  const client = new OAuth2Client({
    server: server.url,
    clientId,
    clientSecret,
    tokenEndpoint: server.tokenUrl,
    authenticationMethod: 'client_secret_post',
  });
  const wrapper = new OAuth2Fetch({
    client,
    getNewToken: () => client.clientCredentials({ scope: ['ledger:read'] }),
  });
  return { ask: () => wrapper.getAccessToken(), textOf: (token) => token };
}
