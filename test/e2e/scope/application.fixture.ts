import type { AddressInfo } from 'node:net';
import {
  type INestApplication,
  Module,
  type ModuleMetadata,
  type NestApplicationOptions,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

/** A running application of its own for a test. */
export interface RunningApplication {
  readonly app: INestApplication;
  readonly url: string;
  /** Status and JSON body of `GET path`. */
  readonly get: (path: string) => Promise<{ readonly status: number; readonly body: unknown }>;
}

const QUIET: Pick<NestApplicationOptions, 'logger' | 'abortOnError' | 'forceCloseConnections'> = {
  logger: false,
  abortOnError: false,
  forceCloseConnections: true,
};

const running: INestApplication[] = [];

/** Starts an application with these controllers and providers on a free port of the loopback. */
export async function start(
  metadata: ModuleMetadata,
  configure: (app: INestApplication) => void = () => {},
): Promise<RunningApplication> {
  @Module(metadata)
  class AppModule {}
  const app = await NestFactory.create(AppModule, QUIET);
  running.push(app);
  configure(app);
  await app.listen(0, '127.0.0.1');
  const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
  const url = `http://127.0.0.1:${port}`;
  return {
    app,
    url,
    get: async (path) => {
      const response = await fetch(url + path);
      return { status: response.status, body: await response.json() };
    },
  };
}

/** Closes whatever is still running. */
export async function stopAll(): Promise<void> {
  await Promise.all(running.splice(0).map((app) => app.close()));
}
