import { Controller, type DynamicModule, Get, Inject, Injectable, Module, Scope } from '@nestjs/common';
import {
  ContextIdFactory,
  type ContextIdStrategy,
  INQUIRER,
  LazyModuleLoader,
  NestFactory,
  REQUEST,
} from '@nestjs/core';
import {
  AssetAuthModule,
  type AssetAuthOptions,
  AssetHttpService,
  AssetScope,
  getAssetHttpToken,
  isAssetAuthError,
} from 'nestjs-asset-auth';
import type { AssetSandbox } from 'nestjs-asset-auth/testing';
import { firstValueFrom, map } from 'rxjs';
import { afterThisTest } from '../../support/cleanup.js';
import { startSandbox } from '../../support/sandbox.js';
import { bootError, expectSeen, moduleOf, start } from './application.fixture.js';

const OPTIONS: AssetAuthOptions = {
  baseUrl: 'http://127.0.0.1:1',
  clientId: 'client-id',
  clientSecret: 'not-to-be-shown',
};

const codeOf = (call: () => unknown): unknown => {
  try {
    return call();
  } catch (error) {
    return isAssetAuthError(error) ? error.code : error;
  }
};

describe('AssetAuthModule takes its options', () => {
  let sandbox: AssetSandbox;
  const SANDBOX = Symbol('sandbox');

  @Injectable()
  class OptionsOfSandbox {
    constructor(@Inject(SANDBOX) private readonly its: AssetSandbox) {}
    createAssetAuthOptions(): AssetAuthOptions {
      return this.its.moduleOptions();
    }
  }

  const sandboxModule = () => {
    @Module({
      providers: [{ provide: SANDBOX, useValue: sandbox }, OptionsOfSandbox],
      exports: [SANDBOX, OptionsOfSandbox],
    })
    class SandboxModule {}
    return SandboxModule;
  };

  beforeEach(async () => {
    sandbox = await startSandbox();
  });

  it.each([
    ['from forRoot', () => AssetAuthModule.forRoot(sandbox.moduleOptions())],
    ['from a factory', () => AssetAuthModule.forRootAsync({ useFactory: () => sandbox.moduleOptions() })],
    [
      'from a factory that takes its time and injects',
      () =>
        AssetAuthModule.forRootAsync({
          imports: [sandboxModule()],
          inject: [SANDBOX],
          useFactory: async (its: AssetSandbox) => {
            await Promise.resolve();
            return its.moduleOptions();
          },
        }),
    ],
    [
      'from a class of its own',
      () => AssetAuthModule.forRootAsync({ imports: [sandboxModule()], useClass: OptionsOfSandbox }),
    ],
    [
      'from an existing provider',
      () => AssetAuthModule.forRootAsync({ imports: [sandboxModule()], useExisting: OptionsOfSandbox }),
    ],
  ])('%s', async (_, registration) => {
    const { app } = await start({ imports: [registration()] });
    await firstValueFrom(app.get(AssetHttpService).withScope('report:read').get('/v0/business'));
    expectSeen(sandbox, { scopes: ['report:read'], businessId: undefined });
  });

  it('from the method of a class that is a property of its instances', async () => {
    class Settings {
      readonly createAssetAuthOptions = () => sandbox.moduleOptions();
    }
    const { app } = await start({ imports: [AssetAuthModule.forRootAsync({ useClass: Settings })] });
    await firstValueFrom(app.get(AssetHttpService).withScope('report:read').get('/v0/business'));
    expect(sandbox.apiRequests).toHaveLength(1);
  });

  it('and by default refuses a call for which nobody declared a scope, before anything is sent', async () => {
    const { app } = await start({ imports: [AssetAuthModule.forRoot(sandbox.moduleOptions())] });
    const call = firstValueFrom(app.get(AssetHttpService).get('/v0/business'));
    await expect(call).rejects.toMatchObject({ code: 'ASSET_SCOPE_UNDECLARED' });
    expect(sandbox.requests).toEqual([]);
  });

  it('and T82 reports what a failing factory says, and no secret of options that are wrong', async () => {
    const failing = await bootError({
      imports: [
        AssetAuthModule.forRootAsync({ useFactory: () => Promise.reject(new Error('The vault is sealed.')) }),
      ],
    });
    expect(failing.message).toBe('The vault is sealed.');
    const wrong = await bootError({
      imports: [AssetAuthModule.forRoot({ ...OPTIONS, baseUrl: 'ftp://asset', tokenTtlSeconds: -1 })],
    });
    expect(isAssetAuthError(wrong, 'ASSET_CONFIG_INVALID')).toBe(true);
    expect(wrong.message).toMatch(/baseUrl[^]*tokenTtlSeconds/);
    expect(wrong.message).not.toContain('not-to-be-shown');
  });
});

