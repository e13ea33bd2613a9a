import { CACHE_MANAGER, CacheInterceptor, CacheKey, CacheModule } from '@nestjs/cache-manager';
import {
  All,
  Controller,
  Get,
  type INestApplication,
  Injectable,
  type ModuleMetadata,
  Post,
  type Provider,
  UseInterceptors,
} from '@nestjs/common';
import { APP_INTERCEPTOR, Reflector } from '@nestjs/core';
import { EventPattern, MessagePattern } from '@nestjs/microservices';
import { WsAdapter } from '@nestjs/platform-ws';
import { Cron } from '@nestjs/schedule';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import {
  AssetAuthModule,
  type AssetAuthOptions,
  AssetBusiness,
  AssetScope,
  AssetScopeInterceptor,
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
  await start({ ...metadata, imports: [...(metadata.imports ?? []), ...clients] }, { logger, configure });
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

describe('T115 A parameter that @AssetBusiness names for a message, which has none, is warned of at boot', () => {
  const warning = (handler: string) =>
    `@AssetBusiness on ${handler} cannot be used: it names the parameter "businessId", and a message has no parameters. Pass a function that reads it from the message: (context) => businessId, or say @AssetBusiness(null) for a tenant-level call. AssetAuthModule`;

  @Controller('businesses/:businessId')
  @AssetBusiness('businessId')
  class Hybrid {
    @Get()
    get() {}
    @EventPattern('closed')
    closed(event: object) {
      return event;
    }
    @Get('both')
    @MessagePattern('both')
    both() {}
    @MessagePattern('tenant')
    @AssetBusiness(null)
    tenant() {}
    @MessagePattern('function')
    @AssetBusiness(() => 'biz_1')
    byFunction() {}
  }

  @WebSocketGateway()
  class Gateway {
    @SubscribeMessage('ledgers')
    @AssetBusiness('businessId')
    list(message: object) {
      return message;
    }
  }

  it('of a transporter, and of a socket', async () => {
    const configure = (app: INestApplication) => app.useWebSocketAdapter(new WsAdapter(app));
    const metadata = { controllers: [Hybrid], providers: [Gateway] };
    expect(await warningsOf(metadata, {}, configure)).toEqual([
      warning('Hybrid.closed'),
      warning('Gateway.list'),
    ]);
  });
});

describe('A cache of answers that may serve one business with what it kept for another is warned of at boot', () => {
  const warning = (handler: string, key = 'their URL') =>
    `CacheInterceptor keeps the answers of ${handler} by ${key}, which need not hold the business of @AssetBusiness: one business may be answered with what was kept for another. Give it a key that holds the business, by a function in @CacheKey or a trackBy of your own, which also ends this warning, or leave it out there. AssetAuthModule`;

  class ByBusiness extends CacheInterceptor {
    override trackBy() {
      return 'biz_1';
    }
  }
  class ByUrl extends CacheInterceptor {}

  @Controller('ofMethods')
  @AssetBusiness(() => 'biz_1')
  class OfMethods {
    @Get('kept')
    @UseInterceptors(CacheInterceptor)
    kept() {}
    @All('all')
    @UseInterceptors(ByUrl)
    all() {}
    @Post('changes')
    @UseInterceptors(CacheInterceptor)
    changes() {}
    @Get('keyed')
    @UseInterceptors(ByBusiness)
    keyed() {}
    @Get('tenant')
    @UseInterceptors(CacheInterceptor)
    @AssetBusiness(null)
    tenant() {}
    @Get(':businessId')
    @UseInterceptors(CacheInterceptor)
    @AssetBusiness('businessId')
    inUrl() {}
    @Get('other')
    @UseInterceptors(AssetScopeInterceptor)
    other() {}
    @Get('constant/:businessId')
    @UseInterceptors(CacheInterceptor)
    @CacheKey('ledgers')
    @AssetBusiness('businessId')
    constant() {}
    @Get('computed')
    @UseInterceptors(CacheInterceptor)
    @CacheKey(() => 'biz_1')
    computed() {}
  }

  @Controller('ofClass')
  @UseInterceptors(CacheInterceptor)
  class OfClass {
    @Get()
    @AssetBusiness(() => 'biz_1')
    get() {}
  }

  @Controller('plain')
  class Plain {
    @Get()
    @AssetBusiness(() => 'biz_1')
    get() {}
  }

  it('where a handler or its class names it', async () => {
    const cache = [CacheModule.register()];
    expect(await warningsOf({ imports: cache, controllers: [OfMethods, OfClass] })).toEqual([
      warning('OfMethods.kept'),
      warning('OfMethods.all'),
      warning('OfMethods.constant', 'the key "ledgers"'),
      warning('OfClass.get'),
    ]);
  });

  it.each<[string, Provider, readonly string[]]>([
    ['a class', { provide: APP_INTERCEPTOR, useClass: CacheInterceptor }, [warning('Plain.get')]],
    ['a class with a key of its own', { provide: APP_INTERCEPTOR, useClass: ByBusiness }, []],
    [
      'what a factory makes',
      {
        provide: APP_INTERCEPTOR,
        inject: [CACHE_MANAGER, Reflector],
        useFactory: (cache: unknown, reflector: Reflector) => new CacheInterceptor(cache, reflector),
      },
      [warning('Plain.get')],
    ],
  ])('where all handlers have it: %s', async (_, provider, warnings) => {
    const metadata = { imports: [CacheModule.register()], controllers: [Plain], providers: [provider] };
    expect(await warningsOf(metadata)).toEqual(warnings);
  });
});
