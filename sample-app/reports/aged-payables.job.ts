import { Injectable, Logger } from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { AssetAuthConfig, AssetHttpService, RunWithAssetScope } from 'nestjs-asset-auth';
import { firstValueFrom } from 'rxjs';
import { type AssetPage } from '../asset/asset-answers.js';
import { type Business } from '../businesses/business.js';

/**
 * Whether the job runs: `AGED_PAYABLES_JOB` says `on` or `off`. Otherwise only where Asset is a sandbox on this machine:
 * nobody has asked for the books of real businesses to be read each minute.
 */
export function isJobOn({ origin }: AssetAuthConfig, said = process.env.AGED_PAYABLES_JOB): boolean {
  if (said === 'on' || said === 'off') return said === 'on';
  return ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(origin).hostname);
}

/** Nest runs no interceptors for scheduled methods, so they take @RunWithAssetScope instead of @AssetScope. */
@Injectable()
export class AgedPayablesJob {
  readonly #logger = new Logger(AgedPayablesJob.name);

  constructor(
    private readonly asset: AssetHttpService,
    private readonly config: AssetAuthConfig,
  ) {}

  @Cron(CronExpression.EVERY_MINUTE, { name: AgedPayablesJob.name, waitForCompletion: true })
  @RunWithAssetScope('report:read', { businessId: null })
  async run(): Promise<void> {
    if (!isJobOn(this.config)) return;
    const businesses = await this.#businesses();
    for (const { id } of businesses) {
      const asset = this.asset.forBusiness(id);
      await firstValueFrom(asset.get(`/v0/business/${id}/reports/aged-payables`));
    }
    this.#logger.log(`Read the aged payables of ${businesses.length} businesses`);
  }

  async #businesses(): Promise<readonly Business[]> {
    // A narrowed view goes before the scope that is in force.
    const asset = this.asset.withScope('business:read');
    const page = await firstValueFrom(
      asset.get<AssetPage<Business>>('/v0/business', { params: { page_size: 10 } }),
    );
    return page.data.data;
  }
}
