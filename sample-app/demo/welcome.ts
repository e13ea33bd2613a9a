import type { AssetAuthConfig } from 'nestjs-asset-auth';
import { isJobOn } from '../reports/aged-payables.job.js';
import type { DemoSandbox } from './sandbox.js';

const SOME_BUSINESS = 'biz_YourBusiness';

/** Where the application listens, what it talks to, and what to try. */
export function welcome(url: string, config: AssetAuthConfig, sandbox: DemoSandbox | undefined): string {
  const businessId = sandbox?.businessId ?? config.businessId ?? SOME_BUSINESS;
  const hint = businessId === SOME_BUSINESS ? `, with an id from the first in place of ${SOME_BUSINESS}` : '';
  return `${page(url, sandbox)}
The sample application listens on ${url}
${[peer(config, sandbox), fleet(config, sandbox), job(config)].flat().join('\n')}

Three commands to try${hint}:
  curl ${url}/businesses
  curl ${url}/businesses/${businessId}/ledgers
  curl ${url}/tokens
`;
}

/** First, since it is the quickest way to see what the library does. */
const page = (url: string, sandbox: DemoSandbox | undefined): string =>
  sandbox?.own === undefined ? '' : `\nOpen ${url} in a browser: watch the tokens, and break the sandbox.\n`;

function peer({ origin }: AssetAuthConfig, sandbox: DemoSandbox | undefined): string[] {
  if (sandbox === undefined) return [`It talks to Asset at ${origin}, with your credentials.`];
  const place =
    sandbox.own === undefined
      ? `the sandbox of the application started first, at ${origin}. Keep that one running.`
      : 'a sandbox inside this process.';
  return [
    `It talks to ${place} Nothing leaves this machine.`,
    'To talk to Asset, set ASSET_ENVIRONMENT, ASSET_CLIENT_ID and ASSET_CLIENT_SECRET.',
  ];
}

const job = (config: AssetAuthConfig): string =>
  isJobOn(config)
    ? 'Each minute, a job reads the aged payables of ten businesses. To do without: AGED_PAYABLES_JOB=off npm start'
    : 'Its job, which reads the aged payables of ten businesses each minute, is off. To have it: AGED_PAYABLES_JOB=on npm start';

function fleet({ store }: AssetAuthConfig, sandbox: DemoSandbox | undefined): string[] {
  if (store === undefined) return [];
  const shares = 'It shares its tokens with others through the Redis of REDIS_URL.';
  return sandbox?.own === undefined
    ? [`${shares} Those that it found there are "shared": true in /tokens.`]
    : [`${shares} Start another one beside it: PORT=3001 REDIS_URL=… npm start`];
}
