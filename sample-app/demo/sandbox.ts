import { assetAuthOptionsFromEnv } from 'nestjs-asset-auth';
import { AssetSandbox } from 'nestjs-asset-auth/testing';

type Environment = Record<string, string | undefined>;

/**
 * Starts a sandbox and points the `ASSET_*` variables at it, unless they name Asset already.
 *
 * @returns the sandbox, or `undefined` if the application is to talk to Asset
 * @throws Error that names the `ASSET_*` variables which no option is read from
 */
export async function sandboxUnlessConfigured(env: Environment): Promise<AssetSandbox | undefined> {
  assertKnownVariables(env);
  if (ACCOUNT_VARIABLES.some((name) => env[name] !== undefined)) return undefined;
  const sandbox = await AssetSandbox.start();
  const { baseUrl, clientId, clientSecret } = sandbox.moduleOptions();
  Object.assign(env, {
    ASSET_BASE_URL: baseUrl,
    ASSET_CLIENT_ID: clientId,
    ASSET_CLIENT_SECRET: clientSecret,
  });
  return sandbox;
}

/** One of them is enough: if others are missing, the module says so. */
const ACCOUNT_VARIABLES = ['ASSET_ENVIRONMENT', 'ASSET_BASE_URL', 'ASSET_CLIENT_ID', 'ASSET_CLIENT_SECRET'];

/** A misspelled variable would be overlooked, and the sandbox started where Asset was meant. */
function assertKnownVariables(env: Environment): void {
  const unknown = Object.keys(env).filter((name) => name.startsWith('ASSET_') && !isRead(name));
  if (unknown.length === 0) return;
  throw new Error(
    `No option is read from ${unknown.join(', ')}. Correct the name, or unset it. The README tells the names, such as ASSET_CLIENT_ID and ASSET_CLIENT_SECRET.`,
  );
}

const isRead = (name: string): boolean => Object.keys(assetAuthOptionsFromEnv({ [name]: '' })).length > 0;
