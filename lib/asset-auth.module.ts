import {
  type FactoryProvider,
  type InjectionToken,
  type Provider,
  ConfigurableModuleBuilder,
  type DynamicModule,
  Inject,
  Module,
} from '@nestjs/common';
import { getAssetAuthOptionsToken } from './asset-auth.tokens.js';
import type { AssetAuthOptions } from './config/asset-auth.options.js';
import { AssetConfigError, type AssetConfigProblem } from './config/asset-auth.errors.js';
import { described, printable } from './config/text.js';
import { AssetAuthRegistryModule, AssetAuthRegistry } from './asset-auth.registry.js';
import { clientExports, clientProviders, ASSET_CLIENT_NAME } from './asset-auth.providers.js';
import { ModuleRef } from '@nestjs/core';

/** What a class for `useClass` or `useExisting` is called by. */
export const OPTIONS_METHOD = 'createAssetAuthOptions';

interface Sources {
  readonly useFactory?: unknown;
  readonly useClass?: InjectionToken | undefined;
  readonly useExisting?: InjectionToken | undefined;
  readonly name?: string | undefined;
}

/** Puts the options of a named client under a token of their own, so that a test can override one client's. */
export function underItsName(providers: readonly Provider[], name: string | undefined): Provider[] {
  const provide = getAssetAuthOptionsToken(name);
  return providers.map((provider) =>
    isFor(getAssetAuthOptionsToken(), provider) ? { ...provider, provide } : provider,
  );
}

/** With a provider of ours for `useClass` and `useExisting`: Nest's says "is not a function", and not of what. */
export function withMethodChecked(providers: readonly Provider[], sources: Sources): Provider[] {
  const { useFactory, useClass, useExisting, name } = sources;
  const source = useExisting ?? useClass;
  if (typeof useFactory === 'function' || source === undefined) return [...providers];
  const provide = getAssetAuthOptionsToken(name);
  const how = useExisting === undefined ? 'useClass' : 'useExisting';
  return providers.map((provider) =>
    isFor(provide, provider) ? { provide, ...optionsFrom(how, source) } : provider,
  );
}

/** Checked at boot and not at the call: the method may be a property of the instance. */
function optionsFrom(
  how: string,
  source: InjectionToken,
): Pick<FactoryProvider<AssetAuthOptions>, 'inject' | 'useFactory'> {
  return {
    inject: [source],
    useFactory: (factory: Partial<Record<string, () => Promise<AssetAuthOptions>>> | null | undefined) => {
      if (typeof factory?.[OPTIONS_METHOD] === 'function') return factory[OPTIONS_METHOD]();
      const given = typeof source === 'function' ? source.name : String(source);
      const problem = `${given} has no method ${OPTIONS_METHOD}(). Give it one that returns the options, as AssetAuthOptionsFactory describes`;
      throw new AssetConfigError([{ option: how, problem }]);
    },
  };
}

function isFor(token: symbol, provider: Provider): provider is Exclude<Provider, NewableFunction> {
  return 'provide' in provider && provider.provide === token;
}

const SOURCES = ['useFactory', 'useClass', 'useExisting'] as const;
const ASYNC_NAMES: readonly string[] = [
  ...SOURCES,
  'inject',
  'imports',
  'provideInjectionTokensFrom',
  'isGlobal',
  'name',
];

/** What both ways of registration say besides the options. A wrong one would be taken for something else by Nest. */
export function assertExtras({
  name,
  isGlobal,
}: {
  readonly name: unknown;
  readonly isGlobal: unknown;
}): void {
  const problems: AssetConfigProblem[] = [];
  // An empty variable, say, must not become a client of its own that nobody injects.
  if (name !== undefined && (typeof name !== 'string' || name.trim() === '')) {
    problems.push({
      option: 'name',
      problem: 'must be a non-empty text. Leave it out for the default client',
    });
  }
  if (typeof isGlobal !== 'boolean') {
    const problem = `must be true or false, not ${described(isGlobal)}. Leave it out for true`;
    problems.push({ option: 'isGlobal', problem });
  }
  if (problems.length > 0) throw new AssetConfigError(problems);
}

/** What is wrong with the argument of `forRoot` as a whole. Its options are checked at boot, all at once. */
export function assertOptions(options: unknown): void {
  if (typeof options === 'object' && options !== null) return;
  const problem = `needs the options as an object, not ${described(options)}. Use forRootAsync if they come from elsewhere`;
  throw new AssetConfigError([{ option: 'forRoot', problem }]);
}

/** What is wrong with the argument of `forRootAsync`: Nest would not say, or say it where nobody knows why. */
export function assertAsyncOptions(options: unknown): void {
  const problems =
    typeof options === 'object' && options !== null
      ? [...unknownNames(options), ...sourceProblems(options)]
      : [withoutSource(`, not ${described(options)}`)];
  if (problems.length > 0) throw new AssetConfigError(problems);
}

/** A misspelt `name` would register the default client instead of one more. */
function unknownNames(options: object): AssetConfigProblem[] {
  return Object.keys(options)
    .filter((name) => !ASYNC_NAMES.includes(name))
    .map((name) => ({
      option: printable(name, 80),
      problem: `is not known to forRootAsync, which takes ${ASYNC_NAMES.join(', ')}. Options of the client are what the factory returns`,
    }));
}

