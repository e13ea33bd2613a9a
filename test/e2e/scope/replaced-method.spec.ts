import { once } from 'node:events';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import {
  applyDecorators,
  Controller,
  Get,
  Inject,
  Injectable,
  type INestApplication,
  Param,
  Post,
  Scope,
  UseInterceptors,
} from '@nestjs/common';
import { Args, GraphQLModule, Query, Resolver } from '@nestjs/graphql';
import { WsAdapter } from '@nestjs/platform-ws';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import {
  AssetBusiness,
  AssetScope,
  AssetScopeContext,
  AssetScopeInterceptor,
  listAssetScopes,
  RunWithAssetScope,
} from 'nestjs-asset-auth';
import { WebSocket } from 'ws';
import { expectSeen, start } from '../nest/application.fixture.js';
import { Ledgers, startOnSandbox } from '../nest/entry-points.fixture.js';

/* eslint-disable @typescript-eslint/no-unsafe-function-type -- decorators as others write them */

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** As decorators of timers, transactions and caches are written: another function, without the metadata. */
const Timer =
  (): MethodDecorator =>
  (_target, _key, descriptor: PropertyDescriptor): void => {
    const original = descriptor.value as Method;
    descriptor.value = async function (this: unknown, ...args: unknown[]) {
      const result: unknown = await original.apply(this, args);
      return result;
    };
  };

/** As a decorator that returns a new descriptor. */
const Transactional =
  (): MethodDecorator =>
  (_target, _key, descriptor: PropertyDescriptor): PropertyDescriptor => ({
    ...descriptor,
    value: function (this: unknown, ...args: unknown[]): unknown {
      return (descriptor.value as Method).apply(this, args);
    },
  });

/** As a decorator of a class that replaces all its methods and keeps Nest's metadata of routes, and only that. */
const LogAll = (): ClassDecorator => (classRef: Function) => {
  const prototype = classRef.prototype as Record<string, Method>;
  for (const key of Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor')) {
    const original = prototype[key]!;
    const replacement: Method = function (...args) {
      return original.apply(this, args);
    };
    for (const name of ['path', 'method', '__httpCode__']) {
      if (Reflect.hasMetadata(name, original)) {
        Reflect.defineMetadata(name, Reflect.getMetadata(name, original), replacement);
      }
    }
    prototype[key] = replacement;
  }
};

const current = () => AssetScopeContext.current() ?? null;

const A = 'biz_A';

async function get(url: string, path: string, method = 'GET'): Promise<unknown> {
  const response = await fetch(url + path, { method });
  return response.json();
}

