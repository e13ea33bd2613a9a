import { Controller, Get, Inject, Module } from '@nestjs/common';
import { HealthCheck, HealthCheckService, HttpHealthIndicator, TerminusModule } from '@nestjs/terminus';
import { isAxiosError } from 'axios';
import { setupCache } from 'axios-cache-interceptor';
import MockAdapter from 'axios-mock-adapter';
import axiosRetry from 'axios-retry';
import { AssetHttpService, isAssetAuthError } from 'nestjs-asset-auth';
import { lastValueFrom } from 'rxjs';
import { startApplication } from '../../support/application.js';
import { throughAttempts } from '../../support/through-attempts.js';
import { rejectionOf } from '../../support/token-time.js';

const PATH = '/v0/business';

// Packages that applications put on a client. Each must see errors that it knows, and go on when tokens come again.
describe('while the token endpoint fails and comes back', () => {
  it('T133 axios-cache-interceptor lets none of its waiters hang', async () => {
    const { asset, sandbox, clock } = await startApplication();
    setupCache(asset.axiosRef);
    sandbox.fail('token', { status: 503 }, Infinity);
    for (let round = 0; round < 3; round += 1) {
      const calls = [1, 2, 3].map(() => rejectionOf(asset.axiosRef.get(PATH)));
      for (const error of await throughAttempts(clock, Promise.all(calls))) {
        expect(isAxiosError(error)).toBe(true);
        expect(isAssetAuthError(error, 'ASSET_TOKEN_UNAVAILABLE')).toBe(true);
      }
      await clock.advance(5000);
    }
    sandbox.clearFaults();
    await clock.advance(30_000);
    const answers = await Promise.all([1, 2, 3].map(() => lastValueFrom(asset.get(PATH))));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(sandbox.apiRequests).toHaveLength(1);
  });

  it('T133 axios-retry asks again, and has its answer', async () => {
    const { asset, sandbox, clock } = await startApplication();
    const seen: unknown[] = [];
    axiosRetry(asset.axiosRef, {
      retries: 5,
      retryCondition: (error) => isAssetAuthError(error) && error.retryable,
      retryDelay: () => 0,
      onRetry: async (_count, error, config) => {
        seen.push(isAxiosError(error), config.url);
        await clock.advance(30_000);
      },
    });
    sandbox.fail('token', { status: 429, retryAfter: 20 });
    const { status } = await asset.axiosRef.get(PATH);
    expect([status, ...seen]).toEqual([200, true, PATH]);
  });

  it('T133 axios-mock-adapter is asked nothing without a token, and answers when there is one', async () => {
    const { asset, sandbox, clock } = await startApplication();
    const mock = new MockAdapter(asset.axiosRef as ConstructorParameters<typeof MockAdapter>[0]);
    mock.onGet(PATH).reply(200, { data: [] });
    sandbox.fail('token', { status: 503 }, Infinity);
    const error = await throughAttempts(clock, rejectionOf(asset.axiosRef.get(PATH)));
    expect(isAxiosError(error) && error.config?.url).toBe(PATH);
    expect(mock.history).toHaveLength(0);
    sandbox.clearFaults();
    await clock.advance(30_000);
    expect((await asset.axiosRef.get(PATH)).data).toEqual({ data: [] });
  });

  it('T118 terminus says that Asset is down, and up again', async () => {
    @Controller('health')
    class HealthController {
      constructor(
        @Inject(HealthCheckService) private readonly health: HealthCheckService,
        @Inject(HttpHealthIndicator) private readonly http: HttpHealthIndicator,
        private readonly asset: AssetHttpService,
      ) {}

      @Get()
      @HealthCheck()
      check(): Promise<unknown> {
        return this.health.check([() => this.http.pingCheck('asset', PATH, { httpClient: this.asset })]);
      }
    }
    @Module({ imports: [TerminusModule.forRoot({ logger: false })], controllers: [HealthController] })
    class HealthModule {}
    const { url, sandbox, clock } = await startApplication({ imports: [HealthModule] });
    const health = async (): Promise<unknown> => {
      const response = await fetch(`${url}/health`);
      const { details } = (await response.json()) as { details: { asset: { status: string } } };
      return [response.status, details.asset.status];
    };
    expect(await health()).toEqual([200, 'up']);
    await clock.advance(3_700_000);
    sandbox.fail('token', { status: 503 }, Infinity);
    expect(await throughAttempts(clock, health())).toEqual([503, 'down']);
    sandbox.clearFaults();
    await clock.advance(30_000);
    expect(await health()).toEqual([200, 'up']);
  });
});