function sourceProblems(options: Partial<Record<(typeof SOURCES)[number], unknown>>): AssetConfigProblem[] {
  const { useFactory, useClass } = options;
  if (SOURCES.every((source) => (options[source] ?? undefined) === undefined)) return [withoutSource('')];
  return [
    ...notCallable(
      'useFactory',
      useFactory,
      'a function that returns the options. Give an object to forRoot',
    ),
    ...notCallable('useClass', useClass, `a class with the method ${OPTIONS_METHOD}()`),
  ];
}

function notCallable(option: string, value: unknown, what: string): AssetConfigProblem[] {
  if (value === undefined || value === null || typeof value === 'function') return [];
  return [{ option, problem: `is ${described(value)}, but must be ${what}` }];
}

const withoutSource = (butGot: string): AssetConfigProblem => ({
  option: 'forRootAsync',
  problem: `needs useFactory, useClass or useExisting to get the options from${butGot}`,
});

/** What a registration says besides the options. */
export interface AssetAuthModuleExtras {
  /**
   * Whether every module of the application can inject the client without importing {@link AssetAuthModule}.
   *
   * @default true
   */
  isGlobal?: boolean | undefined;
  /** A name makes it a second, independent client, injected with `@InjectAssetHttp(name)`. */
  name?: string | undefined;
}

export const { ConfigurableModuleClass, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<AssetAuthOptions>({ optionsInjectionToken: getAssetAuthOptionsToken() })
    .setClassMethodName('forRoot')
    .setFactoryMethodName(OPTIONS_METHOD)
    .setExtras<AssetAuthModuleExtras>(
      { isGlobal: true, name: undefined },
      (definition, { isGlobal = true, name }) => {
        assertExtras({ name, isGlobal });
        return {
          ...definition,
          global: isGlobal,
          imports: [...(definition.imports ?? []), AssetAuthRegistryModule],
          providers: [...underItsName(definition.providers ?? [], name), ...clientProviders(name)],
          exports: clientExports(name),
        };
      },
    )
    .build();

/** What `forRoot` takes: the options, and the extras. */
export type AssetAuthModuleOptions = typeof OPTIONS_TYPE;

/** What `forRootAsync` takes: `useFactory`, `useClass` or `useExisting`, `imports`, `inject`, and the extras. */
export type AssetAuthModuleAsyncOptions = typeof ASYNC_OPTIONS_TYPE;

/**
 * What a class for `useClass` or `useExisting` implements.
 *
 * @example
 * ```ts
 * @Injectable()
 * export class AssetSettings implements AssetAuthOptionsFactory {
 *   createAssetAuthOptions() {
 *     return assetAuthOptionsFromEnv();
 *   }
 * }
 * ```
 */
export interface AssetAuthOptionsFactory {
  createAssetAuthOptions(): AssetAuthOptions | Promise<AssetAuthOptions>;
}

/**
 * Gives an application a client of Asset's API whose every request carries a valid, fresh, narrowly scoped access token.
 * Import it once, in the root module; with a `name`, once more for each further client. Not lazily, with
 * `LazyModuleLoader`: Nest runs no lifecycle hooks there, so that nothing checks the client at boot or closes it.
 *
 * Provides {@link AssetHttpService}, {@link AssetTokenService} and {@link AssetAuthConfig}.
 *
 * @example
 * ```ts
 * @Module({
 *   imports: [
 *     AssetAuthModule.forRootAsync({
 *       imports: [ConfigModule],
 *       inject: [ConfigService],
 *       useFactory: (config: ConfigService) => ({
 *         environment: 'sandbox',
 *         clientId: config.getOrThrow('ASSET_CLIENT_ID'),
 *         clientSecret: config.getOrThrow('ASSET_CLIENT_SECRET'),
 *       }),
 *     }),
 *   ],
 * })
 * export class AppModule {}
 * ```
 */
@Module({})
export class AssetAuthModule extends ConfigurableModuleClass {
  // Injecting the options here would hide that they are request-scoped: Nest would not build the module at all.
  constructor(
    registry: AssetAuthRegistry,
    @Inject(ASSET_CLIENT_NAME) name: string | null,
    moduleRef: ModuleRef,
  ) {
    super();
    registry.register(name, moduleRef);
  }

  /**
   * Options that are known when the module is imported, or read from the environment by `assetAuthOptionsFromEnv()`.
   *
   * @throws AssetConfigError when it is called without options, or with a `name` or `isGlobal` that is none
   */
  static override forRoot(options: AssetAuthModuleOptions): DynamicModule {
    assertOptions(options);
    return super.forRoot(options);
  }

  /**
   * Options from a factory, a class or an existing provider with the method `createAssetAuthOptions`.
   *
   * @throws AssetConfigError when none of the three is given, or when something is that it does not know
   */
  static override forRootAsync(options: AssetAuthModuleAsyncOptions): DynamicModule {
    assertAsyncOptions(options);
    const definition = super.forRootAsync(options);
    return { ...definition, providers: withMethodChecked(definition.providers ?? [], options) };
  }
}
