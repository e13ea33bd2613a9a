import { AsyncLocalStorage, createHook } from 'node:async_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { Controller, Get, Injectable, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { AxiosError } from 'axios';
import { Test } from '@nestjs/testing';
import {
  AssetAuthConfig,
  AssetAuthModule,
  type AssetAuthOptions,
  AssetBusiness,
  AssetHttpService,
  AssetScope,
  AssetTokenService,
  getAssetAuthConfigToken,
  getAssetAuthOptionsToken,
  getAssetHttpToken,
  getAssetTokenServiceToken,
  InjectAssetHttp,
  InjectAssetTokenService,
  isAssetAuthError,
  RunWithAssetScope,
} from 'nestjs-asset-auth';
import { type AssetSandbox, expectNoSecrets } from 'nestjs-asset-auth/testing';
import { firstValueFrom, of } from 'rxjs';
import { failureOf } from '../../support/failure-of.js';
import { recordingLogger } from '../../support/recording-logger.js';
import { startSandbox } from '../../support/sandbox.js';
import { bootError, expectSeen, moduleOf, start } from './application.fixture.js';

let us: AssetSandbox;
let eu: AssetSandbox;

beforeEach(async () => {
  us = await startSandbox();
  eu = await startSandbox();
});

/** The default client on one sandbox, the client "eu" on the other. */
const bothClients = (
  ofDefault: Partial<AssetAuthOptions> = {},
  ofEu: Partial<AssetAuthOptions> = {},
): NonNullable<ModuleMetadata['imports']> => [
  AssetAuthModule.forRoot({ ...us.moduleOptions(), undeclaredScopes: 'allow', ...ofDefault }),
  AssetAuthModule.forRootAsync({
    name: 'eu',
    useFactory: () => ({ ...eu.moduleOptions(), undeclaredScopes: 'allow', ...ofEu }),
  }),
];

@Injectable()
class Clients {
  constructor(
    readonly asset: AssetHttpService,
    readonly tokens: AssetTokenService,
    @InjectAssetHttp('eu') readonly euAsset: AssetHttpService,
    @InjectAssetTokenService('eu') readonly euTokens: AssetTokenService,
  ) {}

  async callBoth(): Promise<void> {
    await firstValueFrom(this.asset.get('/v0/business'));
    await firstValueFrom(this.euAsset.get('/v0/business'));
  }
}

const seen = (...scopes: readonly string[]) => ({ scopes, businessId: undefined });

