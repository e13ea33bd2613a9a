import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { context, metrics, SpanKind, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AssetAuthModule, AssetTokenService } from 'nestjs-asset-auth';
import { AssetAuthTelemetryModule } from 'nestjs-asset-auth/telemetry';
import { AssetSandbox } from 'nestjs-asset-auth/testing';

class OnDemandReader extends MetricReader {
  protected async onForceFlush(): Promise<void> {}
  protected async onShutdown(): Promise<void> {}
}

/** The wait of a caller and the request it leads to, recorded by the SDK of this version of the API. */
export async function telemetry(): Promise<void> {
  const reader = new OnDemandReader();
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  const exporter = new InMemorySpanExporter();
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const processor = new SimpleSpanProcessor({ exporter });
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [processor] }));

  registerInstrumentations({ instrumentations: [new HttpInstrumentation()] });
  // It patches what is required from now on.
  createRequire(`${process.cwd()}/`)('node:http');

  const sandbox = await AssetSandbox.start();
  @Module({ imports: [AssetAuthModule.forRoot(sandbox.moduleOptions()), AssetAuthTelemetryModule] })
  class AppModule {}
  const app = await NestFactory.create(AppModule, { logger: false });
  await app.init();
  await trace.getTracer('application').startActiveSpan('caller', async (span) => {
    await app.get(AssetTokenService).getAccessToken({ scopes: ['ledger:read'] });
    span.end();
  });

  const spans = exporter.getFinishedSpans();
  const named = (name: string): ReadableSpan => spans.find((span) => span.name === name)!;
  const [caller, acquire, request] = [
    named('caller'),
    named('asset_auth.token.acquire'),
    named('asset_auth.token.request'),
  ];
  assert.equal(acquire.parentSpanContext?.spanId, caller.spanContext().spanId);
  assert.equal(request.parentSpanContext, undefined);
  assert.deepEqual(
    request.links.map((link) => link.context.spanId),
    [acquire.spanContext().spanId],
  );
  const http = spans.filter(({ kind }) => kind === SpanKind.CLIENT);
  assert.deepEqual(
    http.map((span) => span.parentSpanContext?.spanId),
    [request.spanContext().spanId],
  );
  const { resourceMetrics } = await reader.collect();
  const names = resourceMetrics.scopeMetrics.flatMap((scope) =>
    scope.metrics.map(({ descriptor }) => descriptor.name),
  );
  assert.ok(names.includes('asset_auth.token.request.duration'));
  assert.ok(names.includes('asset_auth.token.count'));

  await app.close();
  await sandbox.close();
}
