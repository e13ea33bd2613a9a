import { Controller, Get, Inject, Injectable, Module, Scope } from '@nestjs/common';
import { NestFactory, REQUEST } from '@nestjs/core';
import {
  AssetAuthModule,
  type AssetAuthOptions,
  AssetHttpService,
  AssetScope,
  getAssetHttpToken,
  isAssetAuthError,
} from 'nestjs-asset-auth';
import { type AssetSandbox } from 'nestjs-asset-auth/testing';
import { firstValueFrom, map } from 'rxjs';
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

  it('and refuses forRootAsync without a source of options at the call, before Nest is asked for anything', () => {
    const call = () => AssetAuthModule.forRootAsync({});
    expect(call).toThrow(/forRootAsync.*useFactory, useClass or useExisting/);
    expect(codeOf(call)).toBe('ASSET_CONFIG_INVALID');
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

describe('A provider that is made anew for each request', () => {
  it('T77 gets the one client, with its one cache', async () => {
    const sandbox = await startSandbox();
    const made: unknown[] = [];

    @Injectable({ scope: Scope.REQUEST })
    class PerRequest {
      constructor(
        private readonly asset: AssetHttpService,
        @Inject(REQUEST) request: unknown,
      ) {
        made.push(request);
      }
      list() {
        return this.asset.get('/v0/business').pipe(map(({ status }) => ({ status })));
      }
    }
    @Controller()
    class Businesses {
      constructor(private readonly perRequest: PerRequest) {}
      @Get()
      @AssetScope('report:read')
      list() {
        return this.perRequest.list();
      }
    }
    const { url } = await start({
      imports: [AssetAuthModule.forRoot(sandbox.moduleOptions())],
      controllers: [Businesses],
      providers: [PerRequest],
    });
    for (let times = 0; times < 3; times += 1) expect((await fetch(url)).status).toBe(200);
    expect(new Set(made).size).toBe(3);
    const seen = { scopes: ['report:read'], businessId: undefined };
    expectSeen(sandbox, seen, seen, seen);
  });
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