describe('Two clients of one application', () => {
  it('have each their own configuration and services', async () => {
    const { app } = await start({ imports: bothClients({ scopes: 'ledger:read' }), providers: [Clients] });
    const { asset, euAsset, tokens, euTokens } = app.get(Clients);
    expect(euAsset).not.toBe(asset);
    expect(euTokens).not.toBe(tokens);
    expect(app.get(AssetAuthConfig)).toMatchObject({ origin: us.url, scopes: ['ledger:read'] });
    const ofEu = app.get<AssetAuthConfig>(getAssetAuthConfigToken('eu'));
    expect(ofEu).toMatchObject({ origin: eu.url, scopes: undefined });
    expect(app.get(getAssetHttpToken('eu'))).toBe(euAsset);
    expect(app.get(getAssetTokenServiceToken('eu'))).toBe(euTokens);
  });

  it('do not get in the way of a third', async () => {
    const uk = AssetAuthModule.forRoot({ ...us.moduleOptions(), name: 'uk' });
    const { app } = await start({ imports: [...bothClients(), uk] });
    for (const tokenOf of [getAssetAuthConfigToken, getAssetTokenServiceToken, getAssetHttpToken]) {
      const all = [undefined, 'eu', 'uk'].map((name) => app.get<unknown>(tokenOf(name)));
      expect(new Set(all).size).toBe(3);
    }
  });

  it('T107 are named also where the words of an error hold their name', async () => {
    const module = await Test.createTestingModule({
      imports: [AssetAuthModule.forRoot({ ...us.moduleOptions(), name: 's', undeclaredScopes: 'allow' })],
    }).compile();
    const asset = module.get<AssetHttpService>(getAssetHttpToken('s'));
    const { message } = await failureOf(asset.get('https://elsewhere.example/v0'));
    expect(message).toMatch(/^client s: .*this client sends/);
    await module.close();
  });

  it('T107 are named by whatever fails, is logged or shown of them', async () => {
    const logger = recordingLogger();
    const module = await Test.createTestingModule({
      imports: bothClients({}, { clientSecret: 'wrong-secret-of-eu' }),
      providers: [Clients],
    })
      .setLogger(logger)
      .compile();
    await module.init();
    const { asset, euAsset, euTokens } = module.get(Clients);
    await asset.axiosRef.get('/v0/business');

    const errors = [
      await failureOf(euTokens.getAccessToken()),
      await failureOf(euAsset.get('/v0/business')),
      await failureOf(euAsset.get('https://elsewhere.example/v0')),
      await failureOf(euAsset.get('/v0/business', { asset: { scopes: ['not a scope'] } })),
      await failureOf(euAsset.get('/v0/business', { adapter: 'fetch' })),
      await failureOf(euAsset.axiosRef.create().get('/v0/business')),
    ];
    for (const error of errors) expect(error.message).toContain('client eu');
    // Sent again through another client, it is refused by that one, before a token is asked for.
    const { config: refused } = errors.at(-2) as Partial<AxiosError>;
    const again = await failureOf(asset.axiosRef.request({ ...refused, baseURL: us.url }));
    expect(again.message).toMatch(/^The request chooses another adapter/);
    expect(errors[0]!.message).toContain(eu.moduleOptions().baseUrl);
    expect((await failureOf(asset.get('https://elsewhere.example/v0'))).message).not.toContain('client eu');
    expect(euTokens.snapshot()).toMatchObject([{ client: 'eu' }]);
    expect(logger.text()).toContain('AssetAuthModule eu');
    expectNoSecrets([errors, logger.lines], ['wrong-secret-of-eu']);
    await module.close();
  });

  it('T85 share no token, though they ask for the same', async () => {
    const { app } = await start({ imports: bothClients(), providers: [Clients] });
    const { asset, euAsset } = app.get(Clients);
    for (const client of [asset, euAsset, asset, euAsset]) {
      await firstValueFrom(client.withScope('report:read').get('/v0/business'));
    }
    expectSeen(us, seen('report:read'), seen('report:read'));
    expectSeen(eu, seen('report:read'), seen('report:read'));
  });

  it('do not wait for each other’s token endpoint', async () => {
    us.fail('token', { status: 429, retryAfter: 30 });
    const held = eu.hold('token');
    const { app } = await start({
      imports: bothClients({}, { maxConcurrentTokenRequests: 1 }),
      providers: [Clients],
    });
    const { tokens, euTokens } = app.get(Clients);
    await expect(tokens.getAccessToken()).rejects.toMatchObject({ code: 'ASSET_TOKEN_THROTTLED' });
    const waiting = euTokens.getAccessToken();
    await eu.waitForRequest('token');
    await expect(tokens.getAccessToken({ scopes: 'ledger:read' })).rejects.toMatchObject({
      code: 'ASSET_TOKEN_THROTTLED',
    });
    held.release();
    await expect(waiting).resolves.toMatchObject({ businessId: undefined });
    expect(us.tokenRequests).toHaveLength(1);
  });

  it('close as one application, and refuse later calls in words', async () => {
    const { app } = await start({ imports: bothClients(), providers: [Clients] });
    const { tokens, euTokens } = app.get(Clients);
    await app.close();
    for (const client of [tokens, euTokens]) {
      await expect(client.getAccessToken()).rejects.toMatchObject({ code: 'ASSET_CLOSED' });
    }
  });
});

