import type { InjectionToken } from '@nestjs/common';
import type { ModuleRef, ModulesContainer } from '@nestjs/core';
import type { AssetAuthConfig } from './config/asset-auth.config.js';

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
