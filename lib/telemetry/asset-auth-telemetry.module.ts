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
import { AssetConfigError } from '../config/asset-auth.errors.js';
import { said } from '../config/plain-object.js';
import { described, quoted } from '../config/text.js';
import { type AssetEventClient, onAssetAuthEvent } from '../events/asset-auth.events.js';
import type { EventPublisher } from '../events/event-publisher.js';
import { type Listen, TokenMetrics } from './token-metrics.js';
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

/** Listens for as long as the application runs, and to its own clients only: a process may run several applications. */
@Injectable()
export class AssetAuthTelemetry implements OnModuleInit, OnApplicationShutdown {
  readonly #ends: (() => void)[] = [];

  constructor(
    private readonly application: ModulesContainer,
    @Inject(OPTIONS) private readonly options: AssetAuthTelemetryOptions,
  ) {}

  /** @throws AssetConfigError when the module is imported twice, with different options */
  onModuleInit(): void {
    const businessOnSpans = businessOnSpansIn(this.options);
    if (!isFirst(this.application, businessOnSpans)) return;
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
    const spans = new TokenSpans(listen, businessOnSpans);
    this.#ends.push(
      () => {
        metrics.close();
      },
      () => {
        spans.close();
      },
    );
    // After a start that failed, Nest runs no shutdown hooks.
    listen('client.closed', ({ client }) => {
      ours.delete(client);
      if (ours.size === 0) this.onApplicationShutdown();
    });
  }

  onApplicationShutdown(): void {
    for (const end of this.#ends.splice(0)) end();
  }
}

const TELEMETRY: unique symbol = Symbol.for('nestjs-asset-auth:telemetry') as never;

/** Once for each application, however many modules import it, and from whichever copy of this package. */
function isFirst(application: ModulesContainer, businessOnSpans: boolean): boolean {
  const shared: ModulesContainer & { [TELEMETRY]?: boolean } = application;
  const first = shared[TELEMETRY];
  shared[TELEMETRY] ??= businessOnSpans;
  if (first === undefined || first === businessOnSpans) return first === undefined;
  throw refusal(
    'is given to one import of AssetAuthTelemetryModule and not to another. Import it once, in the root module',
  );
}

function businessOnSpansIn(given: unknown): boolean {
  if (typeof given !== 'object' || given === null) {
    throw refusal(`is what forRoot takes, in an object, and not ${described(given)}`);
  }
  const [unknown] = Object.keys(given).filter((name) => name !== 'businessOnSpans');
  if (unknown !== undefined) throw refusal(`is the only option, and ${quoted(unknown)} is none`);
  const value: unknown = said(given as AssetAuthTelemetryOptions, 'businessOnSpans');
  if (value === undefined || typeof value === 'boolean') return value ?? false;
  throw refusal(`must be true or false, not ${described(value)}`);
}

const refusal = (problem: string): AssetConfigError =>
  new AssetConfigError([{ option: 'businessOnSpans', problem }], 'AssetAuthTelemetryModule cannot be used');

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
