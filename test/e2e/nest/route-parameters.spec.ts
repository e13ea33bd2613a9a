import {
  All,
  Controller,
  Get,
  type INestApplication,
  Post,
  RequestMapping,
  VersioningType,
} from '@nestjs/common';
import { NestFactory, RouterModule } from '@nestjs/core';
import { MessagePattern } from '@nestjs/microservices';
import { AssetAuthModule, AssetBusiness, AssetScope, isAssetAuthError } from 'nestjs-asset-auth';
import { afterThisTest } from '../../support/cleanup.js';
import { moduleOf, platforms, start } from './application.fixture.js';

const client = () =>
  AssetAuthModule.forRoot({ baseUrl: 'http://127.0.0.1:1', clientId: 'client-id', clientSecret: 'secret' });

/** The message that an application of this controller does not boot with; `undefined` if it boots. */
async function refusal(
  controller: new () => object,
  configure?: (app: INestApplication) => unknown,
): Promise<string | undefined> {
  const imports = [client()];
  const error: unknown = await start({ imports, controllers: [controller] }, { configure }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error === undefined) return undefined;
  expect(isAssetAuthError(error, 'ASSET_BUSINESS_INVALID')).toBe(true);
  return (error as Error).message;
}

const CURE =
  'Name one that is there, pass a function: (context) => businessId, or say @AssetBusiness(null) for a tenant-level path.';

describe('T115 A parameter that @AssetBusiness names and no path of the handler holds is refused at boot', () => {
  @Controller('businesses/:id/ledgers')
  class OnMethod {
    @Get()
    @AssetBusiness('businessId')
    list() {}
  }

  @Controller('businesses')
  @AssetBusiness('businessId')
  class OnClass {
    @Get(':businessId')
    one() {}
    @Post()
    create() {}
  }

  @Controller(['a', 'b'])
  class Several {
    @Get(['x/:businessIds', 'y/:aBusinessId'])
    @AssetBusiness('businessId')
    @AssetScope('ledger:read')
    list() {}
  }

  const Timer =
    (): MethodDecorator =>
    (_target, _key, descriptor: PropertyDescriptor): void => {
      descriptor.value = () => 1;
    };

  @Controller('r')
  class Replaced {
    @All('all')
    @Timer()
    @AssetBusiness('businessId')
    all() {}
  }

  it.each([
    [OnMethod, 'OnMethod.list', `path "/businesses/:id/ledgers" has`],
    [OnClass, 'OnClass.create', `path "/businesses" has`],
    [
      Several,
      'Several.list',
      'paths "/a/x/:businessIds", "/a/y/:aBusinessId", "/b/x/:businessIds", "/b/y/:aBusinessId" have',
    ],
    [Replaced, 'Replaced.all', 'path "/r/all" has'],
  ])('%p', async (controller, name, paths) => {
    expect(await refusal(controller)).toBe(
      `@AssetBusiness on ${name} cannot be used: it names the parameter "businessId", and the handler's ${paths} none of that name. ${CURE}`,
    );
  });

  it('with the global prefix in the path', async () => {
    const message = await refusal(OnMethod, (app) => app.setGlobalPrefix('api/:tenant'));
    expect(message).toContain('"/api/:tenant/businesses/:id/ledgers"');
  });
});

describe('T115 An application boots where the parameter', () => {
  @Controller(':businessId')
  class InController {
    @Get()
    @AssetBusiness('businessId')
    list() {}
  }

  @Controller()
  class InOneOfSeveral {
    @Get(['a', 'b/:businessId'])
    @AssetBusiness('businessId')
    list() {}
  }

  @Controller({ path: 'v/:businessId', version: '1' })
  @AssetBusiness('businessId')
  class Versioned {
    @RequestMapping({ path: ['x', 'y'] })
    any() {}
  }

  @Controller('plain')
  class Plain {
    @Get('list')
    @AssetBusiness('businessId')
    list() {}
  }

  @Controller()
  @AssetBusiness('businessId')
  class Other {
    @Get('none')
    @AssetBusiness(null)
    none() {}
    @Get('function')
    @AssetBusiness(() => 'biz_1')
    byFunction() {}
    @MessagePattern('message')
    @AssetBusiness(() => 'biz_1')
    message() {}
    helper() {}
  }

  @Controller('both/:businessId')
  class RouteAndMessage {
    @Get()
    @MessagePattern('both')
    @AssetBusiness('businessId')
    list() {}
  }

  class Base {
    @Get()
    @AssetBusiness('businessId')
    list() {}
  }
  @Controller('derived/:businessId')
  class Derived extends Base {}

  it.each<[string, new () => object, (app: INestApplication) => unknown]>([
    ['is in the path of the controller', InController, () => undefined],
    ['is in one of several paths', InOneOfSeveral, () => undefined],
    ['is in a versioned path', Versioned, (app) => app.enableVersioning({ type: VersioningType.URI })],
    ['is in the global prefix', Plain, (app) => app.setGlobalPrefix('t/:businessId')],
    ['is not named, or not for a handler', Other, () => undefined],
    ['is in the path of a method that also takes messages', RouteAndMessage, () => undefined],
    ['is in the path of a subclass', Derived, () => undefined],
  ])('%s', async (_, controller, configure) => {
    expect(await refusal(controller, configure)).toBeUndefined();
  });

  it.each(platforms)('is a wildcard: %s', async (name, adapter) => {
    @Controller()
    class Wild {
      @Get(name === 'Express' ? 'files/*businessId' : 'files/*')
      @AssetBusiness(name === 'Express' ? 'businessId' : '*')
      list() {}
    }
    await start({ imports: [client()], controllers: [Wild] }, { adapter: adapter() });
  });

  it('is in the path of RouterModule', async () => {
    const Feature = moduleOf({ controllers: [Plain] });
    const routes = [{ path: 'm/:businessId', module: Feature }];
    await start({ imports: [client(), Feature, RouterModule.register(routes)] });
  });

  it('may be in the global prefix that a worker of the same modules does not set', async () => {
    const worker = await NestFactory.createApplicationContext(
      moduleOf({ imports: [client()], controllers: [Plain] }),
      { logger: false, abortOnError: false },
    );
    afterThisTest(() => worker.close());
  });
});
