// The module that applications import: takes a registration, checks its arguments, and wires one client.
import { type DynamicModule, Inject, Module, Optional, type Provider } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import {
  ASSET_CLIENT_NAME,
  clientExports,
  clientProviders,
  HeldOptions,
  optionsProviders,
  type OptionsSource,
  OPTIONS_METHOD,
} from './asset-auth.providers.js';
import { AssetAuthRegistry, AssetAuthRegistryModule } from './asset-auth.registry.js';
import { getAssetAuthOptionsToken } from './asset-auth.tokens.js';
import { AssetConfigError } from './config/asset-auth.errors.js';
import type { AssetAuthOptions } from './config/asset-auth.options.js';
import { REGISTRATION_EXTRAS, REGISTRATION_SOURCE } from './config/checked-options.js';
import { saidNames } from './config/plain-object.js';
import { described, printable } from './config/text.js';

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

/** The argument of `forRootAsync`: `useFactory`, `useClass` or `useExisting`, `imports`, `inject`, and the extras. */
export type AssetAuthModuleAsyncOptions = OptionsSource & AssetAuthModuleExtras;

/**
 * Implemented by a class for `useClass` or `useExisting`.
 *
 * @example
 * ```ts
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
 * const imports = [
 *   // of the root module
 *   AssetAuthModule.forRootAsync({
 *     imports: [ConfigModule],
 *     inject: [ConfigService],
 *     useFactory: (config: ConfigService) => ({
 *       environment: 'sandbox',
 *       clientId: config.getOrThrow('ASSET_CLIENT_ID'),
 *       clientSecret: config.getOrThrow('ASSET_CLIENT_SECRET'),
 *     }),
 *   }),
 * ];
 * ```
 */
@Module({})
export class AssetAuthModule {
  // Injecting the options here would hide that they are request-scoped: Nest would not build the module at all.
  constructor(
    // Optional, or Nest would tell of its internals where the class itself is imported, which has no providers.
    @Optional() @Inject(AssetAuthRegistry) registry: AssetAuthRegistry | undefined,
    @Optional() @Inject(ASSET_CLIENT_NAME) name: string | null | undefined,
    moduleRef: ModuleRef,
    application: ModulesContainer,
  ) {
    if (registry === undefined || name === undefined) throw importedBare(application, this.constructor);
    registry.register(name ?? undefined, moduleRef);
  }

  /**
   * Options that are known when the module is imported, or read from the environment by `assetAuthOptionsFromEnv()`.
   *
   * @throws AssetConfigError without options, or with a malformed `name` or `isGlobal`
   */
  static forRoot(registration: AssetAuthOptions & AssetAuthModuleExtras): DynamicModule {
    assertOptions(registration);
    const { isGlobal, name, ...options } = { ...registration, ...extrasOf(registration) };
    const provider = { provide: getAssetAuthOptionsToken(name), useValue: new HeldOptions(options) };
    return { module: this, ...definition({ isGlobal, name }, [provider]) };
  }

  /**
   * Options from a factory, a class or an existing provider with the method `createAssetAuthOptions`.
   *
   * @throws AssetConfigError without any of the three, with an unknown name, or with a malformed `name` or `isGlobal`
   */
  static forRootAsync(registration: AssetAuthModuleAsyncOptions): DynamicModule {
    assertAsyncOptions(registration);
    const { imports, ...source } = sourceOf(registration);
    const extras = extrasOf(registration);
    return { module: this, ...definition(extras, optionsProviders(source, extras.name), imports) };
  }
}

/** The wiring of one client, whichever way its options come. */
const definition = (
  { isGlobal = true, name }: AssetAuthModuleExtras,
  options: readonly Provider[],
  imports: DynamicModule['imports'] = [],
): Omit<DynamicModule, 'module'> => ({
  global: isGlobal,
  imports: [...imports, AssetAuthRegistryModule],
  providers: [...options, ...clientProviders(name)],
  exports: clientExports(name),
});

/** The options themselves are checked at boot, all at once. */
function assertOptions(options: unknown): void {
  if (!isRecord(options)) {
    const problem = `needs the options as an object, not ${described(options)}. Use forRootAsync if they come from elsewhere`;
    throw refusal('forRoot', problem);
  }
  assertExtras(extrasOf(options));
}

