import { Body, Controller, Param, Post } from '@nestjs/common';
import { AssetBusiness, AssetHttpService, AssetScope } from 'nestjs-asset-auth';
import { map, type Observable } from 'rxjs';
import { type AssetObject } from '../asset/asset-answers.js';
import { CreateJournalEntryDto } from './dto/create-journal-entry.dto.js';

@Controller('businesses/:businessId/journal-entries')
@AssetBusiness('businessId')
export class JournalEntriesController {
  constructor(private readonly asset: AssetHttpService) {}

  @Post()
  @AssetScope('journal_entry:create')
  create(
    @Param('businessId') businessId: string,
    @Body() entry: CreateJournalEntryDto,
  ): Observable<AssetObject<{ readonly id: string }>> {
    return this.asset
      .post<AssetObject<{ readonly id: string }>>(`/v0/business/${businessId}/journal-entries`, entry)
      .pipe(map(({ data }) => data));
  }
}
