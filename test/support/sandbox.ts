import { AssetSandbox, type AssetSandboxOptions } from 'nestjs-asset-auth/testing';
import { afterThisTest } from './cleanup.js';

/** A sandbox that is closed after the test. */
export async function startSandbox(options: AssetSandboxOptions = {}): Promise<AssetSandbox> {
  const sandbox = await AssetSandbox.start(options);
  afterThisTest(() => sandbox.close());
  return sandbox;
}
