import { type INestApplicationContext } from '@nestjs/common';
import { AssetAuthConfig } from 'nestjs-asset-auth';
import { AssetConnection } from './asset/asset-connection.js';

const SOME_BUSINESS = 'biz_YourBusiness';

/** What to tell whoever started the application: where it is, whom it talks to, and what to try. */
export function welcome(app: INestApplicationContext, url: string): string {
  const config = app.get(AssetAuthConfig);
  const { sandbox } = app.get(AssetConnection);
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
