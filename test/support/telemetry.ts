import { context, metrics, propagation, trace } from '@opentelemetry/api';
import {
  type CollectionResult,
  type DataPoint,
  type Histogram,
  MeterProvider,
  MetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import { afterThisTest } from './cleanup.js';

/** Collects when it is asked to. */
class OnDemandReader extends MetricReader {
  protected onForceFlush(): Promise<void> {
    return Promise.resolve();
  }

  protected onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

/** A figure of a metric, with its attributes; of a histogram, how often something was recorded, and the sum of it. */
export interface Figure {
  readonly metric: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly value: number;
  readonly sum: number | undefined;
}

export interface Telemetry {
  readonly figures: () => Promise<readonly Figure[]>;
  readonly spans: () => readonly ReadableSpan[];
  readonly reset: () => void;
}

/** Starts OpenTelemetry's own SDK, and stops it after the test. What it records stays in memory. */
export function startTelemetry(): Telemetry {
  const reader = new OnDemandReader();
  const meterProvider = new MeterProvider({ readers: [reader] });
  metrics.setGlobalMeterProvider(meterProvider);
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  tracerProvider.register();
  afterThisTest(async () => {
    for (const api of [trace, metrics, context, propagation]) api.disable();
    await meterProvider.shutdown();
    await tracerProvider.shutdown();
  });
  return {
    figures: async () => figuresOf(await reader.collect()),
    spans: () => exporter.getFinishedSpans(),
    reset: () => {
      exporter.reset();
    },
  };
}

const figuresOf = ({ resourceMetrics, errors }: CollectionResult): readonly Figure[] => {
  if (errors.length > 0) throw new AggregateError(errors);
  return resourceMetrics.scopeMetrics.flatMap((scope) =>
    scope.metrics.flatMap(({ descriptor, dataPoints }) =>
      (dataPoints as readonly DataPoint<number | Histogram>[]).map(({ attributes, value }) => ({
        metric: descriptor.name,
        attributes,
        value: typeof value === 'number' ? value : value.count,
        sum: typeof value === 'number' ? undefined : value.sum,
      })),
    ),
  );
};
