import { type SpanContext, SpanStatusCode, trace } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node';
import { AssetAuthTelemetryModule } from 'nestjs-asset-auth/telemetry';
import { expectNoSecrets } from 'nestjs-asset-auth/testing';
import { inspect } from 'node:util';
import { startApplication } from '../../support/application.js';
import { startTelemetry, type Telemetry } from '../../support/telemetry.js';
import { throughAttempts } from '../../support/through-attempts.js';
import { outcome, passToStale, refreshed } from '../../support/token-time.js';

const BUSINESS = 'biz_GA6EG2qFxA97NZHtxeLPUy';
const LEDGERS = { scopes: ['ledger:read'], businessId: BUSINESS };
const imports = [AssetAuthTelemetryModule];

/** Runs it as a request of the application would: within a span of its own. */
function inSpan<T>(name: string, run: () => Promise<T>): Promise<T> {
  return trace.getTracer('test').startActiveSpan(name, (span) =>
    run().finally(() => {
      span.end();
    }),
  );
}

const named = ({ spans }: Telemetry, name: string): readonly ReadableSpan[] =>
  spans().filter((span) => span.name === name);

const idsOf = (contexts: readonly SpanContext[]): string[] => contexts.map(({ spanId }) => spanId);
const linksOf = ({ links }: ReadableSpan): string[] => idsOf(links.map(({ context }) => context));
const idOf = (span: ReadableSpan): string => span.spanContext().spanId;

