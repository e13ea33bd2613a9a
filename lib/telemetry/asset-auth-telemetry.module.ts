import {
  type DynamicModule,
  Inject,
  Injectable,
  Module,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { registeredClients } from '../asset-auth.registry.js';
import { eventsToken } from '../asset-auth.tokens.js';
import type { AssetAuthEvents, AssetEventClient } from '../events/asset-auth.events.js';
import { onAssetAuthEvent } from '../events/asset-auth.events.js';
import type { EventPublisher } from '../events/event-publisher.js';
import { TokenMetrics } from './token-metrics.js';
import { TokenSpans } from './token-spans.js';

/** What the telemetry tells. */
export interface AssetAuthTelemetryOptions {
  /**
   * Whether spans name the business that a token is for. Metrics never do.
   *
   * @default false
   */
  readonly businessOnSpans?: boolean | undefined;
}

const OPTIONS = Symbol('options of the telemetry');

/** How an event of a client of this application is received. */
export type Listen = <Name extends keyof AssetAuthEvents>(
  name: Name,
  listener: (event: AssetAuthEvents[Name]) => void,
) => void;

/** Listens for as long as the application runs, and to its own clients only: a process may run several applications. */
@Injectable()
export class AssetAuthTelemetry implements OnModuleInit, OnApplicationShutdown {
  readonly #ends: (() => void)[] = [];

  constructor(
    private readonly application: ModulesContainer,
    @Inject(OPTIONS) private readonly options: AssetAuthTelemetryOptions,
  ) {}

  onModuleInit(): void {
    const clients = registeredClients(this.application);
    const ours = new Set<AssetEventClient>(
      clients.map(({ name, moduleRef }) => moduleRef.get<EventPublisher>(eventsToken(name)).client),
    );
    const listen: Listen = (name, listener) => {
      const end = onAssetAuthEvent(name, (event) => {
        if (ours.has(event.client)) unharmed(listener, event);
      });
      this.#ends.push(end);
    };
    const metrics = new TokenMetrics(
      listen,
      clients.map(({ moduleRef, tokensToken }) => moduleRef.get(tokensToken)),
    );
    const spans = new TokenSpans(listen, this.options.businessOnSpans === true);
    this.#ends.push(
      () => {
        metrics.close();
      },
      () => {
        spans.close();
      },
    );
  }

  onApplicationShutdown(): void {
    for (const end of this.#ends.splice(0)) end();
  }
}

/** What an SDK throws must not reach the channel, where it would end the process. */
function unharmed<Event>(listener: (event: Event) => void, event: Event): void {
  try {
    listener(event);
  } catch {
    // A figure or a span is lost.
  }
}

/**
 * Metrics and spans of all clients of the application, through `@opentelemetry/api`. Nothing is recorded on the path of a
 * cached token: what is used is counted anyway, and read when it is collected.
 *
 * @example
 * ```ts
 * const imports = [AssetAuthModule.forRoot(options), AssetAuthTelemetryModule.forRoot({ businessOnSpans: true })];
 * ```
 */
@Module({ providers: [AssetAuthTelemetry, { provide: OPTIONS, useValue: {} }] })
export class AssetAuthTelemetryModule {
  /** For other options than the defaults; otherwise import the class itself. */
  static forRoot(options: AssetAuthTelemetryOptions): DynamicModule {
    return { module: this, providers: [{ provide: OPTIONS, useValue: options }] };
  }
}
