import { ConfidentialClientApplication, ProtocolMode } from '@azure/msal-node';

export const name = '@azure/msal-node';

/** Renews five minutes ahead, which cannot be changed: shorter tokens are never served from its cache. */
export const fixedRenewAheadMs = 300_000;

export function create({ server, clientId, clientSecret }) {
  const { host } = new URL(server.url);
  const application = new ConfidentialClientApplication({
    auth: {
      clientId,
      clientSecret,
      // It takes https only; what it is told of the authority leads to the local server.
      authority: `https://${host}/`,
      knownAuthorities: [host],
      authorityMetadata: JSON.stringify({
        issuer: `https://${host}/`,
        authorization_endpoint: `${server.url}/authorize`,
        token_endpoint: server.tokenUrl,
        jwks_uri: `${server.url}/keys`,
      }),
    },
    system: { protocolMode: ProtocolMode.OIDC },
  });
  return {
    ask: () => application.acquireTokenByClientCredential({ scopes: ['ledger:read'] }),
    textOf: ({ accessToken }) => accessToken,
  };
}