describe('T109 A decorator that replaces the method loses nothing of what is declared for it', () => {
  const parameters = { prefix: 'p/:businessId' };

  @Controller(parameters.prefix)
  @AssetScope('class:scope')
  class OnClass {
    @Get('scope')
    @Timer()
    @AssetScope('method:scope')
    scope() {
      return current();
    }

    @Get('business')
    @Transactional()
    @AssetBusiness('businessId')
    business() {
      return current();
    }

    @Get('both')
    @Timer()
    @Transactional()
    @AssetScope('method:scope')
    @AssetBusiness('businessId')
    both() {
      return current();
    }

    @Get('apart')
    @AssetBusiness('businessId')
    @Timer()
    @AssetScope('method:scope')
    apart() {
      return current();
    }

    @Get('upper')
    @AssetScope('upper:scope')
    @Timer()
    @AssetScope('lower:scope')
    upper() {
      return current();
    }

    @Get('null')
    @Timer()
    @AssetScope(null)
    none() {
      return current();
    }

    @Get('composed')
    @Timer()
    @applyDecorators(AssetScope('method:scope'), AssetBusiness('businessId'))
    composed() {
      return current();
    }

    @Get('other')
    @Timer()
    other() {
      return current();
    }
  }

  @Controller(parameters.prefix)
  class OnMethods {
    @Get('scope')
    @Timer()
    @AssetScope('method:scope')
    scope() {
      return current();
    }

    @Get('other')
    other() {
      return current();
    }
  }

  @Controller('inherited/:businessId')
  class Inherited extends OnMethods {}

  @Controller('overriding/:businessId')
  class Overriding extends OnMethods {
    @Get('scope')
    override scope() {
      return current();
    }
  }

  @Controller('all/:businessId')
  @LogAll()
  class Logged {
    @Get('scope')
    @AssetScope('method:scope')
    @AssetBusiness('businessId')
    scope() {
      return current();
    }
  }

  @Controller('bound/:businessId')
  class Bound {
    constructor() {
      this.scope = this.scope.bind(this);
    }

    @Get('scope')
    @AssetScope('method:scope')
    scope() {
      return current();
    }
  }

  @Controller({ path: 'request/:businessId', scope: Scope.REQUEST })
  class OfRequest {
    @Get('scope')
    @Timer()
    @AssetScope('method:scope')
    scope() {
      return current();
    }
  }

  const scopes = ['method:scope'];
  const businessId = A;

  it.each([
    ['its scopes', OnClass, `/p/${A}/scope`, { scopes }],
    ['its business', OnClass, `/p/${A}/business`, { scopes: ['class:scope'], businessId }],
    ['both, under two such decorators', OnClass, `/p/${A}/both`, { scopes, businessId }],
    ['one of two, where the decorator stands between them', OnClass, `/p/${A}/apart`, { scopes, businessId }],
    ['nor does the lower of two hold', OnClass, `/p/${A}/upper`, { scopes: ['upper:scope'] }],
    ['explicitly none', OnClass, `/p/${A}/null`, { scopes: null }],
    ['where decorators are composed', OnClass, `/p/${A}/composed`, { scopes, businessId }],
    [
      'and the class’s holds for a method that declares nothing',
      OnClass,
      `/p/${A}/other`,
      { scopes: ['class:scope'] },
    ],
    ['where the class declares nothing', OnMethods, `/p/${A}/scope`, { scopes }],
    ['and nothing is invented', OnMethods, `/p/${A}/other`, null],
    ['where the method is inherited', Inherited, `/inherited/${A}/scope`, { scopes }],
    ['but an overriding method inherits nothing', Overriding, `/overriding/${A}/scope`, null],
    [
      'where a decorator of the class replaces all methods',
      Logged,
      `/all/${A}/scope`,
      { scopes, businessId },
    ],
    ['where the constructor replaces it', Bound, `/bound/${A}/scope`, { scopes }],
    ['in a controller of each request', OfRequest, `/request/${A}/scope`, { scopes }],
  ])('%s', async (_, controller, path, expected) => {
    const { url } = await start({ controllers: [controller] });
    const answer = await fetch(url + path);
    const text = await answer.text();
    expect(text === '' ? null : JSON.parse(text)).toEqual(expected);
  });

  it('and the inventory lists it', async () => {
    const { app } = await startOnSandbox({ controllers: [OnClass, Inherited] });
    const of = (name: string) =>
      listAssetScopes(app).handlers.filter(
        ({ className, handlerName }) => `${className}.${handlerName}` === name,
      );
    expect(of('OnClass.both')).toEqual([
      { className: 'OnClass', handlerName: 'both', kind: 'http', scopes, business: true },
    ]);
    expect(of('Inherited.scope')).toMatchObject([{ scopes, business: false }]);
  });

  it('and the boot compares it with allowedScopes', async () => {
    const boot = startOnSandbox({ controllers: [Inherited] }, undefined, { allowedScopes: ['class:scope'] });
    await expect(boot).rejects.toMatchObject({ code: 'ASSET_SCOPE_NOT_ALLOWED' });
  });

  it('and the token of the call is narrowed', async () => {
    @Controller('businesses/:businessId')
    @AssetScope('ledger:read', 'ledger:create')
    class Calling {
      constructor(@Inject(Ledgers) private readonly ledgers: Ledgers) {}

      @Post()
      @Timer()
      @AssetScope('ledger:read')
      @AssetBusiness('businessId')
      async call(@Param('businessId') id: string) {
        return { status: await this.ledgers.find(id) };
      }
    }
    const { url, sandbox, id, read } = await startOnSandbox({ controllers: [Calling] });
    expect(await get(url, `/businesses/${id}`, 'POST')).toEqual({ status: '200' });
    expectSeen(sandbox, read);
  });

  it('a call is refused where its handler can no longer be told', async () => {
    @Controller()
    class Replaced {
      constructor() {
        const original = this.scope.bind(this);
        Object.assign(this, {
          scope: (
            () => () =>
              original()
          )(),
        });
      }

      @Get('scope')
      @AssetScope('method:scope')
      scope() {
        return current();
      }
    }
    const { url } = await start({ controllers: [Replaced] });
    expect(await get(url, '/scope')).toMatchObject({ statusCode: 500 });
  });

  it('interceptors of the application keep their places where nothing is replaced', async () => {
    const seen: unknown[] = [];
    @Injectable()
    class Watching {
      intercept(_context: unknown, next: { handle(): unknown }) {
        seen.push(current());
        return next.handle();
      }
    }
    @Controller()
    @UseInterceptors(Watching as never)
    class Watched {
      @Get()
      @AssetScope('method:scope')
      scope() {
        return current();
      }
    }
    const { url } = await start({ controllers: [Watched] });
    expect(await get(url, '/')).toEqual({ scopes });
    expect(seen).toEqual([null]);
  });

  it('the interceptor bound by hand or globally changes nothing', async () => {
    const configure = (app: INestApplication) => app.useGlobalInterceptors(new AssetScopeInterceptor());
    const { url } = await start({ controllers: [OnClass] }, { configure });
    expect(await get(url, `/p/${A}/both`)).toEqual({ scopes, businessId });
  });
});

