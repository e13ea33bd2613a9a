import { Controller, Get, Module } from '@nestjs/common';
import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { AssetHealthIndicator } from 'nestjs-asset-auth/health';

@Controller('health')
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly asset: AssetHealthIndicator,
  ) {}

  @Get()
  ofTheClient(): Promise<unknown> {
    return this.health.check([() => this.asset.check('asset')]);
  }

  @Get('all')
  ofBoth(): Promise<unknown> {
    return this.health.check([
      () => this.asset.check('asset'),
      () => this.asset.check('asset-eu', { client: 'eu' }),
    ]);
  }
}

/** A health page as an application has it: /health shows the default client, /health/all also the client `eu`. */
@Module({
  imports: [TerminusModule.forRoot({ logger: false })],
  controllers: [HealthController],
  providers: [AssetHealthIndicator],
})
export class HealthModule {}
