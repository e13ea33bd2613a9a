import {
  type Attributes,
  type BatchObservableCallback,
  type Counter,
  type Histogram,
  type Meter,
  metrics,
  type Observable,
} from '@opentelemetry/api';
import { VERSION } from '../config/user-agent.js';
import type { AssetAuthEvent, AssetAuthEvents } from '../events/asset-auth.events.js';
import type { AssetTokenService } from '../token/token.service.js';

/** How events of the clients of this application are received. */
export type Listen = <Name extends keyof AssetAuthEvents>(
  name: Name,
  listener: (event: AssetAuthEvents[Name]) => void,
) => void;

interface Instruments {
  readonly request: Histogram;
  readonly wait: Histogram;
  readonly store: Histogram;
  readonly replays: Counter;
}

const SECONDS = {
  unit: 's',
  advice: { explicitBucketBoundaries: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] },
};

/**
 * The metrics, named by OpenTelemetry's conventions: seconds, no unit in the name, `error.type` absent on success. Scopes and
 * businesses are on none of them: they are too many, and tell who the customers are.
 */
export class TokenMetrics {
  /** The provider that the instruments are of. */
  #provider: unknown;
  #instruments: Instruments | undefined;
  #stopObserving = (): void => {};

  constructor(
    listen: Listen,
    private readonly clients: readonly Pick<AssetTokenService, 'health'>[],
  ) {
    this.#current();
    listen('token.response', ({ client, request, durationMs, status, error }) => {
      this.#current().request.record(durationMs / 1000, {
        ...named(client),
        'asset_auth.token.request.reason': request.reason,
        ...(error && { 'error.type': error.code }),
        ...(status !== undefined && { 'http.response.status_code': status }),
      });
    });
    listen('token.waited', ({ client, durationMs, error, hasLeft }) => {
      const type = hasLeft ? 'left' : error?.code;
      const attributes = { ...named(client), ...(type !== undefined && { 'error.type': type }) };
      this.#current().wait.record(durationMs / 1000, attributes);
    });
    // Callers that fail without a wait, or the curve of an outage would fall to zero once requests pause.
    listen('token.refused', ({ client, error }) => {
      this.#current().wait.record(0, { ...named(client), 'error.type': error.code });
    });
    listen('call.replayed', ({ client, reason }) => {
      this.#current().replays.add(1, { ...named(client), 'asset_auth.request.replay.reason': reason });
    });
    listen('store.operation', ({ client, operation, outcome, durationMs }) => {
      this.#current().store.record(durationMs / 1000, {
        ...named(client),
        'asset_auth.store.operation': operation,
        'asset_auth.store.outcome': outcome,
      });
    });
    // For an SDK that starts after the application was built.
    listen('client.started', () => {
      this.#current();
    });
  }

  close(): void {
    this.#stopObserving();
  }

  /**
   * The instruments of the present provider. A meter that was taken before the SDK has started stays without effect, so
   * they are made anew once it has.
   */
  #current(): Instruments {
    const provider = metrics.getMeterProvider();
    if (this.#instruments !== undefined && provider === this.#provider) return this.#instruments;
    this.#stopObserving();
    this.#provider = provider;
    const meter = metrics.getMeter('nestjs-asset-auth', VERSION);
    this.#stopObserving = this.#observe(meter);
    this.#instruments = {
      request: meter.createHistogram('asset_auth.token.request.duration', {
        ...SECONDS,
        description: 'Requests to the token endpoint.',
      }),
      wait: meter.createHistogram('asset_auth.token.wait.duration', {
        ...SECONDS,
        description:
          'How long callers wait for a token where none is at hand; 0 for those that are refused at once.',
      }),
      store: meter.createHistogram('asset_auth.store.operation.duration', {
        ...SECONDS,
        description: 'Operations on the store that processes share.',
      }),
      replays: meter.createCounter('asset_auth.request.replays', {
        unit: '{request}',
        description: 'API calls that are sent again.',
      }),
    };
    return this.#instruments;
  }

  /** What is read when it is collected. */
  #observe(meter: Meter): () => void {
    const used = meter.createObservableCounter('asset_auth.tokens.used', {
      unit: '{token}',
      description: 'Tokens served from memory.',
    });
    const held = meter.createObservableGauge('asset_auth.token.count', {
      unit: '{token}',
      description: 'Usable tokens in memory.',
    });
    const endpoint = meter.createObservableGauge('asset_auth.endpoint.state', {
      unit: '1',
      description: '1, or 0 while token requests fail.',
    });
    const observables: Observable[] = [used, held, endpoint];
    const read: BatchObservableCallback = (result) => {
      for (const tokens of this.clients) {
        const { client: name, uses, usableTokens, staleTokens, error } = tokens.health();
        const client = named({ name });
        const [fresh, stale] = [inState(client, 'fresh'), inState(client, 'stale')];
        result.observe(used, uses.fresh, fresh);
        result.observe(used, uses.stale, stale);
        result.observe(held, usableTokens - staleTokens, fresh);
        result.observe(held, staleTokens, stale);
        result.observe(endpoint, error === undefined ? 1 : 0, client);
      }
    };
    meter.addBatchObservableCallback(read, observables);
    return () => {
      meter.removeBatchObservableCallback(read, observables);
    };
  }
}

/** A client without a name is told as `default`. */
export const named = ({ name }: Pick<AssetAuthEvent['client'], 'name'>): Attributes => ({
  'asset_auth.client.name': name ?? 'default',
});

const inState = (client: Attributes, state: 'fresh' | 'stale'): Attributes => ({
  ...client,
  'asset_auth.token.state': state,
});