const ASYNC_NAMES: readonly string[] = [...REGISTRATION_SOURCE, ...REGISTRATION_EXTRAS];

/** Nest would not report these, or only where their cause cannot be seen. */
function assertAsyncOptions(registration: unknown): void {
  const noSource = 'needs useFactory, useClass or useExisting to get the options from';
  if (!isRecord(registration)) throw refusal('forRootAsync', `${noSource}, not ${described(registration)}`);
  // A misspelt `name` would register the default client instead of one more.
  const unknown = Object.keys(registration).filter((name) => !ASYNC_NAMES.includes(name));
  if (unknown.length > 0) {
    const problem = `is not known to forRootAsync, which takes ${ASYNC_NAMES.join(', ')}. Options of the client are what the factory returns`;
    throw new AssetConfigError(unknown.map((name) => ({ option: printable(name, 80), problem })));
  }
  const { useFactory, useClass, useExisting }: Partial<Record<string, unknown>> = sourceOf(registration);
  if (!useFactory && !useClass && !useExisting) throw refusal('forRootAsync', noSource);
  if (useFactory && typeof useFactory !== 'function') {
    const problem = `is ${described(useFactory)}, but must be a function that returns the options. Give an object to forRoot`;
    throw refusal('useFactory', problem);
  }
  if (useClass && typeof useClass !== 'function') {
    const problem = `is ${described(useClass)}, but must be a class with the method ${OPTIONS_METHOD}()`;
    throw refusal('useClass', problem);
  }
  assertExtras(extrasOf(registration));
}

/** A wrong one would be taken for something else: an empty variable, say, for a client that nobody injects. */
function assertExtras({
  name,
  isGlobal = true,
}: Partial<Record<keyof AssetAuthModuleExtras, unknown>>): void {
  if (name !== undefined && (typeof name !== 'string' || name.trim() === '')) {
    throw refusal('name', 'must be a non-empty text. Leave it out for the default client');
  }
  if (typeof isGlobal !== 'boolean') {
    throw refusal('isGlobal', `must be true or false, not ${described(isGlobal)}. Leave it out for true`);
  }
}

/** The class itself stands in `imports`, where only what `forRoot` and `forRootAsync` return makes a client. */
function importedBare(application: ModulesContainer, module: unknown): AssetConfigError {
  const modules = [...application.values()];
  const isClient = ({ providers }: (typeof modules)[number]): boolean => providers.has(ASSET_CLIENT_NAME);
  const importing = modules.find(({ imports }) =>
    [...imports].some((imported) => imported.metatype === module && !isClient(imported)),
  );
  const clients = modules.filter(isClient);
  const place = importing?.metatype.name ?? 'a module';
  if (clients.length === 0) {
    const problem = `${place} imports the class AssetAuthModule itself, and no module registers a client. Import AssetAuthModule.forRoot({ … }) or forRootAsync({ … }) in the root module`;
    return refusal('imports', problem);
  }
  if (clients.every(({ metatype }) => metatype !== module)) {
    const problem = `${place} imports the AssetAuthModule of another copy of nestjs-asset-auth than the one in which the client is registered. Install one version of the package once ("npm ls nestjs-asset-auth" lists the copies), and load it as ESM or as CommonJS throughout`;
    return refusal('imports', problem);
  }
  const problem = `${place} imports the class AssetAuthModule itself. The client is registered already, and AssetAuthModule is global: leave the import out there. With isGlobal: false, import the module that registers it, and let that one export AssetAuthModule`;
  return refusal('imports', problem);
}

const refusal = (option: string, problem: string): AssetConfigError =>
  new AssetConfigError([{ option, problem }]);

/** What was said, and not what a polluted `Object.prototype` says. */
const extrasOf = (registration: AssetAuthModuleExtras): AssetAuthModuleExtras =>
  saidNames(registration, REGISTRATION_EXTRAS);

const sourceOf = (registration: OptionsSource): OptionsSource => saidNames(registration, REGISTRATION_SOURCE);

const isRecord = (value: unknown): value is object => typeof value === 'object' && value !== null;
