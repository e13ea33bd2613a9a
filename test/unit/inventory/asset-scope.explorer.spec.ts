import {
  Controller,
  Get,
  Injectable,
  Module,
  Param,
  Post,
  Scope,
  SetMetadata,
  Sse,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { Cron, Interval, Timeout } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import { EMPTY } from 'rxjs';
import { AssetBusiness } from '../../../lib/scope/asset-business.decorator.js';
import { AssetScope } from '../../../lib/scope/asset-scope.decorator.js';
import { AssetScopeExplorer } from '../../../lib/inventory/asset-scope.explorer.js';
import { RunWithAssetScope } from '../../../lib/scope/run-with-asset-scope.decorator.js';

// What the decorators of packages that are not installed here leave on a method.
const MessagePattern = (pattern: string) => SetMetadata('microservices:pattern', [pattern]);
const SubscribeMessage = () => SetMetadata('websockets:message_mapping', true);
const Query = () => SetMetadata('graphql:resolver_type', 'Query');
const ResolveField = () => SetMetadata('graphql:resolve_property', true);
const ResolveReference = () => SetMetadata('graphql:resolve_reference', true);
const OnEvent = (event: string) => SetMetadata('EVENT_LISTENER_METADATA', [{ event }]);
const OnWorkerEvent = () => SetMetadata('bullmq:worker_events_metadata', {});
const RabbitSubscribe = () => SetMetadata('RABBIT_HANDLER', {});

/** What is found in an application of these controllers and providers. */
const explore = async (metadata: Parameters<typeof Module>[0]) => {
  @Module({ providers: [AssetScopeExplorer] })
  class ExplorerModule {}
  @Module(metadata)
  class FeatureModule {}
  @Module(metadata)
  class SecondFeatureModule {}
  const app = await Test.createTestingModule({
    imports: [ExplorerModule, FeatureModule, SecondFeatureModule],
  }).compile();
  await app.init();
  const explorer = app.get(AssetScopeExplorer);
  const found = { inventory: explorer.inventory(), misplaced: explorer.misplaced() };
  await app.close();
  return found;
};

describe('The inventory', () => {
  it('lists each handler with what it declares or its class declares for it, once per class', async () => {
    @Controller('ledgers')
    @AssetScope('ledger:read')
    @AssetBusiness('businessId')
    class LedgersController {
      @Get()
      list() {}
      @Post()
      @AssetScope('ledger:create', 'ledger:read')
      create() {}
      @Sse('events')
      @AssetBusiness(null)
      @AssetScope(null)
      events() {
        return EMPTY;
      }
      @MessagePattern('ledgers')
      @AssetScope('report:read', { client: 'eu' })
      message() {}
      helper() {}
    }
    const { inventory, misplaced } = await explore({ controllers: [LedgersController] });
    const className = 'LedgersController';
    expect(inventory).toEqual([
      { className, handlerName: 'list', kind: 'http', scopes: ['ledger:read'], business: true },
      {
        className,
        handlerName: 'create',
        kind: 'http',
        scopes: ['ledger:create', 'ledger:read'],
        business: true,
      },
      { className, handlerName: 'events', kind: 'http', scopes: null, business: false },
      {
        className,
        handlerName: 'message',
        kind: 'rpc',
        scopes: ['report:read'],
        client: 'eu',
        business: true,
      },
      // What the class declares goes on counting for the clients that the handler's declaration does not name.
      { className, handlerName: 'message', kind: 'rpc', scopes: ['ledger:read'], business: true },
    ]);
    expect(misplaced).toEqual([]);
  });

  it('lists resolvers, gateways and @RunWithAssetScope methods, and nothing that declares nothing', async () => {
    @Injectable()
    @AssetScope('ledger:read')
    class Resolver {
      @Query()
      ledgers() {}
      @ResolveField()
      entries() {}
      @ResolveReference()
      reference() {}
    }
    @Injectable()
    class Gateway {
      @SubscribeMessage()
      @AssetBusiness(() => 'biz_1')
      message() {}
      @SubscribeMessage()
      undeclared() {}
    }
    @Injectable()
    class Jobs {
      @RunWithAssetScope('report:read', { businessId: 'biz_1' })
      nightly() {}
    }
    @Controller()
    class Undeclared {
      @Get()
      get() {}
    }
    const { inventory, misplaced } = await explore({
      controllers: [Undeclared],
      providers: [Resolver, Gateway, Jobs],
    });
    expect(inventory.map((entry) => [entry.kind, entry.handlerName, entry.scopes, entry.business])).toEqual([
      ['graphql', 'ledgers', ['ledger:read'], false],
      ['graphql', 'entries', ['ledger:read'], false],
      ['graphql', 'reference', ['ledger:read'], false],
      ['ws', 'message', undefined, true],
      ['method', 'nightly', ['report:read'], true],
    ]);
    expect(misplaced).toEqual([]);
  });

  it('lists the handlers of a base class under each class that inherits them', async () => {
    abstract class Base {
      @Get()
      list() {}
      @Get('other')
      @AssetScope('method:scope')
      other() {}
    }
    @Controller('first')
    @AssetScope('first:scope')
    class First extends Base {}
    @Controller('second')
    class Second extends Base {}
    const { inventory } = await explore({ controllers: [First, Second] });
    expect(inventory.map((entry) => [entry.className, entry.handlerName, entry.scopes])).toEqual([
      ['First', 'list', ['first:scope']],
      ['First', 'other', ['method:scope']],
      ['Second', 'other', ['method:scope']],
    ]);
  });

  it('knows a class that is a controller and a gateway', async () => {
    @Controller()
    @AssetScope('a:b')
    class Both {
      @Get()
      get() {}
      @SubscribeMessage()
      message() {}
    }
    const { inventory, misplaced } = await explore({ controllers: [Both], providers: [Both] });
    expect(inventory.map(({ kind }) => kind)).toEqual(['http', 'ws']);
    expect(misplaced).toEqual([]);
  });

  it('lists the @RunWithAssetScope methods of guards, interceptors and pipes, which no module provides', async () => {
    class Guard {
      @RunWithAssetScope('guard:scope')
      canActivate() {
        return true;
      }
    }
    @Injectable({ scope: Scope.REQUEST })
    class Interceptor {
      @RunWithAssetScope('interceptor:scope')
      intercept() {
        return EMPTY;
      }
    }
    class Pipe {
      @RunWithAssetScope('pipe:scope')
      transform() {}
    }
    @Controller()
    @UseGuards(Guard)
    class Guarded {
      @Get(':id')
      @UseInterceptors(Interceptor)
      get(@Param('id', Pipe) id: string) {
        return id;
      }
    }
    const { inventory, misplaced } = await explore({ controllers: [Guarded] });
    expect(inventory.map(({ className, kind, scopes }) => [className, kind, scopes])).toEqual([
      ['Guard', 'method', ['guard:scope']],
      ['Interceptor', 'method', ['interceptor:scope']],
      ['Pipe', 'method', ['pipe:scope']],
    ]);
    expect(misplaced).toEqual([]);
  });

  it('lists static methods and methods that are named by a symbol', async () => {
    const byName = Symbol('nightly');
    @AssetScope('a:b')
    class Decorated {}
    abstract class Base {
      @RunWithAssetScope('base:scope')
      static inherited() {}
    }
    @Injectable()
    class Jobs extends Base {
      static readonly Other = Decorated;
      static get trap(): never {
        throw new Error('a static getter was read');
      }
      @RunWithAssetScope('static:scope')
      static hourly() {}
      @RunWithAssetScope('symbol:scope')
      [byName]() {}
    }
    const { inventory, misplaced } = await explore({ providers: [Jobs] });
    expect(inventory.map(({ className, handlerName, scopes }) => [className, handlerName, scopes])).toEqual([
      ['Jobs', 'Symbol(nightly)', ['symbol:scope']],
      ['Jobs', 'hourly', ['static:scope']],
      ['Jobs', 'inherited', ['base:scope']],
    ]);
    expect(misplaced).toEqual([]);
  });

  it('reads no getter and needs no instance: whatever is provided, however it is provided', async () => {
    @Injectable()
    class Service {
      get trap(): never {
        throw new Error('a getter was read');
      }
      static get trap(): never {
        throw new Error('a static getter was read');
      }
      @RunWithAssetScope('service:scope')
      method() {}
    }
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest {
      @RunWithAssetScope('request:scope')
      method() {}
    }
    @Injectable({ scope: Scope.TRANSIENT })
    class Transient {
      @RunWithAssetScope('transient:scope')
      method() {}
    }
    class Made {
      @RunWithAssetScope('made:scope')
      method() {}
    }
    class Given {
      get trap(): never {
        throw new Error('a getter of a value was read');
      }
      @RunWithAssetScope('given:scope')
      method() {}
    }
    @Injectable()
    class Disguised {
      constructor() {
        return Object.create(null) as Disguised;
      }
      @RunWithAssetScope('disguised:scope')
      method() {}
    }
    const { inventory } = await explore({
      providers: [
        Service,
        Disguised,
        PerRequest,
        Transient,
        { provide: 'alias', useExisting: Service },
        { provide: 'made', useFactory: () => new Made() },
        { provide: 'made later', useFactory: () => Promise.resolve(new Made()) },
        { provide: 'per request', scope: Scope.REQUEST, useFactory: () => new Made() },
        { provide: 'given', useValue: new Given() },
        { provide: 'null', useValue: null },
        { provide: 'nothing', useFactory: () => undefined },
        { provide: 'text', useValue: 'text' },
        { provide: 'function', useValue: () => 1 },
        { provide: 'plain', useValue: { method() {} } },
        { provide: 'bare', useValue: Object.create(null) as unknown },
        { provide: 'list', useValue: [1] },
      ],
    });
    expect(inventory.map(({ className, scopes }) => [className, scopes])).toEqual([
      ['Service', ['service:scope']],
      ['Disguised', ['disguised:scope']],
      ['PerRequest', ['request:scope']],
      ['Transient', ['transient:scope']],
      ['Made', ['made:scope']],
      ['Given', ['given:scope']],
    ]);
  });
});

describe('T80 A decorator that nothing reads', () => {
  const DIRECT = 'Use @RunWithAssetScope there instead, or decorate the handler that calls it.';

  it('is reported with class, method, reason and cure', async () => {
    @Injectable()
    class Jobs {
      @Cron('0 0 * * *')
      @AssetScope('report:read')
      nightly() {}
      @Interval(1e9)
      @AssetBusiness(() => 'biz_1')
      hourly() {}
      @AssetScope('report:read')
      @Timeout(1e9)
      @AssetBusiness(null)
      once() {}
      @OnEvent('ledger.created')
      @AssetScope('ledger:read')
      created() {}
      @OnWorkerEvent()
      @AssetScope('ledger:read')
      completed() {}
      @AssetScope('ledger:read')
      helper() {}
    }
    const { inventory, misplaced } = await explore({ providers: [Jobs] });
    const className = 'Jobs';
    const about = (methodName: string, decorators: string, called: string) => ({
      className,
      methodName,
      message: `${decorators} on Jobs.${methodName} has no effect: Nest runs no interceptors for ${called}. ${DIRECT}`,
    });
    const scheduled = '@Cron, @Interval and @Timeout methods';
    expect(misplaced).toEqual([
      about('nightly', '@AssetScope', scheduled),
      about('hourly', '@AssetBusiness', scheduled),
      about('once', '@AssetScope and @AssetBusiness', scheduled),
      about('created', '@AssetScope', '@OnEvent methods'),
      about('completed', '@AssetScope', '@OnWorkerEvent methods'),
      about('helper', '@AssetScope', 'methods that are no handlers'),
    ]);
    expect(inventory).toEqual([]);
  });

  it('is reported on a helper of a controller, and on a handler where Nest does not look for it', async () => {
    @Controller()
    class WithHelper {
      @Get()
      get() {}
      @AssetScope('ledger:read')
      helper() {}
    }
    @Injectable()
    class NoController {
      @Get()
      @AssetScope('ledger:read')
      route() {}
    }
    @Controller()
    class NoProvider {
      @SubscribeMessage()
      @AssetScope('ledger:read')
      message() {}
    }
    const { inventory, misplaced } = await explore({
      controllers: [WithHelper, NoProvider],
      providers: [NoController],
    });
    expect(inventory).toEqual([]);
    expect(misplaced.map(({ message }) => message)).toEqual([
      `@AssetScope on WithHelper.helper has no effect: Nest runs no interceptors for methods that are no handlers. ${DIRECT}`,
      `@AssetScope on NoProvider.message has no effect: Nest runs no interceptors for resolvers and gateways that are no providers. ${DIRECT}`,
      `@AssetScope on NoController.route has no effect: Nest runs no interceptors for routes and messages outside of controllers. ${DIRECT}`,
    ]);
  });

  it('is reported on a guard, on a static method and on one that is named by a symbol', async () => {
    const bySymbol = Symbol('get');
    class Guard {
      @AssetScope('ledger:read')
      canActivate() {
        return true;
      }
    }
    @Controller()
    @UseGuards(Guard)
    class Handlers {
      @Get()
      @AssetScope('ledger:read')
      get() {}
      @Get('static')
      @AssetScope('ledger:read')
      static get() {}
      @Get('symbol')
      @AssetScope('ledger:read')
      [bySymbol]() {}
    }
    const { inventory, misplaced } = await explore({ controllers: [Handlers] });
    expect(inventory.map(({ handlerName }) => handlerName)).toEqual(['get']);
    expect(misplaced.map(({ message }) => message)).toEqual([
      `@AssetScope on Handlers.Symbol(get) has no effect: Nest runs no interceptors for methods that are named by a symbol. ${DIRECT}`,
      `@AssetScope on Handlers.get has no effect: Nest runs no interceptors for static methods. ${DIRECT}`,
      `@AssetScope on Guard.canActivate has no effect: Nest runs no interceptors for methods that are no handlers. ${DIRECT}`,
    ]);
  });

  it('is reported on a class without handlers', async () => {
    @Injectable()
    @AssetScope('ledger:read')
    class Worker {
      process() {}
    }
    const { misplaced } = await explore({ providers: [Worker] });
    expect(misplaced).toEqual([
      {
        className: 'Worker',
        message:
          '@AssetScope on Worker has no effect: the class has no handler for which Nest runs interceptors. Use @RunWithAssetScope on its methods instead.',
      },
    ]);
  });

  it('is not reported where a package unknown here may run interceptors', async () => {
    @Injectable()
    @AssetScope('ledger:read')
    class Consumer {
      @RabbitSubscribe()
      @AssetBusiness(() => 'biz_1')
      consume() {}
    }
    expect((await explore({ providers: [Consumer] })).misplaced).toEqual([]);
  });
});
