import { setImmediate as turn } from 'node:timers/promises';
import {
  type ArgumentsHost,
  Catch,
  Controller,
  type ExceptionFilter,
  ForbiddenException,
  Get,
  Injectable,
  Scope,
  UseInterceptors,
} from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { concatMap, defer, from, map, merge, of, timer, toArray } from 'rxjs';
import { isAssetAuthError } from '../../../lib/config/asset-auth.errors.js';
import { AssetBusiness } from '../../../lib/scope/asset-business.decorator.js';
import { AssetScopeContext } from '../../../lib/scope/scope-context.js';
import { AssetScope } from '../../../lib/scope/asset-scope.decorator.js';
import { AssetScopeInterceptor } from '../../../lib/scope/asset-scope.interceptor.js';
import { RunWithAssetScope } from '../../../lib/scope/run-with-asset-scope.decorator.js';
import { start, stopAll } from './application.fixture.js';

const { current, run } = AssetScopeContext;

afterEach(stopAll);

describe('T78 A handler works in the scope that it declares', () => {
  @Controller('businesses/:businessId')
  @AssetScope('class:scope')
  @AssetBusiness('businessId')
  class Handlers {
    @Get('sync')
    sync() {
      return [current()];
    }

    @Get('promise')
    async promise() {
      const seen = [current()];
      await turn();
      seen.push(current());
      await new Promise((resolve) => setTimeout(resolve, 0));
      return [...seen, current()];
    }

    @Get('observable')
    observable() {
      return merge(
        defer(() => of(current())),
        timer(0).pipe(map(() => current())),
        defer(async () => {
          await turn();
          return current();
        }),
      ).pipe(toArray());
    }

    @Get('mixed')
    async mixed() {
      await turn();
      return from([1, 2]).pipe(
        concatMap(async () => {
          await turn();
          return current();
        }),
        toArray(),
      );
    }

    @Get('override')
    @AssetScope('method:scope', 'another:scope')
    override() {
      return [current()];
    }

    @Get('tenant')
    @AssetBusiness(null)
    tenant() {
      return [current()];
    }

    @Get('full-grant')
    @AssetScope(null)
    fullGrant() {
      return [current()];
    }

    @Get('nested')
    async nested() {
      const inner = await run({ scopes: 'in:ner' }, async () => {
        await turn();
        return current();
      });
      return [inner, current()];
    }
  }

  it.each([
    ['sync', 1],
    ['promise', 3],
    ['observable', 3],
    ['mixed', 2],
  ])('written as %s', async (path, times) => {
    const { get } = await start({ controllers: [Handlers] });
    const scope = { scopes: ['class:scope'], businessId: 'biz_1' };
    expect((await get(`/businesses/biz_1/${path}`)).body).toEqual(Array(times).fill(scope));
  });

  it('and T80 its own declaration replaces its class’s, scope and business independently', async () => {
    const { get } = await start({ controllers: [Handlers] });
    const seen = async (path: string) => (await get(`/businesses/biz_1/${path}`)).body;
    expect(await seen('override')).toEqual([
      { scopes: ['another:scope', 'method:scope'], businessId: 'biz_1' },
    ]);
    expect(await seen('tenant')).toEqual([{ scopes: ['class:scope'], businessId: null }]);
    expect(await seen('full-grant')).toEqual([{ scopes: null, businessId: 'biz_1' }]);
  });

  it('and a nested run narrows it further, for as long as it runs', async () => {
    const { get } = await start({ controllers: [Handlers] });
    expect((await get('/businesses/biz_1/nested')).body).toEqual([
      { scopes: ['in:ner'], businessId: 'biz_1' },
      { scopes: ['class:scope'], businessId: 'biz_1' },
    ]);
  });

  it('and in a second application of the same process as well', async () => {
    @Controller()
    @AssetScope('other:scope')
    class Other {
      @Get()
      async get() {
        await turn();
        return [current()];
      }
    }
    const [first, second] = [await start({ controllers: [Handlers] }), await start({ controllers: [Other] })];
    const [one, two] = await Promise.all([first.get('/businesses/biz_1/promise'), second.get('/')]);
    expect(one.body).toContainEqual({ scopes: ['class:scope'], businessId: 'biz_1' });
    expect(two.body).toEqual([{ scopes: ['other:scope'] }]);
  });

  it('and when its controller inherits it', async () => {
    abstract class Base {
      @Get('inherited')
      inherited() {
        return [current()];
      }
      @Get('redeclared')
      @AssetScope('base:scope')
      redeclared() {
        return [current()];
      }
    }
    @AssetScope('base:class')
    abstract class Scoped extends Base {}
    @Controller('plain')
    class Plain extends Scoped {}
    @Controller('own')
    @AssetScope('own:class')
    class Own extends Scoped {
      @Get('redeclared')
      override redeclared() {
        return [current()];
      }
    }
    const { get } = await start({ controllers: [Plain, Own] });
    const seen = async (path: string) => (await get(path)).body;
    expect(await seen('/plain/inherited')).toEqual([{ scopes: ['base:class'] }]);
    expect(await seen('/plain/redeclared')).toEqual([{ scopes: ['base:scope'] }]);
    expect(await seen('/own/inherited')).toEqual([{ scopes: ['own:class'] }]);
    expect(await seen('/own/redeclared')).toEqual([{ scopes: ['own:class'] }]);
  });

  it('T77 and when its controller is made anew for each request', async () => {
    @Controller({ scope: Scope.REQUEST })
    @AssetScope('a:b')
    class PerRequest {
      @Get()
      async get() {
        await turn();
        return [current()];
      }
    }
    const { get } = await start({ controllers: [PerRequest] });
    const answers = await Promise.all([get('/'), get('/'), get('/')]);
    expect(answers.map(({ body }) => body)).toEqual(Array(3).fill([{ scopes: ['a:b'] }]));
  });

  it('but a method that it calls as a method brings no scope of its own, unless it says @RunWithAssetScope', async () => {
    @Injectable()
    class Service {
      @AssetScope('decorated:scope')
      decorated() {
        return current();
      }
      @RunWithAssetScope('run:scope')
      running() {
        return current();
      }
    }
    @Controller()
    @AssetScope('a:b')
    class Calling {
      constructor(private readonly service: Service) {}
      @Get()
      get() {
        return [this.service.decorated(), this.service.running(), current()];
      }
    }
    const { get } = await start({ controllers: [Calling], providers: [Service] });
    expect((await get('/')).body).toEqual([
      { scopes: ['a:b'] },
      { scopes: ['run:scope'] },
      { scopes: ['a:b'] },
    ]);
  });
});

