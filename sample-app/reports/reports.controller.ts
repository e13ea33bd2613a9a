import { Controller, Get, Param } from '@nestjs/common';
import { AssetBusiness, AssetHttpService, AssetScope } from 'nestjs-asset-auth';
import { map, type Observable } from 'rxjs';
import { type AssetObject } from '../asset/asset-answers.js';

@Controller('businesses/:businessId/reports')
@AssetBusiness('businessId')
@AssetScope('report:read')
export class ReportsController {
  constructor(private readonly asset: AssetHttpService) {}

  @Get('aged-payables')
  agedPayables(@Param('businessId') businessId: string): Observable<AssetObject<unknown>> {
    return this.asset
      .get<AssetObject<unknown>>(`/v0/business/${businessId}/reports/aged-payables`)
      .pipe(map(({ data }) => data));
  }
}
