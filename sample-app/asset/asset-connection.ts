import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { type AssetAuthOptions, assetAuthOptionsFromEnv } from 'nestjs-asset-auth';
import { AssetSandbox } from 'nestjs-asset-auth/testing';
import { assertKnownVariables } from './known-variables.js';

/** Asset as the `ASSET_*` variables name it; where they name nothing, a sandbox that lives as long as the application. */
@Injectable()
export class AssetConnection implements OnApplicationShutdown {
  #sandbox: AssetSandbox | undefined;

  /** The sandbox, unless the application talks to Asset itself. */
  get sandbox(): AssetSandbox | undefined {
    return this.#sandbox;
  }

  /** Called by `AssetAuthModule`. */
  async createAssetAuthOptions(): Promise<AssetAuthOptions> {
    assertKnownVariables(process.env);
    const options: AssetAuthOptions = {
      // A handler that forgets its @AssetScope fails, instead of getting a token for everything.
      undeclaredScopes: 'deny',
      http: { timeout: 10_000 },
      ...assetAuthOptionsFromEnv(),
    };
    if (namesAsset(options)) return options;
    this.#sandbox = await AssetSandbox.start();
    return { ...options, ...this.#sandbox.moduleOptions() };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#sandbox?.close();
  }
}

/** One of these is enough: whoever forgets the others is told so, instead of being given a sandbox. */
const namesAsset = (options: Partial<AssetAuthOptions>): boolean =>
  [options.environment, options.baseUrl, options.clientId, options.clientSecret].some(
    (value) => value !== undefined,
  );
