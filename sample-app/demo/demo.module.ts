import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { AssetSandbox } from 'nestjs-asset-auth/testing';
import { AppModule } from '../app.module.js';
import { CLIENT_SECRET, type ReadClientSecret } from '../asset/client-secret.js';
import { PageModule } from './page/page.module.js';
import type { DemoSandbox } from './sandbox.js';

/** The sample; with the page to look at, if it talks to a sandbox inside this process. */
export function demoModule(sandbox: DemoSandbox | undefined): Type | DynamicModule {
  return sandbox?.own === undefined ? AppModule : SandboxedModule.on(sandbox.own);
}

/** Global, so that the sample finds what reads the secret without knowing of the demo. */
@Module({ imports: [AppModule, PageModule] })
class SandboxedModule {
  static on(sandbox: AssetSandbox): DynamicModule {
    const readSecret: ReadClientSecret = () => sandbox.clientSecret;
    return {
      module: SandboxedModule,
      global: true,
      providers: [
        { provide: AssetSandbox, useValue: sandbox },
        { provide: CLIENT_SECRET, useValue: readSecret },
      ],
      exports: [AssetSandbox, CLIENT_SECRET],
    };
  }
}