describe('T109 It holds wherever Nest runs interceptors', () => {
  it('in a resolver', async () => {
    @Resolver()
    class Ask {
      constructor(@Inject(Ledgers) private readonly ledgers: Ledgers) {}

      @Query('status')
      @Timer()
      @AssetScope('ledger:read')
      @AssetBusiness('businessId')
      status(@Args('businessId') id: string) {
        return this.ledgers.find(id);
      }
    }
    const typeDefs = 'type Query { status(businessId: String!): String! }';
    const { url, sandbox, id, read } = await startOnSandbox({
      imports: [GraphQLModule.forRoot<ApolloDriverConfig>({ driver: ApolloDriver, typeDefs })],
      providers: [Ask],
    });
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: `{ status(businessId: "${id}") }` }),
    });
    expect(await response.json()).toEqual({ data: { status: '200' } });
    expectSeen(sandbox, read);
  });

  it('in a gateway', async () => {
    @WebSocketGateway()
    class Gateway {
      constructor(@Inject(Ledgers) private readonly ledgers: Ledgers) {}

      @SubscribeMessage('find')
      @Transactional()
      @AssetScope('ledger:read')
      @AssetBusiness((context) => context.switchToWs().getData<string>())
      async find(@MessageBody() id: string) {
        return { event: 'answer', data: await this.ledgers.find(id) };
      }
    }
    const { url, sandbox, id, read } = await startOnSandbox(
      { providers: [Gateway] },
      { configure: (app) => app.useWebSocketAdapter(new WsAdapter(app)) },
    );
    const socket = new WebSocket(url.replace('http', 'ws'));
    await once(socket, 'open');
    socket.send(JSON.stringify({ event: 'find', data: id }));
    await once(socket, 'message');
    socket.close();
    await once(socket, 'close');
    expectSeen(sandbox, read);
  });
});

describe('T109 A method with @RunWithAssetScope', () => {
  class Jobs {
    @Timer()
    @RunWithAssetScope('report:read')
    replaced() {
      return Promise.resolve(current());
    }

    @RunWithAssetScope('upper:scope')
    @Timer()
    @RunWithAssetScope('lower:scope')
    twice() {
      return Promise.resolve(current());
    }

    @Timer()
    @RunWithAssetScope('static:scope')
    static ofTheClass() {
      return Promise.resolve(current());
    }
  }

  it('works in it under a decorator that replaces it, and the upper of two holds', async () => {
    expect(await new Jobs().replaced()).toEqual({ scopes: ['report:read'] });
    expect(await new Jobs().twice()).toEqual({ scopes: ['upper:scope'] });
    expect(await Jobs.ofTheClass()).toEqual({ scopes: ['static:scope'] });
  });

  it('stands in the inventory', async () => {
    const { app } = await startOnSandbox({ providers: [Jobs] });
    expect(listAssetScopes(app).scopes).toEqual(['report:read', 'static:scope', 'upper:scope']);
  });
});
