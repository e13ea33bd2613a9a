import { assetAuthOptionsFromEnv } from 'nestjs-asset-auth';
import { AssetSandbox } from 'nestjs-asset-auth/testing';
import { portFrom } from './port.js';

type Environment = Record<string, string | undefined>;

/** The sandbox that the application talks to. */
export interface DemoSandbox {
  readonly businessId: string;
  /** `undefined`: another application started it, and it runs there. */
  readonly own: AssetSandbox | undefined;
}

/**
 * Starts a sandbox and points the `ASSET_*` variables at it, unless they name Asset already. With `REDIS_URL`, it listens on
 * a known port: applications that share their tokens talk to one sandbox, that of the first.
 *
 * @returns the sandbox, or `undefined` if the application is to talk to Asset
 * @throws Error that names the `ASSET_*` variables which no option is read from
 */
export async function sandboxUnlessConfigured(env: Environment): Promise<DemoSandbox | undefined> {
  assertKnownVariables(env);
  if (ACCOUNT_VARIABLES.some((name) => env[name] !== undefined)) return undefined;
  if (env.REDIS_URL !== undefined) return sandboxOfAll(env);
  const sandbox = await AssetSandbox.start();
  return pointedAt(sandbox.url, sandbox, sandbox, env);
}

/** The business that each sandbox starts with. */
const BUSINESS = 'biz_GA6EG2qFxA97NZHtxeLPUy';

/** Of no value, and known to all: it can do something in a sandbox of the demo, and nowhere else. */
const DEMO = {
  port: 3999,
  /** So that one can watch tokens being renewed. */
  tokenTtlSeconds: '60',
  account: { clientId: 'demo-client', clientSecret: 'demo-secret' },
  /** 32 bytes that say what they are. */
  storeKey: Buffer.from('the key of the demo, of no value').toString('base64'),
};

/** Who has the port has the sandbox, and the others talk to it. */
async function sandboxOfAll(env: Environment): Promise<DemoSandbox> {
  const port = portFrom('SANDBOX_PORT', env.SANDBOX_PORT, DEMO.port);
  const { account, storeKey } = DEMO;
  env.ASSET_STORE_KEYS ??= storeKey;
  try {
    const own = await AssetSandbox.start({ ...account, port });
    return pointedAt(own.url, account, own, env);
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'EADDRINUSE') throw error;
  }
  const url = `http://127.0.0.1:${port}`;
  if (await isSandbox(url)) return pointedAt(url, account, undefined, env);
  throw new Error(
    `Port ${port} is taken by something other than a sandbox. Choose another one for all: SANDBOX_PORT=${port + 1} REDIS_URL=… npm start`,
  );
}

/** It asks for a token, whatever is called. */
async function isSandbox(url: string): Promise<boolean> {
  const signal = AbortSignal.timeout(2000);
  const response = await fetch(`${url}/v0/business`, { signal }).catch(() => undefined);
  return response?.status === 401;
}

interface Account {
  readonly clientId: string;
  readonly clientSecret: string;
}

function pointedAt(
  url: string,
  { clientId, clientSecret }: Account,
  own: AssetSandbox | undefined,
  env: Environment,
): DemoSandbox {
  Object.assign(env, {
    ASSET_BASE_URL: url,
    ASSET_CLIENT_ID: clientId,
    ASSET_CLIENT_SECRET: clientSecret,
  });
  env.ASSET_TOKEN_TTL_SECONDS ??= DEMO.tokenTtlSeconds;
  return { businessId: BUSINESS, own };
}

/** One of them is enough: if others are missing, the module says so. */
const ACCOUNT_VARIABLES = [
  'ASSET_ENVIRONMENT',
  'ASSET_BASE_URL',
  'ASSET_CLIENT_ID',
  'ASSET_CLIENT_SECRET',
  'ASSET_CLIENT_SECRET_FILE',
];

/** A misspelled variable would be overlooked, and the sandbox started where Asset was meant. */
function assertKnownVariables(env: Environment): void {
  const unknown = Object.keys(env).filter((name) => name.startsWith('ASSET_') && !isRead(name));
  if (unknown.length === 0) return;
  throw new Error(
    `No option is read from ${unknown.join(', ')}. Correct the name, or unset it. The README tells the names, such as ASSET_CLIENT_ID and ASSET_CLIENT_SECRET.`,
  );
}

const isRead = (name: string): boolean => Object.keys(assetAuthOptionsFromEnv({ [name]: '' })).length > 0;
