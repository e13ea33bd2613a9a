import { metrics, trace } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

const EXPORT_MS = 1000;

/** Spans are recorded and dropped; metrics are collected each second, more often than anybody would. */
export function startSdk() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: EXPORT_MS });
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  const dropped = { onStart() {}, onEnd() {}, forceFlush: async () => {}, shutdown: async () => {} };
  new NodeTracerProvider({ spanProcessors: [dropped] }).register();
  return trace.getTracer('bench');
}
