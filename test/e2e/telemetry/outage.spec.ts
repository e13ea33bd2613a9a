import { trace } from '@opentelemetry/api';
import { AssetAuthTelemetryModule } from 'nestjs-asset-auth/telemetry';
import { lastValueFrom } from 'rxjs';
import { startApplication } from '../../support/application.js';
import { HealthModule } from '../../support/health-page.js';
import { recordingLogger } from '../../support/recording-logger.js';
import { type Figure, startTelemetry } from '../../support/telemetry.js';
import { pass, passToStale, refreshed } from '../../support/token-time.js';

const CALLERS = 50;
const STEP_MS = 5000;
const MINUTE_MS = 60_000;

/** Fifty businesses, each with a caller of its own that has its token. */
async function underWay() {
  const telemetry = startTelemetry();
  const logger = recordingLogger();
  const running = await startApplication({
    logger,
    imports: [HealthModule, AssetAuthTelemetryModule],
    options: { scopes: 'ledger:read' },
  });
  const { sandbox, asset, tokens, url } = running;
  const businesses = Array.from({ length: CALLERS }, () => sandbox.addBusiness().id);
  const call = (businessId: string): Promise<boolean> =>
    trace.getTracer('callers').startActiveSpan('caller', (span) =>
      lastValueFrom(asset.get(`/v0/business/${businessId}/ledger`, { asset: { businessId } }))
        .then(
          () => true,
          () => false,
        )
        .finally(() => {
          span.end();
        }),
    );
  /** How many of the callers failed. */
  const failures = async (): Promise<number> =>
    (await Promise.all(businesses.map(call))).filter((succeeded) => !succeeded).length;
  const health = async (): Promise<string> => {
    const { details } = (await (await fetch(`${url}/health`)).json()) as {
      readonly details: { readonly asset: { readonly status: string } };
    };
    return details.asset.status;
  };
  expect(await failures()).toBe(0);
  await passToStale(running, await tokens.getAccessToken({ businessId: businesses[0] }));
  await refreshed(running);
  logger.clear();
  telemetry.reset();
  const states = (): string[] =>
    logger.lines.filter(({ level }) => level === 'warn' || level === 'log').map(({ level }) => level);
  return { ...running, telemetry, failures, health, states };
}

const valueOf = (figures: readonly Figure[], metric: string, attributes = {}): number =>
  figures
    .filter((figure) => figure.metric === metric)
    .filter((figure) =>
      Object.entries(attributes).every(([name, value]) => figure.attributes[name] === value),
    )
    .reduce((sum, { value }) => sum + value, 0);

const FAILED = { 'error.type': 'ASSET_TOKEN_UNAVAILABLE', 'http.response.status_code': 503 };

describe('An outage of the token endpoint', () => {
  it('of a minute fails no caller, and is seen on the metrics, in the traces, on the health page and in the log', async () => {
    const at = await underWay();
    const { sandbox, clock, telemetry, failures, health, states } = at;
    expect(await health()).toBe('up');
    sandbox.fail('token', { status: 503 }, Infinity);
    let failed = 0;
    for (let passed = 0; passed < MINUTE_MS; passed += STEP_MS) {
      failed += await failures();
      await refreshed(at);
      await clock.advance(STEP_MS);
    }
    const during = await telemetry.figures();
    expect(await health()).toBe('degraded');
    expect(states()).toEqual(['warn']);
    expect(valueOf(during, 'asset_auth.endpoint.state')).toBe(0);
    expect(valueOf(during, 'asset_auth.token.request.duration', FAILED)).toBeGreaterThanOrEqual(5);
    expect(valueOf(during, 'asset_auth.token.count', { 'asset_auth.token.state': 'stale' })).toBeGreaterThan(
      0,
    );

    sandbox.clearFaults();
    for (let passed = 0; passed < MINUTE_MS; passed += STEP_MS) {
      failed += await failures();
      await refreshed(at);
      await clock.advance(STEP_MS);
    }
    expect(failed).toBe(0);
    const after = await telemetry.figures();
    expect(await health()).toBe('up');
    expect(states()).toEqual(['warn', 'log']);
    expect(valueOf(after, 'asset_auth.endpoint.state')).toBe(1);
    expect(valueOf(after, 'asset_auth.token.request.duration', FAILED)).toBeGreaterThanOrEqual(5);
    expect(
      valueOf(after, 'asset_auth.token.wait.duration', { 'error.type': 'ASSET_TOKEN_UNAVAILABLE' }),
    ).toBe(0);

    // No caller waited, so there is no hole in its trace.
    const spans = telemetry.spans();
    expect(spans.filter(({ name }) => name === 'asset_auth.token.acquire')).toEqual([]);
    const requests = spans.filter(({ name }) => name === 'asset_auth.token.request');
    const codes = new Set(requests.map(({ attributes }) => attributes['error.type']));
    expect(codes).toEqual(new Set(['ASSET_TOKEN_UNAVAILABLE', undefined]));
  });

  it('is down on the health page only once the tokens ran out, and up again by the first that comes', async () => {
    const at = await underWay();
    const { sandbox, clock, telemetry, failures, health, states, tokens } = at;
    sandbox.fail('token', { status: 503 }, Infinity);
    expect(await failures()).toBe(0);
    await refreshed(at);
    const ends = tokens.snapshot().map(({ expiresAt }) => expiresAt?.getTime() ?? 0);
    await pass(at, Math.max(...ends) + 1 - clock.now());
    const failing = failures();
    await refreshed(at);
    for (let second = 0; second < 3; second += 1) await clock.advance(500);
    expect(await failing).toBe(CALLERS);
    expect(await health()).toBe('down');
    const figures = await telemetry.figures();
    expect(valueOf(figures, 'asset_auth.token.count')).toBe(0);
    expect(
      valueOf(figures, 'asset_auth.token.wait.duration', { 'error.type': 'ASSET_TOKEN_UNAVAILABLE' }),
    ).toBeGreaterThan(0);
    // Each wait is in the trace of its caller, and leads to the requests that failed.
    const spans = telemetry.spans();
    const idsOf = (name: string): Set<string> =>
      new Set(spans.filter((span) => span.name === name).map((span) => span.spanContext().spanId));
    const acquires = spans.filter(({ name }) => name === 'asset_auth.token.acquire');
    expect(acquires.length).toBeGreaterThan(0);
    const [callers, requests] = [idsOf('caller'), idsOf('asset_auth.token.request')];
    for (const { parentSpanContext, links, attributes } of acquires) {
      expect(callers).toContain(parentSpanContext?.spanId);
      expect(attributes['error.type']).toBe('ASSET_TOKEN_UNAVAILABLE');
      for (const { context } of links) expect(requests).toContain(context.spanId);
    }
    expect(acquires.some(({ links }) => links.length > 0)).toBe(true);

    sandbox.clearFaults();
    await clock.advance(MINUTE_MS);
    expect(await failures()).toBeLessThan(CALLERS);
    await clock.advance(MINUTE_MS);
    expect(await failures()).toBe(0);
    expect(await health()).toBe('up');
    expect(states()).toEqual(['warn', 'log']);
  });
});
