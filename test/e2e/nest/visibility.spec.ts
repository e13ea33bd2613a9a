import { setImmediate as turn } from 'node:timers/promises';
import {
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  Catch,
  Controller,
  type ExceptionFilter,
  type ExecutionContext,
  Get,
  type MiddlewareConsumer,
  Module,
  type NestInterceptor,
  type NestModule,
  Param,
  type PipeTransform,
  UseFilters,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { AssetAuthModule, AssetBusiness, AssetScope, AssetScopeContext } from 'nestjs-asset-auth';
import { concatMap, map, type Observable, retry, throwError, timer } from 'rxjs';
import { platforms, start } from './application.fixture.js';

const OPTIONS = { baseUrl: 'http://127.0.0.1:1', clientId: 'client-id', clientSecret: 'secret' };
const BUSINESS = 'biz_GA6EG2qFxA97NZHtxeLPUy';
const SCOPE = { scopes: ['a:b'], businessId: BUSINESS };

describe.each(platforms)('T79 Who else sees the scope of a handler, on %s:', (_, adapter) => {
  const seen: (readonly [string, unknown])[] = [];
  const see = (who: string) => seen.push([who, AssetScopeContext.current()]);

  class Guard implements CanActivate {
    canActivate() {
      see('guard');
      return true;
    }
  }

  class Pipe implements PipeTransform {
    async transform(value: unknown) {
      await turn();
      see('pipe');
      return value;
    }
  }

  class Watching implements NestInterceptor {
    constructor(private readonly who: string) {}
    intercept(_context: ExecutionContext, next: CallHandler) {
      see(`${this.who} before`);
      return next.handle().pipe(
        map((value: unknown) => {
          see(`${this.who} after`);
          return value;
        }),
      );
    }
  }

  @Catch()
  class Filter implements ExceptionFilter {
    catch(error: Error, host: ArgumentsHost) {
      see('filter');
      host.switchToHttp().getResponse<{ send(body: unknown): void }>().send({ failed: error.message });
    }
  }

  @Controller('businesses/:businessId')
  @AssetBusiness('businessId')
  @UseFilters(Filter)
  class Watched {
    @Get('value/:id')
    @UseGuards(Guard)
    @UseInterceptors(new Watching('inner interceptor'))
    @AssetScope('a:b')
    @UseInterceptors(new Watching('outer interceptor'))
    value(@Param('id', Pipe) id: string) {
      see('handler');
      return { id };
    }

    @Get('thrown')
    @AssetScope('a:b')
    thrown() {
      throw new Error('thrown');
    }

    @Get('rejected')
    @AssetScope('a:b')
    async rejected() {
      await turn();
      throw new Error('rejected');
    }

    @Get('observed')
    @AssetScope('a:b')
    observed() {
      return timer(0).pipe(concatMap(() => throwError(() => new Error('observed'))));
    }
  }

  @Module({ controllers: [Watched] })
  class WatchedModule implements NestModule {
    configure(consumer: MiddlewareConsumer) {
      const middleware = (_request: unknown, _response: unknown, next: () => void) => {
        see('middleware');
        next();
      };
      consumer.apply(middleware).forRoutes(Watched);
    }
  }

  const open = async (...controllers: readonly (new () => object)[]) => {
    const imports = [AssetAuthModule.forRoot(OPTIONS), WatchedModule];
    const { url } = await start({ imports, controllers: [...controllers] }, { adapter: adapter() });
    return async (path: string): Promise<unknown> =>
      (await fetch(`${url}/businesses/${BUSINESS}/${path}`)).json();
  };

  beforeEach(() => {
    seen.length = 0;
  });

  it('pipes and inner interceptors do; guards, middleware and outer interceptors do not', async () => {
    @Controller('businesses/:businessId')
    class OnTheMethodOnly {
      @Get('method/:id')
      @UseGuards(Guard)
      @UseInterceptors(new Watching('inner interceptor'))
      @AssetBusiness('businessId')
      @AssetScope('a:b')
      @UseInterceptors(new Watching('outer interceptor'))
      value(@Param('id', Pipe) id: string) {
        see('handler');
        return { id };
      }
    }
    const get = await open(OnTheMethodOnly);
    expect(await get('method/1')).toEqual({ id: '1' });
    expect(seen).toEqual([
      ['guard', undefined],
      ['outer interceptor before', undefined],
      ['inner interceptor before', SCOPE],
      ['pipe', SCOPE],
      ['handler', SCOPE],
      ['inner interceptor after', SCOPE],
      ['outer interceptor after', undefined],
    ]);
  });

  it('below a decorator of the class, all interceptors of the method do', async () => {
    const get = await open();
    expect(await get('value/1')).toEqual({ id: '1' });
    expect(seen).toEqual([
      ['middleware', undefined],
      ['guard', undefined],
      ['outer interceptor before', SCOPE],
      ['inner interceptor before', SCOPE],
      ['pipe', SCOPE],
      ['handler', SCOPE],
      ['inner interceptor after', SCOPE],
      ['outer interceptor after', SCOPE],
    ]);
  });

  it.each(['thrown', 'rejected', 'observed'])(
    'exception filters do not, when an error is %s',
    async (how) => {
      const get = await open();
      expect(await get(how)).toEqual({ failed: how });
      expect(seen).toEqual([
        ['middleware', undefined],
        ['filter', undefined],
      ]);
    },
  );

  it('a retry around the handler opens it again for each attempt', async () => {
    const attempts: unknown[] = [];
    class Retrying implements NestInterceptor {
      intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
        return next.handle().pipe(retry(2));
      }
    }
    @Controller('businesses/:businessId')
    @UseInterceptors(Retrying)
    class Flaky {
      @Get('flaky')
      @AssetBusiness('businessId')
      @AssetScope('a:b')
      get() {
        if (attempts.push(AssetScopeContext.current()) < 3) throw new Error('try again');
        return attempts;
      }
    }
    const get = await open(Flaky);
    expect(await get('flaky')).toEqual([SCOPE, SCOPE, SCOPE]);
  });
});
