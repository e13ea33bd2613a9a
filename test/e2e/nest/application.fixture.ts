import {
  type INestApplication,
  type LoggerService,
  Module,
  type ModuleMetadata,
  type Type,
} from '@nestjs/common';
import { type AbstractHttpAdapter, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { AssetSandbox } from 'nestjs-asset-auth/testing';
import { afterThisTest } from '../../support/cleanup.js';

export const platforms: readonly (readonly [string, () => AbstractHttpAdapter])[] = [
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter({ forceCloseConnections: true })],
];

export function moduleOf(metadata: ModuleMetadata): Type {
  @Module(metadata)
  class AppModule {}
  return AppModule;
}

/** How an application differs from the usual. */
export interface ApplicationParts {
  readonly adapter?: AbstractHttpAdapter;
  readonly logger?: LoggerService;
  /** What happens between creating it and listening. */
  readonly configure?: (app: INestApplication) => unknown;
}

/** A Nest application that listens on a free port of 127.0.0.1, and is closed after the test. */
export async function start(
  metadata: ModuleMetadata,
  { adapter = new ExpressAdapter(), configure = () => {}, logger }: ApplicationParts = {},
): Promise<{ readonly app: INestApplication; readonly url: string }> {
  const app = await NestFactory.create(moduleOf(metadata), adapter, {
    logger: logger ?? false,
    abortOnError: false,
    // `fetch` keeps connections of readers that left, for which Fastify would wait without end.
    forceCloseConnections: true,
  });
  afterThisTest(() => app.close());
  await configure(app);
  await app.listen(0, '127.0.0.1');
  return { app, url: await app.getUrl() };
}

/** What the boot of an application fails with. */
export async function bootError(metadata: ModuleMetadata): Promise<Error> {
  const error: unknown = await start(metadata).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (typeof error === 'object' && error !== null && 'message' in error) return error as Error;
  throw new Error('The application started.');
}

/** What one call to Asset was allowed to do. */
export interface Seen {
  readonly scopes: readonly string[];
  readonly businessId: string | undefined;
}

/** The one assertion of all entry points: these calls were made with these tokens, and no other token was ever asked for. */
export function expectSeen(sandbox: AssetSandbox, ...calls: readonly Seen[]): void {
  const seen = ({ claims }: AssetSandbox['requests'][number]): unknown =>
    claims && { scopes: claims.scopes, businessId: claims.businessId };
  expect(sandbox.apiRequests.map(seen)).toEqual(calls);
  expect(sandbox.apiRequests.every(({ authorized }) => authorized)).toBe(true);
  const different = [...new Set(calls.map((call) => JSON.stringify(call)))].map(
    (call) => JSON.parse(call) as Seen,
  );
  expect(sandbox.tokenRequests).toHaveLength(different.length);
  expect(sandbox.tokenRequests.map(seen)).toEqual(expect.arrayContaining(different));
}
