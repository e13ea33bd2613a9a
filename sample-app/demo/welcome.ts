import type { AssetAuthConfig } from 'nestjs-asset-auth';
import type { AssetSandbox } from 'nestjs-asset-auth/testing';

const SOME_BUSINESS = 'biz_YourBusiness';

/** Where the application listens, what it talks to, and what to try. */
export function welcome(url: string, config: AssetAuthConfig, sandbox: AssetSandbox | undefined): string {
  const businessId = sandbox?.businesses[0]?.id ?? config.businessId ?? SOME_BUSINESS;
  const peer =
    sandbox === undefined
      ? `It talks to Asset at ${config.origin}, with your credentials.`
      : `It talks to a sandbox inside this process. Nothing leaves this machine.
To talk to Asset, set ASSET_ENVIRONMENT, ASSET_CLIENT_ID and ASSET_CLIENT_SECRET.`;
  const hint = businessId === SOME_BUSINESS ? `, with an id from the first in place of ${SOME_BUSINESS}` : '';
  return `
The sample application listens on ${url}
${peer}

Three commands to try${hint}:
  curl ${url}/businesses
  curl ${url}/businesses/${businessId}/ledgers
  curl ${url}/tokens
`;
}
