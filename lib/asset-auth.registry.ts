// The clients of an application, and what can be checked at boot about all of them together.
import { Injectable, type InjectionToken, Logger, Module, type OnModuleInit, Scope } from '@nestjs/common';
import { HttpAdapterHost, type ModuleRef, ModulesContainer } from '@nestjs/core';
import {
  ASSET_CLOCK,
  getAssetAuthConfigToken,
  getAssetAuthOptionsToken,
  getAssetHttpToken,
  getAssetTokenServiceToken,
} from './asset-auth.tokens.js';
import type { AssetAuthConfig } from './config/asset-auth.config.js';
import { AssetBusinessError, AssetConfigError, AssetScopeError } from './config/asset-auth.errors.js';
import { systemClock } from './config/clock.js';
import { documentedScopeLike } from './config/documented-scopes.js';
import { scopesBeyond, type ScopeSet } from './config/scope-set.js';
import { quoted } from './config/text.js';
import type { AssetTokenService } from './token/token.service.js';
import {
  AssetScopeExplorer,
  type AssetScopeInventoryEntry,
  inventoryOf,
  warningsOf,
} from './inventory/asset-scope.explorer.js';
import { type DiscoveredClass, discoverClasses } from './inventory/discovery.js';
import { missingParameters } from './inventory/route-parameters.js';

/** A client of an application. */
export interface RegisteredClient {
  /** `undefined`: the default client. */
  readonly name: string | undefined;
  readonly moduleRef: ModuleRef;
  readonly configToken: InjectionToken<AssetAuthConfig>;
  readonly tokensToken: InjectionToken<AssetTokenService>;
}

/** Plain, since the ESM and the CJS copy of this package share it. */
interface ClientsOfApplication {
  /** By the token of the HTTP service: the default clients of two copies are two clients, two of one name a mistake. */
  readonly byToken: Map<InjectionToken, RegisteredClient>;
  /** A client that is registered after the application has booted was loaded lazily. */
  booted: boolean;
}

const CLIENTS: unique symbol = Symbol.for('nestjs-asset-auth:clients') as never;

/** Kept on the application, since applications of one process would get in each other's way. */
function clientsOf(application: ModulesContainer): ClientsOfApplication {
  const shared: ModulesContainer & { [CLIENTS]?: ClientsOfApplication } = application;
  return (shared[CLIENTS] ??= { byToken: new Map(), booted: false });
}

/** The clients of an application, once its modules are built. */
export const registeredClients = (application: ModulesContainer): readonly RegisteredClient[] => [
  ...clientsOf(application).byToken.values(),
];

@Injectable()
export class AssetAuthRegistry implements OnModuleInit {
  readonly #clients: ClientsOfApplication;
  readonly #logger = new Logger('AssetAuthModule');

  constructor(
    private readonly application: ModulesContainer,
    private readonly server: HttpAdapterHost,
  ) {
    this.#clients = clientsOf(application);
  }