describe('@AssetScope in an application with two clients', () => {
  @Controller()
  class Handlers {
    constructor(private readonly clients: Clients) {}

    @Get('any')
    @AssetScope('report:read')
    async any() {
      await this.clients.callBoth();
    }

    @Get('eu')
    @AssetScope('report:read', { client: 'eu' })
    async onlyEu() {
      await this.clients.callBoth();
    }
  }
  const application = (): ModuleMetadata => ({
    imports: bothClients({ scopes: 'business:read' }, { scopes: 'business:read' }),
    controllers: [Handlers],
    providers: [Clients],
  });

  it('holds for the calls of both', async () => {
    const { url } = await start(application());
    expect((await fetch(`${url}/any`)).status).toBe(200);
    expectSeen(us, seen('report:read'));
    expectSeen(eu, seen('report:read'));
  });

  it('holds for the one that it names, while the other keeps to its own default', async () => {
    const { url } = await start(application());
    expect((await fetch(`${url}/eu`)).status).toBe(200);
    expectSeen(us, seen('business:read'));
    expectSeen(eu, seen('report:read'));
  });

  it("leaves the class's scopes in force for the clients that the handler's does not name", async () => {
    @Controller()
    @AssetScope('ledger:read')
    class OfClass {
      constructor(private readonly clients: Clients) {}

      @Get('eu')
      @AssetScope('report:read', { client: 'eu' })
      async onlyEu() {
        await this.clients.callBoth();
      }
    }
    const { url } = await start({ imports: bothClients(), controllers: [OfClass], providers: [Clients] });
    expect((await fetch(`${url}/eu`)).status).toBe(200);
    expectSeen(us, seen('ledger:read'));
    expectSeen(eu, seen('report:read'));
  });

  it('is put in force once for each handler call, however many clients there are', async () => {
    let asked = 0;
    const business = (): string => {
      asked += 1;
      return us.businesses[0]!.id;
    };
    @Controller()
    @AssetScope('ledger:read')
    @AssetBusiness(business)
    class Once {
      constructor(private readonly clients: Clients) {}
      @Get()
      @AssetScope('report:read')
      async get() {
        await this.clients.callBoth();
      }
    }
    const { url } = await start({ imports: bothClients(), controllers: [Once], providers: [Clients] });
    expect((await fetch(url)).status).toBe(200);
    expect(asked).toBe(1);
    for (const sandbox of [us, eu]) {
      expectSeen(sandbox, { scopes: ['report:read'], businessId: us.businesses[0]!.id });
    }
  });
});

