import { Injectable, Logger } from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { AssetHttpService, RunWithAssetScope } from 'nestjs-asset-auth';
import { firstValueFrom } from 'rxjs';
import { type AssetPage } from '../asset/asset-answers.js';
import { type Business } from '../businesses/business.js';

/** Nest runs no interceptors for scheduled methods, so they take @RunWithAssetScope instead of @AssetScope. */
@Injectable()
export class AgedPayablesJob {
  readonly #logger = new Logger(AgedPayablesJob.name);

  constructor(private readonly asset: AssetHttpService) {}

  @Cron(CronExpression.EVERY_MINUTE, { name: AgedPayablesJob.name, waitForCompletion: true })
  @RunWithAssetScope('report:read', { businessId: null })
  async run(): Promise<void> {
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