describe('A registration that cannot be meant is refused at the call, before Nest is asked for anything', () => {
  const forRoot = AssetAuthModule.forRoot.bind(AssetAuthModule) as (options: unknown) => unknown;
  const forRootAsync = AssetAuthModule.forRootAsync.bind(AssetAuthModule) as (options: unknown) => unknown;
  const useFactory = () => OPTIONS;

  it.each<readonly [string, () => unknown, RegExp]>([
    [
      'forRoot without options',
      () => forRoot(undefined),
      /forRoot: needs the options as an object, not undefined/,
    ],
    ['forRoot with text', () => forRoot('secret'), /forRoot: .* not a string. Use forRootAsync/],
    [
      'forRootAsync without anything',
      () => forRootAsync(undefined),
      /forRootAsync: needs useFactory, useClass or useExisting .*, not undefined/,
    ],
    [
      'forRootAsync without a source of options',
      () => forRootAsync({}),
      /forRootAsync: needs useFactory, useClass or useExisting/,
    ],
    [
      'options in place of a factory',
      () => forRootAsync({ useFactory: OPTIONS }),
      /useFactory: is a value of type object, but must be a function .* to forRoot/,
    ],
    [
      'an instance in place of a class',
      () => forRootAsync({ useClass: { createAssetAuthOptions: useFactory } }),
      /useClass: is a value of type object, but must be a class with the method createAssetAuthOptions/,
    ],
    [
      'a misspelt name',
      () => forRootAsync({ useFactory, nme: 'eu' }),
      /nme: is not known to forRootAsync, which takes useFactory.*isGlobal, name/,
    ],
    [
      'options that forRoot takes',
      () => forRootAsync(OPTIONS),
      /clientId.*: is not known to forRootAsync[^]*Options of the client are what the factory returns/,
    ],
    [
      'isGlobal as text',
      () => forRoot({ ...OPTIONS, isGlobal: 'false' }),
      /isGlobal: must be true or false, not a string/,
    ],
    [
      'isGlobal as null',
      () => forRootAsync({ useFactory, isGlobal: null }),
      /isGlobal: must be true or false, not null/,
    ],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(message);
    expect(call).not.toThrow(/not-to-be-shown/);
    expect(codeOf(call)).toBe('ASSET_CONFIG_INVALID');
  });

  it('but what is undefined is as good as left out', () => {
    const registration = {
      isGlobal: undefined,
      name: undefined,
      useClass: undefined,
      useExisting: undefined,
    };
    expect(AssetAuthModule.forRootAsync({ ...registration, useFactory })).toMatchObject({ global: true });
    expect(AssetAuthModule.forRoot({ ...OPTIONS, isGlobal: undefined })).toMatchObject({ global: true });
  });

  it.each([
    ['useClass', (Wrong: object) => forRootAsync({ useClass: Wrong })],
    [
      'useExisting',
      (Wrong: object) => forRootAsync({ imports: [wrongModule(Wrong)], useExisting: 'its settings' }),
    ],
  ])('and at boot, %s without the method createAssetAuthOptions', async (how, registration) => {
    class Wrong {
      createOptions() {
        return OPTIONS;
      }
    }
    const error = await bootError({ imports: [registration(Wrong) as DynamicModule] });
    expect(isAssetAuthError(error, 'ASSET_CONFIG_INVALID')).toBe(true);
    const given = how === 'useClass' ? 'Wrong' : 'its settings';
    expect(error.message).toMatch(
      `${how}: ${given} has no method createAssetAuthOptions(). Give it one that returns the options`,
    );
  });

  const wrongModule = (Wrong: object) => {
    @Module({ providers: [{ provide: 'its settings', useValue: Wrong }], exports: ['its settings'] })
    class WrongModule {}
    return WrongModule;
  };
});

