import { Controller, Get, type INestApplication, Injectable, type ModuleMetadata } from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import { Cron } from '@nestjs/schedule';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import {
  AssetAuthModule,
  type AssetAuthOptions,
  AssetBusiness,
  AssetScope,
  RunWithAssetScope,
} from 'nestjs-asset-auth';
import { recordingLogger } from '../../support/recording-logger.js';
import { start } from './application.fixture.js';

const OPTIONS = { baseUrl: 'http://127.0.0.1:1', clientId: 'client-id', clientSecret: 'secret' };

/** What an application of these parts logs as a warning while it boots. */
async function warningsOf(
  metadata: ModuleMetadata,
  options: Partial<AssetAuthOptions> = {},
  configure?: (app: INestApplication) => unknown,
): Promise<readonly string[]> {
  const logger = recordingLogger();
  const clients = [
    AssetAuthModule.forRoot(OPTIONS),
    AssetAuthModule.forRoot({ ...OPTIONS, ...options, name: 'eu' }),
  ];
  await start({ ...metadata, imports: clients }, { logger, configure });
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

describe('T108 An application that asks for what is almost a documented scope boots, and is told so once', () => {
  const hint = (place: string, scope: string, meant: string) =>
    `${place} names the scope "${scope}", which Asset does not document. Is "${meant}" meant? It is asked for as it is written. AssetAuthModule`;

  @Controller()
  @AssetScope('ledgers:read')
  class Handlers {
    @Get('a')
    a() {}

    @Get('b')
    @AssetScope(['ledger:reads', 'payroll:run', 'ledger:read'])
    b() {}
  }

  @Injectable()
  class Jobs {
    @RunWithAssetScope('invoice:created')
    nightly() {}
  }

  it('by decorators', async () => {
    expect(await warningsOf({ controllers: [Handlers], providers: [Jobs] })).toEqual([
      hint('@AssetScope on Handlers.a', 'ledgers:read', 'ledger:read'),
      hint('@AssetScope on Handlers.b', 'ledger:reads', 'ledger:read'),
      hint('@RunWithAssetScope on Jobs.nightly', 'invoice:created', 'invoice:create'),
    ]);
  });

  it.each([
    [{ scopes: 'ledgers:read' }, 'scopes'],
    [{ allowedScopes: ['ledger:read', 'ledgers:read'] }, 'allowedScopes'],
    [{ startup: { mode: 'warm', requests: [{ scopes: ['ledgers:read'] }] } }, 'startup'],
  ] satisfies [Partial<AssetAuthOptions>, string][])('by the option %j', async (options, name) => {
    expect((await warningsOf({}, options))[0]).toBe(
      hint(`The option ${name} of the client "eu"`, 'ledgers:read', 'ledger:read'),
    );
  });
});

describe('T117 Hooks of a class with a scope, which run without it, are warned of at boot', () => {
  const warning = (hooks: string, runs: string, decorators: string) =>
    `${hooks} ${runs} without the ${decorators} of the class: Nest runs no interceptors for hooks. If a call to Asset is made there, use @RunWithAssetScope on the method; it also ends this warning. AssetAuthModule`;

  @WebSocketGateway()
  @AssetScope('ledger:read')
  class Gateway {
    afterInit() {}
    handleConnection() {}
    handleDisconnect() {}
    @SubscribeMessage('find')
    find() {}
  }

  @Controller()
  @AssetScope('ledger:read')
  @AssetBusiness(null)
  class Handlers {
    onModuleInit() {}
    @RunWithAssetScope('report:read')
    onApplicationBootstrap() {}
    handleConnection() {}
    @Get()
    get() {}
  }

  @Controller()
  class OnMethodOnly {
    onModuleInit() {}
    @Get('other')
    @AssetScope('ledger:read')
    get() {}
  }

  class Inheriting extends Handlers {
    beforeApplicationShutdown() {}
  }

  it.each<[string, ModuleMetadata, readonly string[]]>([
    [
      'of a gateway',
      { providers: [Gateway] },
      [warning('Gateway.afterInit, handleConnection, handleDisconnect', 'run', '@AssetScope')],
    ],
    [
      'of the life of the application',
      { controllers: [Handlers] },
      [warning('Handlers.onModuleInit', 'runs', '@AssetScope and @AssetBusiness')],
    ],
    [
      'that are inherited',
      { controllers: [Inheriting] },
      [
        warning(
          'Inheriting.beforeApplicationShutdown, onModuleInit',
          'run',
          '@AssetScope and @AssetBusiness',
        ),
      ],
    ],
    ['and none where the class declares nothing', { controllers: [OnMethodOnly] }, []],
  ])('%s', async (_, metadata, warnings) => {
    expect(await warningsOf(metadata, {}, (app) => app.useWebSocketAdapter(new WsAdapter(app)))).toEqual(
      warnings,
    );
  });
});
