import { OAuth2Client } from 'google-auth-library';

export const name = 'google-auth-library';

/** It knows no client credentials grant; `refreshHandler` is its documented way to bring tokens from elsewhere. */
export function create({ server, clientId, clientSecret, renewAheadMs }) {
  const client = new OAuth2Client({
    ...(renewAheadMs !== undefined && { eagerRefreshThresholdMillis: renewAheadMs }),
  });
  client.refreshHandler = async () => {
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: clientSecret,
      scope: 'ledger:read',
    });
    const response = await fetch(server.tokenUrl, { method: 'POST', body });
    if (!response.ok) throw new Error(`The token endpoint answered ${response.status}.`);
    const { access_token, expires_in } = await response.json();
    return { access_token, expiry_date: Date.now() + expires_in * 1000 };
  };
  return { ask: () => client.getAccessToken(), textOf: ({ token }) => token };
}
