import { Body, Controller, Get, Param, Patch, Post } from '@nestjs/common';
import { AssetBusiness, AssetHttpService, AssetScope } from 'nestjs-asset-auth';
import { map, type Observable } from 'rxjs';
import { type AssetObject, type AssetPage } from '../asset/asset-answers.js';
import { CreateLedgerDto } from './dto/create-ledger.dto.js';
import { type Ledger } from './ledger.js';
import { LedgerIdPipe } from './ledger-id.pipe.js';
import { UpdateLedgerDto } from './dto/update-ledger.dto.js';

@Controller('businesses/:businessId/ledgers')
@AssetBusiness('businessId')
@AssetScope('ledger:read')
export class LedgersController {
  constructor(private readonly asset: AssetHttpService) {}

  @Get()
  list(@Param('businessId') businessId: string): Observable<AssetPage<Ledger>> {
    return this.asset
      .get<AssetPage<Ledger>>(`/v0/business/${businessId}/ledger`)
      .pipe(map(({ data }) => data));
  }

  @Post()
  @AssetScope('ledger:create')
  create(
    @Param('businessId') businessId: string,
    @Body() ledger: CreateLedgerDto,
  ): Observable<AssetObject<Ledger>> {
    return this.asset
      .post<AssetObject<Ledger>>(`/v0/business/${businessId}/ledger`, ledger)
      .pipe(map(({ data }) => data));
  }

  @Patch(':ledgerId')
  @AssetScope('ledger:update')
  update(
    @Param('businessId') businessId: string,
    @Param('ledgerId', LedgerIdPipe) ledgerId: string,
    @Body() changes: UpdateLedgerDto,
  ): Observable<AssetObject<Ledger>> {
    return this.asset
      .patch<AssetObject<Ledger>>(`/v0/business/${businessId}/ledger/${ledgerId}`, changes)
      .pipe(map(({ data }) => data));
  }
}