describe('A client that is loaded lazily, where Nest runs no lifecycle hooks, is refused', () => {
  const lazyClient = (name?: string) => () =>
    moduleOf({ imports: [AssetAuthModule.forRoot({ ...OPTIONS, name })] });

  it('in an application that listens', async () => {
    const { app } = await start({});
    const loading = app.get(LazyModuleLoader).load(lazyClient());
    await expect(loading).rejects.toThrow(
      /AssetAuthModule is loaded after the application has booted.*Import it in the root module/,
    );
  });

  it('beside the clients of the root module, also in an application without a server', async () => {
    const app = await NestFactory.createApplicationContext(
      moduleOf({ imports: [AssetAuthModule.forRoot(OPTIONS)] }),
      { logger: false },
    );
    afterThisTest(() => app.close());
    const loading = app.get(LazyModuleLoader).load(lazyClient('eu'));
    await expect(loading).rejects.toThrow(/client "eu" is loaded after the application has booted/);
  });

  it('but a lazy module may use those of the root module', async () => {
    @Injectable()
    class Lazy {
      constructor(readonly asset: AssetHttpService) {}
    }
    const { app } = await start({ imports: [AssetAuthModule.forRoot(OPTIONS)] });
    const loaded = await app.get(LazyModuleLoader).load(() => moduleOf({ providers: [Lazy] }));
    expect(loaded.get(Lazy).asset).toBe(app.get(AssetHttpService));
  });
});

describe('A client is there', () => {
  @Injectable()
  class Consumer {
    constructor(readonly asset: AssetHttpService) {}
  }

  it('for every module of the application, though only the root module imports it', async () => {
    const feature = moduleOf({ providers: [Consumer] });
    const { app } = await start({ imports: [feature, AssetAuthModule.forRoot(OPTIONS)] });
    expect(app.select(feature).get(Consumer).asset).toBe(app.get(AssetHttpService));
  });

  it('only where it is imported, if it is not global', async () => {
    const registration = AssetAuthModule.forRoot({ ...OPTIONS, isGlobal: false });
    const without = await bootError({ imports: [moduleOf({ providers: [Consumer] }), registration] });
    expect(without.message).toMatch(/AssetHttpService/);

    const feature = moduleOf({ imports: [registration], providers: [Consumer] });
    const { app } = await start({ imports: [feature] });
    expect(app.select(feature).get(Consumer).asset).toBeInstanceOf(AssetHttpService);
  });
});

describe('Options that depend on a request are refused at boot, with the cure', () => {
  const tenant = { provide: 'TENANT', scope: Scope.REQUEST, durable: true, useFactory: () => 'acme' };
  @Module({ providers: [tenant], exports: ['TENANT'] })
  class TenantModule {}

  @Injectable({ scope: Scope.REQUEST })
  class OptionsOfRequest {
    createAssetAuthOptions(): AssetAuthOptions {
      return OPTIONS;
    }
  }

  it.each([
    [
      'by what the factory injects',
      (name?: string) => AssetAuthModule.forRootAsync({ name, inject: [REQUEST], useFactory: () => OPTIONS }),
    ],
    [
      'by a request-scoped class',
      (name?: string) => AssetAuthModule.forRootAsync({ name, useClass: OptionsOfRequest }),
    ],
    [
      'by a durable provider',
      (name?: string) =>
        AssetAuthModule.forRootAsync({
          name,
          imports: [TenantModule],
          inject: ['TENANT'],
          useFactory: () => OPTIONS,
        }),
    ],
  ])('%s', async (_, registration) => {
    const error = await bootError({ imports: [registration()] });
    expect(isAssetAuthError(error, 'ASSET_CONFIG_INVALID')).toBe(true);
    expect(error.message).toMatch(/request-scoped.*Inject singletons only/);
    expect((await bootError({ imports: [registration('eu')] })).message).toContain('the client "eu"');
  });

  it('also in an application without a server', async () => {
    const registration = AssetAuthModule.forRootAsync({ inject: [REQUEST], useFactory: () => OPTIONS });
    await expect(
      NestFactory.createApplicationContext(moduleOf({ imports: [registration] }), {
        logger: false,
        abortOnError: false,
      }),
    ).rejects.toThrow(/request-scoped/);
  });
});