describe('An application does not start', () => {
  const code = (error: Error): string => (isAssetAuthError(error) ? error.code : 'none of ours');

  it.each([
    ['two clients of one name', 'eu', /two clients are named "eu"\. Give each its own name/],
    [
      'two clients without a name',
      undefined,
      /registered twice without a name.*give the second client a name/,
    ],
  ])('with %s', async (_, name, message) => {
    const error = await bootError({
      imports: [us, eu].map((sandbox) =>
        AssetAuthModule.forRootAsync({ name, useFactory: () => sandbox.moduleOptions() }),
      ),
    });
    expect(code(error)).toBe('ASSET_CONFIG_INVALID');
    expect(error.message).toMatch(message);
  });

  it.each([
    ['scopes', () => AssetScope('ledger:read', { client: 'uk' })],
    ['explicitly no scopes', () => AssetScope(null, { client: 'uk' })],
  ])('with %s for a client that does not exist', async (_, decorator) => {
    @Controller()
    class Handlers {
      @Get()
      get() {}
    }
    decorator()(Handlers.prototype, 'get', Object.getOwnPropertyDescriptor(Handlers.prototype, 'get')!);
    const error = await bootError({ imports: bothClients(), controllers: [Handlers] });
    expect(code(error)).toBe('ASSET_CONFIG_INVALID');
    expect(error.message).toMatch(
      /@AssetScope on Handlers\.get is for the client "uk", which does not exist/,
    );
  });

  describe('if a decorator asks for more', () => {
    @Controller()
    class OfAnyClient {
      @Get()
      @AssetScope('ledger:read', 'ledger:create')
      create() {}
    }
    @Controller()
    class OfEu {
      @Get()
      @AssetScope('ledger:create', { client: 'eu' })
      create() {}
    }
    @Injectable()
    class Jobs {
      @RunWithAssetScope('ledger:create')
      nightly() {}
    }
    const allow = (ofDefault: string, ofEu: string) =>
      bothClients({ allowedScopes: ofDefault.split(' ') }, { allowedScopes: ofEu.split(' ') });

    it('than any client may ask for', async () => {
      const error = await bootError({
        imports: allow('ledger:read', 'report:read'),
        controllers: [OfAnyClient],
      });
      expect(code(error)).toBe('ASSET_SCOPE_NOT_ALLOWED');
      expect(error.message).toMatch(
        /@AssetScope on OfAnyClient\.create asks for ledger:create, which is beyond/,
      );
    });

    it('than the client that it names may ask for, whatever the others may', async () => {
      const error = await bootError({ imports: allow('ledger:create', 'ledger:read'), controllers: [OfEu] });
      expect(code(error)).toBe('ASSET_SCOPE_NOT_ALLOWED');
      expect(error.message).toMatch(/@AssetScope on OfEu\.create .* of the client "eu"/);
    });

    it('on a method that no interceptor reaches', async () => {
      const error = await bootError({ imports: allow('ledger:read', 'ledger:read'), providers: [Jobs] });
      expect(error.message).toMatch(/@RunWithAssetScope on Jobs\.nightly asks for ledger:create/);
    });

    it('but does if one client may ask for it', async () => {
      const { app } = await start({
        imports: allow('ledger:read', 'ledger:read ledger:create'),
        controllers: [OfAnyClient, OfEu],
        providers: [Jobs],
      });
      expect(app.get(OfEu)).toBeDefined();
    });
  });
});

describe('Tests of an application replace', () => {
  const answer = { data: 'from the test' };
  const stub = { get: () => of(answer) };
  const token = { value: 'of-the-test' };
  const tokenStub = { getAccessToken: () => Promise.resolve(token) };

  it('the HTTP service of either client, which leaves the other as it is', async () => {
    const builder = Test.createTestingModule({ imports: bothClients(), providers: [Clients] });
    const module = await builder.overrideProvider(getAssetHttpToken('eu')).useValue(stub).compile();
    const { asset, euAsset } = module.get(Clients);
    expect(await firstValueFrom(euAsset.get('/'))).toBe(answer);
    expect(asset).toBeInstanceOf(AssetHttpService);
    await module.close();
  });

  it.each([
    ['by its class', AssetHttpService],
    ['by its token', getAssetHttpToken()],
  ])('the HTTP service of the default client, %s', async (_, injected) => {
    const builder = Test.createTestingModule({ imports: bothClients(), providers: [Clients] });
    const module = await builder.overrideProvider(injected).useValue(stub).compile();
    const { asset, euAsset } = module.get(Clients);
    expect(await firstValueFrom(asset.get('/'))).toBe(answer);
    expect(euAsset).toBeInstanceOf(AssetHttpService);
    await module.close();
  });

  it('the token services of both clients', async () => {
    const module = await Test.createTestingModule({ imports: bothClients(), providers: [Clients] })
      .overrideProvider(AssetTokenService)
      .useValue(tokenStub)
      .overrideProvider(getAssetTokenServiceToken('eu'))
      .useFactory({ factory: () => tokenStub })
      .compile();
    await module.init();
    const { tokens, euTokens } = module.get(Clients);
    expect(await tokens.getAccessToken()).toBe(token);
    expect(await euTokens.getAccessToken()).toBe(token);
    await module.close();
    expect([...us.requests, ...eu.requests]).toEqual([]);
  });
});

