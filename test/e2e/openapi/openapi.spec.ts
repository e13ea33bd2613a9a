import {
  All,
  Controller,
  Get,
  type INestApplication,
  Module,
  type ModuleMetadata,
  Param,
  Post,
  type Type,
  Version,
  VersioningType,
} from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiExcludeEndpoint,
  ApiExtension,
  ApiLink,
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiSecurity,
  ApiWebhook,
  DocumentBuilder,
  type OpenAPIObject,
  type SwaggerDocumentOptions,
  SwaggerModule,
} from '@nestjs/swagger';
import { AssetAuthModule, AssetBusiness, AssetScope } from 'nestjs-asset-auth';
import { withAssetScopes } from 'nestjs-asset-auth/openapi';
import { startSandbox } from '../../support/sandbox.js';
import { start } from '../nest/application.fixture.js';

const config = new DocumentBuilder().setTitle('Ledgers').addBearerAuth().build();

/** An application with two clients; it is not yet told where its routes are. */
async function application(
  metadata: ModuleMetadata,
  configure?: (app: INestApplication) => unknown,
): Promise<{ readonly app: INestApplication; readonly url: string }> {
  const options = (await startSandbox()).moduleOptions();
  const clients = [options, { ...options, name: 'eu' }, { ...options, name: 'us' }];
  const imports = [...clients.map((client) => AssetAuthModule.forRoot(client)), ...(metadata.imports ?? [])];
  return start({ ...metadata, imports }, { ...(configure && { configure }) });
}

type Asked = Readonly<Record<string, unknown>>;

/** What the document says of each route, `undefined` if nothing. All else must be what Swagger makes without us. */
function askedIn(app: INestApplication, options: SwaggerDocumentOptions = {}, of = config): Asked {
  const before = SwaggerModule.createDocument(app, of, options);
  const document = withAssetScopes(app, () => SwaggerModule.createDocument(app, of, options));
  const asked = takenOut(document);
  expect(document).toEqual(before);
  expect(JSON.stringify(document)).toBe(JSON.stringify(before));
  expect(SwaggerModule.createDocument(app, of, options)).toEqual(before);
  return asked;
}

function takenOut({ paths, webhooks = {} }: OpenAPIObject): Asked {
  const asked: Record<string, unknown> = {};
  for (const [path, item] of [...Object.entries(paths), ...Object.entries(webhooks)]) {
    for (const [method, operation] of Object.entries(item as Record<string, Record<string, unknown>>)) {
      asked[`${method} ${path}`] = operation['x-asset'];
      delete operation['x-asset'];
    }
  }
  return asked;
}