describe('T77 One client, with one cache, serves a provider', () => {
  const seen = (...scopes: readonly string[]) => ({ scopes, businessId: undefined });

  abstract class Businesses {
    constructor(private readonly asset: AssetHttpService) {}
    list() {
      return this.asset.get('/v0/business').pipe(map(({ status }) => ({ status })));
    }
  }

  /** Two handlers with scopes of their own, and how many consumers were made for their calls. */
  const callsThrough = async (
    Consumer: new (...dependencies: never[]) => Businesses,
    made: readonly unknown[],
  ) => {
    const sandbox = await startSandbox();
    @Controller()
    class Handlers {
      constructor(
        @Inject(Consumer) private readonly consumer: Businesses,
        private readonly asset: AssetHttpService,
      ) {}
      @Get('report')
      @AssetScope('report:read')
      report() {
        return this.consumer.list();
      }
      @Get('ledger')
      @AssetScope('ledger:read')
      ledger() {
        return this.consumer.list();
      }
      @Get('direct')
      @AssetScope('ledger:read')
      direct() {
        return this.asset.get('/v0/business').pipe(map(({ status }) => ({ status })));
      }
    }
    const { url } = await start({
      imports: [AssetAuthModule.forRoot(sandbox.moduleOptions())],
      controllers: [Handlers],
      providers: [Consumer],
    });
    for (const path of ['report', 'ledger', 'direct', 'report']) {
      expect((await fetch(`${url}/${path}`)).status).toBe(200);
    }
    expectSeen(sandbox, seen('report:read'), seen('ledger:read'), seen('ledger:read'), seen('report:read'));
    return new Set(made).size;
  };

  it('that is made anew for each request', async () => {
    const made: unknown[] = [];
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest extends Businesses {
      constructor(asset: AssetHttpService, @Inject(REQUEST) request: unknown) {
        super(asset);
        made.push(request);
      }
    }
    expect(await callsThrough(PerRequest, made)).toBe(4);
  });

  it('that is durable, so made once for each tenant', async () => {
    const made: unknown[] = [];
    @Injectable({ scope: Scope.REQUEST, durable: true })
    class PerTenant extends Businesses {
      constructor(asset: AssetHttpService, @Inject(REQUEST) tenant: unknown) {
        super(asset);
        made.push(tenant);
      }
    }
    const ofTheTenant = ContextIdFactory.create();
    const tenant = { tenant: 'acme' };
    oneTenant = {
      attach: (contextId) => ({
        resolve: ({ isTreeDurable }) => (isTreeDurable ? ofTheTenant : contextId),
        payload: tenant,
      }),
    };
    expect(await callsThrough(PerTenant, made)).toBe(1);
    expect(made).toEqual([tenant]);
  });

  it('that is transient, so made once for each consumer of its own', async () => {
    const made: unknown[] = [];
    @Injectable({ scope: Scope.TRANSIENT })
    class PerConsumer extends Businesses {
      constructor(asset: AssetHttpService, @Inject(INQUIRER) consumer: object) {
        super(asset);
        made.push(consumer);
      }
    }
    expect(await callsThrough(PerConsumer, made)).toBe(1);
  });

  let oneTenant: ContextIdStrategy | undefined;
  beforeAll(() => {
    // Nest keeps one strategy for the process, and has no way to take it back: without a tenant, this is the usual one.
    ContextIdFactory.apply({ attach: (...call) => oneTenant?.attach(...call) ?? (() => call[0]) });
  });
  afterEach(() => (oneTenant = undefined));
});

describe('A name', () => {
  it.each(['', ' ', 7, null])('that is none is refused at the call: %j', (name) => {
    const call = () => AssetAuthModule.forRoot({ ...OPTIONS, name: name as string });
    expect(call).toThrow(/name: must be a non-empty text/);
    expect(codeOf(call)).toBe('ASSET_CONFIG_INVALID');
  });

  it('names the tokens that its client is injected by', () => {
    expect(getAssetHttpToken()).toBe(AssetHttpService);
    expect(getAssetHttpToken('eu')).toBe(Symbol.for('nestjs-asset-auth:http:eu'));
  });
});