  /** @throws AssetConfigError when two clients are registered under one name, or one after the application has booted */
  register(name: string | undefined, moduleRef: ModuleRef): void {
    if (this.#clients.booted || this.server.listening) throw loadedLazily(name);
    const token = getAssetHttpToken(name);
    if (this.#clients.byToken.has(token)) throw registeredTwice(name);
    const configToken = getAssetAuthConfigToken(name);
    const tokensToken = getAssetTokenServiceToken(name);
    this.#clients.byToken.set(token, { name, moduleRef, configToken, tokensToken });
  }

  /**
   * @throws AssetConfigError when the options of a client are request-scoped
   * @throws AssetScopeError `ASSET_SCOPE_NOT_ALLOWED` when a decorator asks for what no client may ask for
   * @throws AssetBusinessError `ASSET_BUSINESS_INVALID` when a decorator names a parameter that no path holds
   */
  onModuleInit(): void {
    // Another copy of this package may have checked them all: the clients are the application's.
    if (this.#clients.booted) return;
    this.#clients.booted = true;
    const clients = [...this.#clients.byToken.values()];
    for (const client of clients) assertNotRequestScoped(client);
    const classes = discoverClasses(this.application);
    const inventory = inventoryOf(classes);
    for (const entry of inventory) assertAllowed(entry, clients);
    for (const message of this.#missingParameters(clients, classes)) {
      throw new AssetBusinessError(message, 'ASSET_BUSINESS_INVALID');
    }
    const warnings = [...warningsOf(this.application, classes), ...misspelt(clients, inventory)];
    for (const message of warnings) this.#logger.warn(message);
  }

  /** Only where routes are served: a worker of the same modules has no global prefix, which may hold the parameter. */
  #missingParameters(
    clients: readonly RegisteredClient[],
    classes: readonly DiscoveredClass[],
  ): readonly string[] {
    const adapter = this.server.httpAdapter as HttpAdapterHost['httpAdapter'] | null | undefined;
    const prefix = adapter ? globalPrefixOf(clients[0]?.moduleRef) : undefined;
    return prefix === undefined ? [] : missingParameters(this.application, classes, prefix);
  }
}

/** Nest hands its configuration to no provider, so it is read where `ModuleRef` keeps it; `undefined` if it is not there. */
function globalPrefixOf(moduleRef: ModuleRef | undefined): string | undefined {
  type Internals = { container?: { applicationConfig?: { getGlobalPrefix?(): string } } } | undefined;
  const { container } = (moduleRef as unknown as Internals) ?? {};
  return container?.applicationConfig?.getGlobalPrefix?.();
}

/** One for all clients: Nest de-duplicates static modules, but not dynamic ones. */
@Module({
  providers: [{ provide: ASSET_CLOCK, useValue: systemClock }, AssetScopeExplorer, AssetAuthRegistry],
  exports: [ASSET_CLOCK, AssetScopeExplorer, AssetAuthRegistry],
})
export class AssetAuthRegistryModule {}

function registeredTwice(name: string | undefined): AssetConfigError {
  const problem =
    name === undefined
      ? 'AssetAuthModule is registered twice without a name. Register it once, or give the second client a name'
      : `two clients are named "${name}". Give each its own name`;
  return new AssetConfigError([{ option: 'name', problem }]);
}

/** Nothing would check the client at boot or ever close it. */
function loadedLazily(name: string | undefined): AssetConfigError {
  const which = name === undefined ? 'AssetAuthModule' : `AssetAuthModule with the client "${name}"`;
  const problem = `${which} is loaded after the application has booted, and Nest runs no lifecycle hooks in modules that are loaded lazily. Import it in the root module; it opens no connection before the first call`;
  return new AssetConfigError([{ option: 'LazyModuleLoader', problem }]);
}

/** Nest would make a client for each request, each with a cache of its own, without a word. */
function assertNotRequestScoped({ name, moduleRef }: RegisteredClient): void {
  if (moduleRef.introspect(getAssetAuthOptionsToken(name)).scope === Scope.DEFAULT) return;
  const problem = `the options${name === undefined ? '' : ` of the client "${name}"`} depend on a request-scoped provider, which would make a new client for each request. Inject singletons only; what differs from request to request belongs into @AssetBusiness, withScope or a clientSecret function`;
  throw new AssetConfigError([{ option: 'useFactory', problem }]);
}

/**
 * Compares the scopes of a decorator with `allowedScopes` of the client that it names, or else of all clients: it is a
 * mistake if all of them refuse it.
 */
function assertAllowed(entry: AssetScopeInventoryEntry, clients: readonly RegisteredClient[]): void {
  const { scopes, client } = entry;
  const place = placeOf(entry);
  const candidates = clients.filter(({ name }) => client === undefined || client === name);
  if (candidates.length === 0 && client !== undefined) {
    const problem = `${place} is for the client "${client}", which does not exist. Register it with AssetAuthModule.forRoot({ name: '${client}', … }), or correct the name there`;
    throw new AssetConfigError([{ option: 'name', problem }]);
  }
  if (scopes === undefined || scopes === null) return;
  const [first, ...others] = candidates.map((candidate) => beyondAllowed(candidate, scopes));
  if (first === undefined || [first, ...others].some((beyond) => beyond.length === 0)) return;
  const owner = client === undefined ? '' : ` of the client "${client}"`;
  throw new AssetScopeError(
    `${place} asks for ${first.join(' ')}, which is beyond the option allowedScopes${owner}. Ask for less there, or allow it.`,
    'ASSET_SCOPE_NOT_ALLOWED',
  );
}

/** For each scope that is almost a documented one, a hint that names the first place where it is written. */
function misspelt(
  clients: readonly RegisteredClient[],
  inventory: readonly AssetScopeInventoryEntry[],
): readonly string[] {
  const hints = new Map<string, string>();
  const read = (place: string, scopes: ScopeSet = []): void => {
    for (const scope of scopes) {
      const meant = documentedScopeLike(scope);
      if (meant === undefined || hints.has(scope)) continue;
      const hint = `${place} names the scope ${quoted(scope)}, which Asset does not document. Is ${quoted(meant)} meant? It is asked for as it is written.`;
      hints.set(scope, hint);
    }
  };
  for (const { name, moduleRef, configToken } of clients) {
    const of = name === undefined ? '' : ` of the client "${name}"`;
    const { scopes, allowedScopes, startupRequests } = moduleRef.get(configToken);
    read(`The option scopes${of}`, scopes);
    read(`The option allowedScopes${of}`, allowedScopes);
    for (const request of startupRequests) read(`The option startup${of}`, [request.scopes ?? []].flat());
  }
  for (const entry of inventory) read(placeOf(entry), entry.scopes ?? []);
  return [...hints.values()];
}

const placeOf = ({ kind, className, handlerName }: AssetScopeInventoryEntry): string =>
  `${kind === 'method' ? '@RunWithAssetScope' : '@AssetScope'} on ${className}.${handlerName}`;

function beyondAllowed({ moduleRef, configToken }: RegisteredClient, scopes: ScopeSet): ScopeSet {
  const { allowedScopes } = moduleRef.get(configToken);
  return allowedScopes === undefined ? [] : scopesBeyond(allowedScopes, scopes);
}
