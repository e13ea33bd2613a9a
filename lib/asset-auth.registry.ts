import { Injectable, Logger, type OnModuleInit, Scope } from '@nestjs/common';
import { HttpAdapterHost, type ModuleRef, ModulesContainer } from '@nestjs/core';
import { type ClientsOfApplication, clientsOf, type RegisteredClient } from './asset-auth.clients.js';
import { assertAllowed } from './asset-auth.decorator-check.js';
import { getAssetAuthConfigToken, getAssetAuthOptionsToken, getAssetHttpToken } from './asset-auth.tokens.js';
import { AssetConfigError } from './config/config.errors.js';
import { AssetScopeExplorer } from './scope/asset-scope.explorer.js';

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