describe('Tests of an application put its clients on a sandbox', () => {
  const failing = (): never => {
    throw new Error('The environment is empty.');
  };
  @Injectable()
  class FailingSettings {
    createAssetAuthOptions = failing;
  }

  it.each([
    ['a factory', () => ({ useFactory: failing })],
    ['a class', () => ({ useClass: FailingSettings })],
    [
      'an existing provider',
      () => ({
        imports: [moduleOf({ providers: [FailingSettings], exports: [FailingSettings] })],
        useExisting: FailingSettings,
      }),
    ],
  ])('though %s fails there that has the options', async (_, source) => {
    const AppModule = moduleOf({
      imports: [
        AssetAuthModule.forRootAsync(source()),
        AssetAuthModule.forRootAsync({ ...source(), name: 'eu' }),
      ],
      providers: [Clients],
    });
    const module = await Test.createTestingModule({ imports: [AppModule] })
      .overrideProvider(getAssetAuthOptionsToken())
      .useValue({ ...us.moduleOptions(), scopes: 'report:read' })
      .overrideProvider(getAssetAuthOptionsToken('eu'))
      .useValue({ ...eu.moduleOptions(), scopes: 'report:read' })
      .compile();
    await module.init();
    await module.get(Clients).callBoth();
    await module.close();
    expect([us.apiRequests.length, eu.apiRequests.length]).toEqual([1, 1]);
  });

  it('one by one: the options of each are its own', async () => {
    const builder = Test.createTestingModule({ imports: bothClients(), providers: [Clients] })
      .overrideProvider(getAssetAuthOptionsToken('eu'))
      .useValue({ ...us.moduleOptions(), scopes: 'report:read' });
    const module = await builder.compile();
    await module.get(Clients).callBoth();
    await module.close();
    expect(eu.requests).toEqual([]);
    expect(us.apiRequests.map(({ claims }) => claims?.scopes)).toContainEqual(['report:read']);
    expect(us.apiRequests).toHaveLength(2);
  });
});

/**
 * What lives outside of the heap: timers, referenced or not, sockets and servers. Only what comes of `run` counts: the
 * test runner's progress display sets timers of its own, in this very process where it has one core to itself.
 */
function countHandles(): {
  readonly open: ReadonlyMap<number, string>;
  readonly run: (action: () => Promise<void>) => Promise<void>;
  readonly stop: () => void;
} {
  const open = new Map<number, string>();
  const ours = new AsyncLocalStorage<true>();
  const hook = createHook({
    init(id, type) {
      if (ours.getStore() && /^(Timeout|TCPWRAP|TCPSERVERWRAP|PIPEWRAP)$/.test(type)) open.set(id, type);
    },
    destroy(id) {
      open.delete(id);
    },
  }).enable();
  return { open, run: (action) => ours.run(true, action), stop: () => hook.disable() };
}

const listeners = (): unknown => process.eventNames().map((name) => [name, process.listenerCount(name)]);

it('T50 A hundred times opened and closed, an application with two clients leaves no timer, socket or listener', async () => {
  const cycle = async (): Promise<void> => {
    const app = await NestFactory.create(
      moduleOf({ imports: bothClients({ startup: 'warm' }, { startup: 'required' }), providers: [Clients] }),
      { logger: false },
    );
    await app.listen(0, '127.0.0.1');
    await app.get(Clients).callBoth();
    await app.close();
  };
  await cycle(); // Whatever is made once, is made now.
  const before = listeners();
  const handles = countHandles();
  for (let times = 0; times < 100; times += 1) await handles.run(cycle);
  // Closing a socket takes the event loop a few turns at both ends.
  const closing = (): number => handles.open.size + us.connections + eu.connections;
  for (let turns = 0; turns < 1_000 && closing() > 0; turns += 1) await turn();
  handles.stop();
  expect([...handles.open.values()]).toEqual([]);
  expect(listeners()).toEqual(before);
  expect([us.connections, eu.connections]).toEqual([0, 0]);
  expect(us.apiRequests).toHaveLength(101);
}, 120_000);
