import { Injectable, Logger, type OnModuleInit, Scope, Module, type InjectionToken } from '@nestjs/common';
import { HttpAdapterHost, type ModuleRef, ModulesContainer } from '@nestjs/core';
import {
  getAssetAuthConfigToken,
  getAssetAuthOptionsToken,
  getAssetHttpToken,
  ASSET_CLOCK,
} from './asset-auth.tokens.js';
import { AssetConfigError, AssetScopeError } from './config/asset-auth.errors.js';
import { AssetScopeExplorer, type AssetScopeInventoryEntry } from './inventory/asset-scope.explorer.js';
import { systemClock } from './config/clock.js';
import type { AssetAuthConfig } from './config/asset-auth.config.js';
import { scopesBeyond, type ScopeSet } from './config/scope-set.js';

/** Knows the clients of one application, and checks at boot what can be known then about all of them together. */
@Injectable()
export class AssetAuthRegistry implements OnModuleInit {
  readonly #clients: ClientsOfApplication;
  readonly #logger = new Logger('AssetAuthModule');

  constructor(
    private readonly explorer: AssetScopeExplorer,
    private readonly server: HttpAdapterHost,
    application: ModulesContainer,
  ) {
    this.#clients = clientsOf(application);
  }

  /** @throws AssetConfigError when two clients are registered under one name, or one after the application has booted */
  register(name: string | null, moduleRef: ModuleRef): void {
    if (this.#clients.booted || this.server.listening) throw loadedLazily(name);
    const unnamed = name ?? undefined;
    const token = getAssetHttpToken(unnamed);
    if (this.#clients.byToken.has(token)) throw registeredTwice(name);
    this.#clients.byToken.set(token, {
      name,
      moduleRef,
      optionsToken: getAssetAuthOptionsToken(unnamed),
      configToken: getAssetAuthConfigToken(unnamed),
    });
  }

  /**
   * @throws AssetConfigError when the options of a client are request-scoped
   * @throws AssetScopeError `ASSET_SCOPE_NOT_ALLOWED` when a decorator asks for what no client may ask for
   */
  onModuleInit(): void {
    // Another copy of this package may have checked them all: the clients are the application's.
    if (this.#clients.booted) return;
    this.#clients.booted = true;
    const clients = [...this.#clients.byToken.values()];
    for (const client of clients) assertNotRequestScoped(client);
    for (const entry of this.explorer.inventory()) assertAllowed(entry, clients);
    for (const { message } of this.explorer.misplaced()) this.#logger.warn(message);
  }
}

function registeredTwice(name: string | null): AssetConfigError {
  const problem =
    name === null
      ? 'AssetAuthModule is registered twice without a name. Register it once, or give the second client a name'
      : `two clients are named "${name}". Give each its own name`;
  return new AssetConfigError([{ option: 'name', problem }]);
}

/** Nest runs no lifecycle hooks in a module that is loaded lazily: nothing would check the client or ever close it. */
function loadedLazily(name: string | null): AssetConfigError {
  const which = name === null ? 'AssetAuthModule' : `AssetAuthModule with the client "${name}"`;
  const problem = `${which} is loaded after the application has booted, and Nest runs no lifecycle hooks in modules that are loaded lazily. Import it in the root module; it opens no connection before the first call`;
  return new AssetConfigError([{ option: 'LazyModuleLoader', problem }]);
}

/**
 * Options that depend on a request would make the whole client depend on it: a cache for each request, and no lifecycle
 * hooks. Nest boots such an application without a word.
 */
function assertNotRequestScoped({ name, moduleRef, optionsToken }: RegisteredClient): void {
  if (moduleRef.introspect(optionsToken).scope === Scope.DEFAULT) return;
  throw new AssetConfigError([
    {
      option: 'useFactory',
      problem: `the options${name === null ? '' : ` of the client "${name}"`} depend on a request-scoped provider, which would make a new client for each request. Inject singletons only; what differs from request to request belongs into @AssetBusiness, withScope or a clientSecret function`,
    },
  ]);
}

/** What exists once however many clients there are: Nest de-duplicates static modules, dynamic ones never. */
@Module({
  providers: [{ provide: ASSET_CLOCK, useValue: systemClock }, AssetScopeExplorer, AssetAuthRegistry],
  exports: [ASSET_CLOCK, AssetScopeExplorer, AssetAuthRegistry],
})
export class AssetAuthRegistryModule {}

/** One client of an application. */
export interface RegisteredClient {
  /** `null`: the default client. */
  readonly name: string | null;
  readonly moduleRef: ModuleRef;
  readonly optionsToken: symbol;
  readonly configToken: InjectionToken<AssetAuthConfig>;
}

/** The clients of one application. Plain, since the ESM and the CJS copy of this package share it. */
export interface ClientsOfApplication {
  /**
   * By what each is injected as. So the default clients of two copies are two clients, and two of one name are a
   * mistake.
   */
  readonly byToken: Map<InjectionToken, RegisteredClient>;
  /** Whether the application has booted: what comes later was loaded lazily. */
  booted: boolean;
}

const CLIENTS: unique symbol = Symbol.for('nestjs-asset-auth:clients') as never;

/** Kept on the application and not in the process, where applications would get in each other's way. */
export function clientsOf(application: ModulesContainer): ClientsOfApplication {
  const shared: ModulesContainer & { [CLIENTS]?: ClientsOfApplication } = application;
  return (shared[CLIENTS] ??= { byToken: new Map(), booted: false });
}

/**
 * Holds what a decorator asks for against the clients of the application: the one that it names, or all of them.
 *
 * @throws AssetConfigError when the client that it names does not exist
 * @throws AssetScopeError `ASSET_SCOPE_NOT_ALLOWED` when every client that is meant refuses it
 */
export function assertAllowed(
  { scopes, client, className, handlerName, kind }: AssetScopeInventoryEntry,
  clients: readonly RegisteredClient[],
): void {
  const place = `${kind === 'method' ? '@RunWithAssetScope' : '@AssetScope'} on ${className}.${handlerName}`;
  const meant = clients.filter(({ name }) => client === undefined || client === name);
  if (meant.length === 0 && client !== undefined) throw unknownClient(place, client);
  if (scopes === undefined || scopes === null) return;
  const refused = meant.map((one) => beyondAllowed(one, scopes));
  const [first] = refused;
  if (first === undefined || refused.some((beyond) => beyond.length === 0)) return;
  throw new AssetScopeError(
    `${place} asks for ${first.join(' ')}, which is beyond the option allowedScopes${
      client === undefined ? '' : ` of the client "${client}"`
    }. Ask for less there, or allow it.`,
    'ASSET_SCOPE_NOT_ALLOWED',
  );
}

function beyondAllowed({ moduleRef, configToken }: RegisteredClient, scopes: ScopeSet): ScopeSet {
  const { allowedScopes } = moduleRef.get(configToken);
  return allowedScopes === undefined ? [] : scopesBeyond(allowedScopes, scopes);
}

function unknownClient(place: string, name: string): AssetConfigError {
  const problem = `${place} is for the client "${name}", which does not exist. Register it with AssetAuthModule.forRoot({ name: '${name}', … }), or correct the name there`;
  return new AssetConfigError([{ option: 'name', problem }]);
}