describe('The extension x-asset of an OpenAPI document', () => {
  it('names what the handler declares, else what its class does, and stands nowhere else', async () => {
    @Controller('businesses/:businessId/ledgers')
    @AssetBusiness('businessId')
    @AssetScope('ledger:read')
    class LedgersController {
      @Get()
      list(): void {}

      @Post()
      @AssetScope('ledger:create', 'ledger:read')
      create(): void {}

      @Get('all')
      @AssetScope(null)
      @AssetBusiness(null)
      everything(): void {}

      @Get('found')
      @AssetBusiness(() => 'biz_1')
      found(): void {}
    }

    @Controller()
    class OtherController {
      @Get('businesses/:id')
      @AssetBusiness('id')
      business(): void {}

      @Get('status')
      status(): void {}
    }

    const { app } = await application({ controllers: [LedgersController, OtherController] });
    const business = 'businessId';
    expect(askedIn(app)).toEqual({
      'get /businesses/{businessId}/ledgers': { scopes: ['ledger:read'], business },
      'post /businesses/{businessId}/ledgers': { scopes: ['ledger:create', 'ledger:read'], business },
      'get /businesses/{businessId}/ledgers/all': { scopes: null, business: null },
      'get /businesses/{businessId}/ledgers/found': { scopes: ['ledger:read'], business: true },
      'get /businesses/{id}': { business: 'id' },
      'get /status': undefined,
    });
  });

  it('names the client that the scopes are for, and is a list where they are for two', async () => {
    @Controller()
    @AssetScope('report:read', { client: 'us' })
    class ReportsController {
      @Get('us')
      us(): void {}

      @Get('both')
      @AssetScope('ledger:read', { client: 'eu' })
      both(): void {}

      @Get('any')
      @AssetScope('ledger:read')
      any(): void {}
    }

    const { app } = await application({ controllers: [ReportsController] });
    const us = { scopes: ['report:read'], client: 'us' };
    expect(askedIn(app)).toEqual({
      'get /us': us,
      'get /both': [{ scopes: ['ledger:read'], client: 'eu' }, us],
      'get /any': { scopes: ['ledger:read'] },
    });
  });

  it('is each controller’s own where two inherit one method, or one controller inherits from another', async () => {
    abstract class Listing {
      @Get()
      list(): void {}

      @Get('declared')
      @AssetScope('business:read')
      declared(): void {}
    }

    @Controller('ledgers')
    @AssetScope('ledger:read')
    @ApiSecurity('of-ledgers')
    class LedgersController extends Listing {}

    @Controller('reports')
    @AssetScope('report:read')
    class ReportsController extends Listing {}

    @Controller('more')
    class MoreController extends LedgersController {}

    @Controller('plain')
    class PlainController extends Listing {}

    const controllers = [LedgersController, ReportsController, MoreController, PlainController];
    const { app } = await application({ controllers });
    const declared = { scopes: ['business:read'] };
    expect(askedIn(app)).toEqual({
      'get /ledgers': { scopes: ['ledger:read'] },
      'get /ledgers/declared': declared,
      'get /reports': { scopes: ['report:read'] },
      'get /reports/declared': declared,
      'get /more': { scopes: ['ledger:read'] },
      'get /more/declared': declared,
      'get /plain': undefined,
      'get /plain/declared': declared,
    });
  });

  it('stands on every path and every method that a handler has', async () => {
    @Controller(['ledgers', 'accounts'])
    @AssetScope('ledger:read')
    class LedgersController {
      @Get(['list', 'index'])
      list(): void {}

      @All('any')
      any(): void {}
    }

    const { app } = await application({ controllers: [LedgersController] });
    const asked = askedIn(app);
    expect(Object.keys(asked).length).toBeGreaterThanOrEqual(4 + 2 * 8);
    expect(Object.keys(asked)).toEqual(
      expect.arrayContaining(['get /ledgers/list', 'get /accounts/index', 'patch /accounts/any']),
    );
    for (const of of Object.values(asked)) expect(of).toEqual({ scopes: ['ledger:read'] });
  });

  it('tells two classes of one name apart', async () => {
    const { app } = await application({
      imports: [ledgersModule('first', 'ledger:read'), ledgersModule('second', 'ledger:create')],
    });
    expect(askedIn(app)).toEqual({
      'get /first': { scopes: ['ledger:read'] },
      'get /second': { scopes: ['ledger:create'] },
    });
  });

  it('stands in a document of some modules only', async () => {
    const first = ledgersModule('first', 'ledger:read');
    const second = ledgersModule('second', 'ledger:create');
    @Module({ imports: [first] })
    class AreaModule {}

    const { app } = await application({ imports: [AreaModule, second] });
    const ofFirst = { 'get /first': { scopes: ['ledger:read'] } };
    expect(askedIn(app, { include: [second] })).toEqual({ 'get /second': { scopes: ['ledger:create'] } });
    expect(askedIn(app, { include: [AreaModule], deepScanRoutes: true })).toEqual(ofFirst);
    expect(askedIn(app, { include: [AreaModule] })).toEqual({});
    expect(askedIn(app, { deepScanRoutes: true })).toMatchObject(ofFirst);
  });

  it('minds versions and a global prefix', async () => {
    @Controller({ path: 'ledgers', version: '1' })
    @AssetScope('ledger:read')
    class LedgersController {
      @Get()
      list(): void {}

      @Get()
      @Version(['2', '3'])
      @AssetScope('ledger:list')
      listAnew(): void {}
    }

    const { app } = await application({ controllers: [LedgersController] }, (it) =>
      it.setGlobalPrefix('api').enableVersioning({ type: VersioningType.URI }),
    );
    expect(askedIn(app)).toEqual({
      'get /api/v1/ledgers': { scopes: ['ledger:read'] },
      'get /api/v2/ledgers': { scopes: ['ledger:list'] },
      'get /api/v3/ledgers': { scopes: ['ledger:list'] },
    });
    expect(Object.keys(askedIn(app, { ignoreGlobalPrefix: true }))).toContain('get /v1/ledgers');
  });

  it('names the handler that is shown where versions in a header share a path', async () => {
    @Controller('ledgers')
    class LedgersController {
      @Get()
      @Version('1')
      @AssetScope('ledger:read')
      list(): void {}

      @Get()
      @Version('2')
      @AssetScope('ledger:list')
      listAnew(): void {}
    }

    const { app } = await application({ controllers: [LedgersController] }, (it) =>
      it.enableVersioning({ type: VersioningType.HEADER, header: 'X-Version' }),
    );
    const shown = SwaggerModule.createDocument(app, config).paths['/ledgers']?.get?.operationId;
    const scopes = shown?.includes('listAnew') ? ['ledger:list'] : ['ledger:read'];
    expect(askedIn(app)).toEqual({ 'get /ledgers': { scopes } });
  });

  it('leaves ids, security requirements, links and extensions as they are', async () => {
    class Ledger {
      @ApiProperty()
      readonly id!: string;
    }

    @Controller('ledgers')
    @AssetScope('ledger:read')
    @ApiBearerAuth()
    class LedgersController {
      @Get()
      @ApiOperation({ operationId: 'theList', summary: 'All of them' })
      @ApiSecurity('key', ['read'])
      @ApiOkResponse({ type: Ledger })
      list(): void {}

      @Get(':id')
      @ApiLink({ from: Ledger, routeParam: 'id' })
      @ApiExtension('x-owner', { team: 'books' })
      one(@Param('id') id: string): string {
        return id;
      }

      @Post('arrived')
      @ApiWebhook('ledgerArrived')
      @AssetScope('ledger:create')
      arrived(): void {}
    }

    const { app } = await application({ controllers: [LedgersController] });
    const operationIdFactory = (...parts: readonly (string | undefined)[]): string => parts.join('/');
    const ofWebhooks = new DocumentBuilder().setOpenAPIVersion('3.1.0').build();
    for (const options of [{}, { operationIdFactory }]) {
      expect(askedIn(app, options, ofWebhooks)).toEqual({
        'get /ledgers': { scopes: ['ledger:read'] },
        'get /ledgers/{id}': { scopes: ['ledger:read'] },
        'post ledgerArrived': { scopes: ['ledger:create'] },
      });
    }
  });

  it('stands on operations that name their own security, or none, and leaves that to them', async () => {
    abstract class Listing {
      @Get('own')
      @ApiOperation({ summary: 'All', security: [{ own: ['read'] }] })
      own(): void {}

      @Get('public')
      @ApiSecurity('key')
      @ApiOperation({ security: [] })
      open(): void {}

      @Get('both')
      @ApiBearerAuth()
      both(): void {}

      @Get('hidden')
      @ApiOperation({ security: [] })
      @ApiExcludeEndpoint()
      hidden(): void {}
    }

    @Controller('ledgers')
    @AssetScope('ledger:read')
    @ApiBearerAuth()
    class LedgersController extends Listing {}

    @Controller('reports')
    @AssetScope('report:read')
    class ReportsController extends Listing {}

    const { app } = await application({ controllers: [LedgersController, ReportsController] });
    const { paths } = withAssetScopes(app, () => SwaggerModule.createDocument(app, config));
    const security = ['own', 'public', 'both'].map((path) => paths[`/ledgers/${path}`]?.get?.security);
    expect(security).toEqual([[{ own: ['read'] }], [], [{ bearer: [] }, { bearer: [] }]]);
    const [ledgers, reports] = [{ scopes: ['ledger:read'] }, { scopes: ['report:read'] }];
    expect(askedIn(app)).toEqual({
      'get /ledgers/own': ledgers,
      'get /ledgers/public': ledgers,
      'get /ledgers/both': ledgers,
      'get /reports/own': reports,
      'get /reports/public': reports,
      'get /reports/both': reports,
    });
  });

  it('stands on the only operation of an application, though it names its own security', async () => {
    @Controller('ledgers')
    class LedgersController {
      @Get()
      @AssetScope('ledger:read')
      @ApiOperation({ security: [{ own: [] }] })
      list(): void {}
    }

    const { app } = await application({ controllers: [LedgersController] });
    expect(askedIn(app)).toEqual({ 'get /ledgers': { scopes: ['ledger:read'] } });
  });

  it('does not replace an x-asset that the application wrote itself', async () => {
    @Controller('ledgers')
    @AssetScope('ledger:read')
    class LedgersController {
      @Get()
      @ApiExtension('x-asset', { note: 'by hand' })
      list(): void {}
    }

    const { app } = await application({ controllers: [LedgersController] });
    const { paths } = withAssetScopes(app, () => SwaggerModule.createDocument(app, config));
    expect(paths['/ledgers']?.get).toMatchObject({ 'x-asset': { note: 'by hand' } });
  });

  it('is served by SwaggerModule.setup, which makes the document when it is first asked for', async () => {
    const { url } = await application({ imports: [ledgersModule('ledgers', 'ledger:read')] }, (app) => {
      SwaggerModule.setup('docs', app, () =>
        withAssetScopes(app, () => SwaggerModule.createDocument(app, config)),
      );
    });
    for (let time = 0; time < 2; time += 1) {
      const document = (await (await fetch(`${url}/docs-json`)).json()) as OpenAPIObject;
      expect(takenOut(document)).toEqual({ 'get /ledgers': { scopes: ['ledger:read'] } });
    }
  });

  it('is refused for a document that was made earlier, later, or of another application', async () => {
    const { app } = await application({ imports: [ledgersModule('ledgers', 'ledger:read')] });
    const { app: other } = await application({ imports: [ledgersModule('others', 'ledger:read')] });
    const earlier = SwaggerModule.createDocument(app, config);
    const later = (() =>
      Promise.resolve().then(() =>
        SwaggerModule.createDocument(app, config),
      )) as unknown as () => OpenAPIObject;
    for (const create of [() => earlier, later, () => SwaggerModule.createDocument(other, config)]) {
      expect(() => withAssetScopes(app, create)).toThrow(
        /withAssetScopes cannot be used:\n.*Call SwaggerModule.createDocument with this application inside it/,
      );
    }
    expect(withAssetScopes(app, () => ({ paths: {} }))).toEqual({ paths: {} });
  });

  it('leaves nothing behind when the document cannot be made', async () => {
    const { app } = await application({ imports: [ledgersModule('ledgers', 'ledger:read')] });
    const before = SwaggerModule.createDocument(app, config);
    const broken = (): OpenAPIObject => {
      throw new Error('There is no such model');
    };
    expect(() => withAssetScopes(app, broken)).toThrow('There is no such model');
    expect(SwaggerModule.createDocument(app, config)).toEqual(before);
  });
});

/** A module with a controller that is called as every other one. */
function ledgersModule(path: string, scope: string): Type {
  @Controller(path)
  class LedgersController {
    @Get()
    @AssetScope(scope)
    list(): void {}
  }
  @Module({ controllers: [LedgersController] })
  class LedgersModule {}
  return LedgersModule;
}
