import type { Server } from 'node:http';
import type { INestApplication, ModuleMetadata } from '@nestjs/common';
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
import { keepSecret } from './no-secrets.js';
import { recordingLogger, type RecordingLogger } from './recording-logger.js';
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
  /** Unless one is given, what is logged is recorded all the same, and searched for secrets after the test. */
  readonly logger?: RecordingLogger;
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
  const logger = parts.logger ?? recordingLogger();
  const sandbox = parts.sandbox ?? (await startSandbox({ clock, ...parts.sandboxOptions }));
  if (typeof parts.options?.clientSecret === 'string') keepSecret(parts.options.clientSecret);
  const module = await Test.createTestingModule({
    imports: [
      AssetAuthModule.forRoot({ ...sandbox.moduleOptions(), undeclaredScopes: 'allow', ...parts.options }),
      ...(parts.imports ?? []),
    ],
    controllers: parts.controllers ?? [],
    providers: parts.providers ?? [],
  })
    .setLogger(logger)
    .overrideProvider(ASSET_CLOCK)
    .useValue(clock)
    .compile();
  const app = module.createNestApplication({ logger });
  afterThisTest(() => app.close());
  // A busy machine would let a kept connection run out in the very moment in which it is used again.
  (app.getHttpServer() as Server).keepAliveTimeout = 0;
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
