import assert from 'node:assert/strict';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { AssetAuthModule, AssetTokenService } from 'nestjs-asset-auth';
import { AssetHealthIndicator } from 'nestjs-asset-auth/health';
import { AssetSandbox } from 'nestjs-asset-auth/testing';

@Controller('health')
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly asset: AssetHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  check() {
    return this.health.check([() => this.asset.check('asset')]);
  }
}

@Module({
  imports: [TerminusModule.forRoot({ logger: false })],
  controllers: [HealthController],
  providers: [AssetHealthIndicator],
})
class HealthModule {}

/** Up, degraded and down, as the terminus of this major version shows them. */
export async function health(major: number): Promise<void> {
  const sandbox = await AssetSandbox.start();
  @Module({ imports: [AssetAuthModule.forRoot(sandbox.moduleOptions()), HealthModule] })
  class AppModule {}
  const app = await NestFactory.create(AppModule, { logger: false });
  await app.listen(0, '127.0.0.1');
  const url = `${await app.getUrl()}/health`;
  const page = async () => {
    const response = await fetch(url);
    const { status, details } = (await response.json()) as { status: string; details: unknown };
    return { http: response.status, status, details };
  };
  const tokens = app.get(AssetTokenService);

  const ledgers = { scopes: ['ledger:read'] };
  const { expiresAt } = await tokens.getAccessToken(ledgers);
  const known = { usableTokens: 1, usableUntil: expiresAt.toISOString() };
  const up = { asset: { status: 'up', ...known } };
  assert.deepEqual(await page(), { http: 200, status: 'ok', details: up });

  sandbox.fail('token', { status: 429, retryAfter: 60 }, Infinity);
  await assert.rejects(tokens.getAccessToken(ledgers, { forceRefresh: true }));
  const throttled = { ...known, error: 'ASSET_TOKEN_THROTTLED' };
  const degraded =
    major === 11
      ? { status: 'ok', details: { asset: { status: 'up', degraded: true, ...throttled } } }
      : { status: 'degraded', details: { asset: { status: 'degraded', ...throttled } } };
  assert.deepEqual(await page(), { http: 200, ...degraded });

  tokens.invalidateAll();
  const down = { asset: { status: 'down', usableTokens: 0, error: 'ASSET_TOKEN_THROTTLED' } };
  assert.deepEqual(await page(), { http: 503, status: 'error', details: down });

  await app.close();
  await sandbox.close();
}
