import { AssetSandbox, type AssetSandboxOptions } from 'nestjs-asset-auth/testing';
import { afterThisTest } from './cleanup.js';
import { keepSecretsOf } from './no-secrets.js';

/** A sandbox that is closed after the test, and whose secrets nothing may hold that the test catches or logs. */
export async function startSandbox(options: AssetSandboxOptions = {}): Promise<AssetSandbox> {
  const sandbox = await AssetSandbox.start(options);
  afterThisTest(() => sandbox.close());
  keepSecretsOf(sandbox);
  return sandbox;
}
