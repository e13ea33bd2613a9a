import { Controller, Get, Injectable, type ModuleMetadata } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { AssetAuthModule, AssetBusiness, AssetScope } from 'nestjs-asset-auth';
import { recordingLogger } from '../../support/recording-logger.js';
import { start } from './application.fixture.js';

const OPTIONS = { baseUrl: 'http://127.0.0.1:1', clientId: 'client-id', clientSecret: 'secret' };

/** What an application of these parts logs as a warning while it boots. */
async function warningsOf(metadata: ModuleMetadata): Promise<readonly string[]> {
  const logger = recordingLogger();
  const clients = [AssetAuthModule.forRoot(OPTIONS), AssetAuthModule.forRoot({ ...OPTIONS, name: 'eu' })];
  await start({ ...metadata, imports: clients }, { logger });
  return logger.lines.filter(({ level }) => level === 'warn').map(({ text }) => text);
}

describe('T80 An application that boots with a decorator that nothing reads is told so, once, with the cure', () => {
  const CURE = 'Use @RunWithAssetScope there instead, or decorate the handler that calls it.';

  @Injectable()
  class Jobs {
    @Cron('0 0 1 1 *')
    @AssetScope('report:read')
    nightly() {}

    @AssetBusiness(() => 'biz_1')
    static ofTheClass() {}
  }

  it('naming class and method', async () => {
    expect(await warningsOf({ providers: [Jobs] })).toEqual([
      `@AssetScope on Jobs.nightly has no effect: Nest runs no interceptors for @Cron, @Interval and @Timeout methods. ${CURE} AssetAuthModule`,
      `@AssetBusiness on Jobs.ofTheClass has no effect: Nest runs no interceptors for static methods. ${CURE} AssetAuthModule`,
    ]);
  });

  it('and is told nothing if all of them are read', async () => {
    @Controller()
    @AssetScope('report:read')
    class Handlers {
      @Get()
      get() {}
    }
    expect(await warningsOf({ controllers: [Handlers] })).toEqual([]);
  });
});