describe('The interceptor bound more than once', () => {
  let resolved = 0;

  @Controller()
  @AssetBusiness(() => `biz_${++resolved}`)
  @UseInterceptors(AssetScopeInterceptor)
  class Bound {
    @Get('scoped')
    @AssetScope('a:b')
    @UseInterceptors(AssetScopeInterceptor)
    scoped() {
      return [current()];
    }
  }

  @Controller('plain')
  class Plain {
    @Get()
    get() {
      return { scope: current() ?? 'none' };
    }
  }

  it('on class and method, by hand and globally, in two ways, opens one scope for a request', async () => {
    const { get } = await start(
      {
        controllers: [Bound, Plain],
        providers: [{ provide: APP_INTERCEPTOR, useClass: AssetScopeInterceptor }],
      },
      (app) => app.useGlobalInterceptors(new AssetScopeInterceptor()),
    );
    resolved = 0;
    expect((await get('/scoped')).body).toEqual([{ scopes: ['a:b'], businessId: 'biz_1' }]);
    expect((await get('/scoped')).body).toEqual([{ scopes: ['a:b'], businessId: 'biz_2' }]);
    expect((await get('/plain')).body).toEqual({ scope: 'none' });
  });
});

describe('A business that does not come out', () => {
  let handled = 0;
  const caught: unknown[] = [];

  @Catch()
  class Recording implements ExceptionFilter {
    catch(error: Error & { getStatus?(): number; getResponse?(): unknown }, host: ArgumentsHost) {
      caught.push(error);
      const response = host
        .switchToHttp()
        .getResponse<{ status(code: number): { json(body: unknown): void } }>();
      response.status(error.getStatus?.() ?? 500).json(error.getResponse?.() ?? {});
    }
  }

  @Controller()
  class Businesses {
    @Get('businesses/:businessId')
    @AssetBusiness('businessId')
    byName() {
      handled++;
      return {};
    }
    @Get('elsewhere/:id')
    @AssetBusiness('businessId')
    misnamed() {
      handled++;
      return {};
    }
    @Get('refused')
    @AssetBusiness(() => {
      throw new ForbiddenException('not yours');
    })
    refused() {
      handled++;
      return {};
    }
  }

  beforeEach(() => {
    handled = 0;
    caught.length = 0;
  });
  afterEach(() => {
    expect(handled).toBe(0);
  });

  it('of a malformed route parameter is a 400 before the handler runs', async () => {
    const { get } = await start({ controllers: [Businesses] });
    expect(await get('/businesses/acme%0AWARN%20forged')).toEqual({
      status: 400,
      body: {
        statusCode: 400,
        error: 'Bad Request',
        message: 'The parameter "businessId" is not a business id: "acme\u{FFFD}WARN forged"',
      },
    });
  });

  it('of a route without that parameter is a 500 that tells the caller nothing', async () => {
    const { get } = await start({ controllers: [Businesses] });
    expect(await get('/elsewhere/biz_1')).toEqual({
      status: 500,
      body: { statusCode: 500, message: 'Internal server error' },
    });
  });

  it('is an error of the library for exception filters, in both cases', async () => {
    const { get } = await start({ controllers: [Businesses] }, (app) =>
      app.useGlobalFilters(new Recording()),
    );
    await get('/businesses/acme');
    await get('/elsewhere/biz_1');
    expect(caught.map((error) => isAssetAuthError(error, 'ASSET_BUSINESS_INVALID'))).toEqual([true, true]);
  });

  it('because the function refuses, is refused in the function’s own words', async () => {
    const { get } = await start({ controllers: [Businesses] });
    expect(await get('/refused')).toMatchObject({ status: 403, body: { message: 'not yours' } });
  });
});