describe('The spans of a token', () => {
  it('show the wait in the trace of each caller, linked with the one request, which is a root', async () => {
    const telemetry = startTelemetry();
    const { tokens, sandbox } = await startApplication({ imports });
    await Promise.all(['one', 'two'].map((name) => inSpan(name, () => tokens.getAccessToken(LEDGERS))));

    const [one, two] = [named(telemetry, 'one')[0]!, named(telemetry, 'two')[0]!];
    const acquires = named(telemetry, 'asset_auth.token.acquire');
    expect(acquires.map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual([
      idOf(one),
      idOf(two),
    ]);
    const [request, ...more] = named(telemetry, 'asset_auth.token.request');
    expect(more).toEqual([]);
    expect(request!.parentSpanContext).toBeUndefined();
    expect(request!.spanContext().traceId).not.toBe(one.spanContext().traceId);
    expect(linksOf(request!)).toEqual(acquires.map(idOf));
    for (const acquire of acquires) expect(linksOf(acquire)).toEqual([idOf(request!)]);
    expect(request!.attributes).toEqual({
      'asset_auth.client.name': 'default',
      'asset_auth.scopes': ['ledger:read'],
      'asset_auth.token.request.reason': 'caller',
      'asset_auth.token.request.attempt': 1,
      'server.address': new URL(sandbox.url).hostname,
      'http.response.status_code': 200,
    });
    expect(request!.status.code).toBe(SpanStatusCode.UNSET);
  });

  it('link a caller that joins with the request that is under way', async () => {
    const telemetry = startTelemetry();
    const { tokens, sandbox } = await startApplication({ imports });
    const hold = sandbox.hold('token');
    const first = inSpan('first', () => tokens.getAccessToken(LEDGERS));
    await sandbox.waitForRequest('token');
    const second = inSpan('second', () => tokens.getAccessToken(LEDGERS));
    hold.release();
    await Promise.all([first, second]);
    const [request] = named(telemetry, 'asset_auth.token.request');
    const acquires = named(telemetry, 'asset_auth.token.acquire');
    expect(linksOf(request!)).toEqual([idOf(acquires[0]!)]);
    expect(linksOf(acquires[1]!)).toEqual([idOf(request!)]);
  });

  it('are none where a token is at hand, and a refresh is linked with the span whose use woke it', async () => {
    const telemetry = startTelemetry();
    const { tokens, clock } = await startApplication({ imports });
    const token = await tokens.getAccessToken(LEDGERS);
    await passToStale({ tokens, clock }, token);
    telemetry.reset();
    await inSpan('uses', () => tokens.getAccessToken(LEDGERS));
    await refreshed({ tokens, clock });
    const [request] = named(telemetry, 'asset_auth.token.request');
    expect(linksOf(request!)).toEqual(named(telemetry, 'uses').map(idOf));

    telemetry.reset();
    await inSpan('cached', () => tokens.getAccessToken(LEDGERS));
    expect(telemetry.spans().map(({ name }) => name)).toEqual(['cached']);
  });

  it('tell each failed attempt and the end of the wait by their codes, and no message', async () => {
    const telemetry = startTelemetry();
    const { tokens, sandbox, clock } = await startApplication({ imports });
    sandbox.fail('token', { status: 500, headers: { 'x-request-id': 'req_7' } }, 3);
    await throughAttempts(clock, outcome(tokens.getAccessToken(LEDGERS)));
    const requests = named(telemetry, 'asset_auth.token.request');
    expect(requests.map(({ attributes }) => attributes['asset_auth.token.request.attempt'])).toEqual([
      1, 2, 3,
    ]);
    const failed = { code: SpanStatusCode.ERROR, message: 'ASSET_TOKEN_UNAVAILABLE' };
    for (const span of [...requests, ...named(telemetry, 'asset_auth.token.acquire')]) {
      expect(span.status).toEqual(failed);
      expect(span.attributes['error.type']).toBe('ASSET_TOKEN_UNAVAILABLE');
    }
    expect(requests[0]?.attributes).toMatchObject({
      'http.response.status_code': 500,
      'asset_auth.request_id': 'req_7',
    });
  });

  it('name the business only where that is asked for', async () => {
    const telemetry = startTelemetry();
    const quiet = await startApplication({ imports });
    await quiet.tokens.getAccessToken(LEDGERS);
    expect(inspect(telemetry.spans(), { depth: 6 })).not.toContain(BUSINESS);
    const open = await startApplication({
      imports: [AssetAuthTelemetryModule.forRoot({ businessOnSpans: true })],
    });
    telemetry.reset();
    await open.tokens.getAccessToken(LEDGERS);
    for (const { attributes } of telemetry.spans())
      expect(attributes['asset_auth.business_id']).toBe(BUSINESS);
  });

  it('do not take a polluted Object.prototype for the switch', async () => {
    const telemetry = startTelemetry();
    const root = Object.prototype as { businessOnSpans?: boolean };
    Object.defineProperty(root, 'businessOnSpans', { value: true, configurable: true });
    try {
      const { tokens } = await startApplication({ imports });
      await tokens.getAccessToken(LEDGERS);
    } finally {
      delete root.businessOnSpans;
    }
    expect(telemetry.spans().length).toBeGreaterThan(0);
    expect(inspect(telemetry.spans(), { depth: 6 })).not.toContain(BUSINESS);
  });

  it('end with the application, also where callers wait', async () => {
    const telemetry = startTelemetry();
    const { tokens, sandbox, app } = await startApplication({ imports });
    sandbox.fail('token', { hang: true });
    const waiting = outcome(tokens.getAccessToken(LEDGERS));
    await sandbox.waitForRequest('token');
    await app.close();
    expect(await waiting).toBe('ASSET_CLOSED');
    const names = telemetry.spans().map(({ name }) => name);
    expect(names.sort()).toEqual(['asset_auth.token.acquire', 'asset_auth.token.request']);
  });

  it('hold no secret and no token', async () => {
    const telemetry = startTelemetry();
    const { tokens, sandbox, clock } = await startApplication({ imports });
    const token = await tokens.getAccessToken(LEDGERS);
    sandbox.fail('token', { status: 400, body: { error: sandbox.clientSecret, detail: token.value } }, 3);
    await throughAttempts(clock, outcome(tokens.getAccessToken({ scopes: ['report:read'] })));
    const spans = telemetry.spans();
    expect(spans.length).toBeGreaterThan(3);
    const everything = spans.map(({ name, attributes, links, events, status }) => ({
      name,
      attributes,
      links,
      events,
      status,
    }));
    expectNoSecrets(everything, [sandbox.clientSecret, ...sandbox.issuedTokens], {
      clientId: sandbox.clientId,
    });
  });
});
