import { type INestApplication, type LoggerService, type ModuleMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  ASSET_CLOCK,
  AssetAuthModule,
  type AssetAuthOptions,
  AssetHttpService,
  AssetTokenService,
  type AssetClock,
} from 'nestjs-asset-auth';
import { type AssetSandbox, type AssetSandboxOptions, ManualClock } from 'nestjs-asset-auth/testing';
import { afterThisTest } from './cleanup.js';
import { startSandbox } from './sandbox.js';

/** What a test's application is made of; everything has a default. */
export interface ApplicationParts extends Pick<ModuleMetadata, 'controllers' | 'providers' | 'imports'> {
  /** Options besides those that lead to the sandbox. */
  readonly options?: Partial<AssetAuthOptions>;
  readonly sandbox?: AssetSandbox;
  /** Options of the sandbox that is started unless one is given. It shares the application's clock. */
  readonly sandboxOptions?: AssetSandboxOptions;
  /** The clock of the application. By default one that the test moves. */
  readonly clock?: AssetClock;
  readonly logger?: LoggerService;
}

/** A running Nest application with the module under test, on a sandbox of its own. */
export interface RunningApplication {
  readonly app: INestApplication;
  readonly asset: AssetHttpService;
  readonly tokens: AssetTokenService;
  readonly sandbox: AssetSandbox;
  /** The manual clock; only there unless another clock was given. */
  readonly clock: ManualClock;
  readonly url: string;
}

/** Starts a real Nest application that listens on a free port of 127.0.0.1, and closes it after the test. */
export async function startApplication(parts: ApplicationParts = {}): Promise<RunningApplication> {
  const clock = parts.clock ?? new ManualClock();
  const sandbox = parts.sandbox ?? (await startSandbox({ clock, ...parts.sandboxOptions }));
  const module = await Test.createTestingModule({
    imports: [
      AssetAuthModule.forRoot({ ...sandbox.moduleOptions(), ...parts.options }),
      ...(parts.imports ?? []),
    ],
    controllers: parts.controllers ?? [],
    providers: parts.providers ?? [],
  })
    .overrideProvider(ASSET_CLOCK)
    .useValue(clock)
    .compile();
  const app = module.createNestApplication({ logger: parts.logger ?? false });
  afterThisTest(() => app.close());
  await app.listen(0, '127.0.0.1');
  return {
    app,
    asset: app.get(AssetHttpService),
    tokens: app.get(AssetTokenService),
    sandbox,
    clock: clock as ManualClock,
    url: await app.getUrl(),
  };
}
