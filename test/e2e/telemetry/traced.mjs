// An application with OpenTelemetry and its instrumentation of HTTP, as a process of its own. Prints what was recorded.
//
//   node traced.mjs first|last      whether the SDK starts before Nest or after it
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import { metrics, trace } from '@opentelemetry/api';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';

class OnDemandReader extends MetricReader {
  async onForceFlush() {}
  async onShutdown() {}
}
const reader = new OnDemandReader();
const exporter = new InMemorySpanExporter();

function startSdk() {
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  provider.register();
  registerInstrumentations({ instrumentations: [new HttpInstrumentation()] });
}

const isFirst = process.argv[2] === 'first';
// The instrumentation finds only what is loaded after it; its figures may start later.
if (isFirst) startSdk();
await import('reflect-metadata');
const { Module } = await import('@nestjs/common');
const { NestFactory } = await import('@nestjs/core');
const { AssetAuthModule, assetAuthOptionsFromEnv, AssetHttpService } = await import('nestjs-asset-auth');
const { AssetAuthTelemetryModule } = await import('nestjs-asset-auth/telemetry');

class ApplicationModule {}
Module({
  imports: [
    AssetAuthModule.forRoot({ ...assetAuthOptionsFromEnv(), scopes: 'ledger:read' }),
    AssetAuthTelemetryModule,
  ],
})(ApplicationModule);
const app = await NestFactory.createApplicationContext(ApplicationModule, { logger: false });
if (!isFirst) startSdk();

const heard = [];
subscribe('nestjs-asset-auth:token.arrived', ({ scopes }) => heard.push(scopes.join(' ')));
const asset = app.get(AssetHttpService);
// The application's own store of requests, which no token request may see.
const requests = new AsyncLocalStorage();
await requests.run({}, () =>
  trace.getTracer('application').startActiveSpan('caller', async (span) => {
    await asset.axiosRef.get('/v0/business');
    span.end();
  }),
);
const { resourceMetrics } = await reader.collect();
const spans = exporter.getFinishedSpans().map((span) => ({
  name: span.name,
  id: span.spanContext().spanId,
  trace: span.spanContext().traceId,
  parent: span.parentSpanContext?.spanId,
  links: span.links.map(({ context }) => context.spanId),
  method: span.attributes['http.request.method'] ?? span.attributes['http.method'],
}));
const names = resourceMetrics.scopeMetrics.flatMap((scope) =>
  scope.metrics.map(({ descriptor }) => descriptor.name),
);
console.log(JSON.stringify({ spans, names, heard }));
await app.close();
