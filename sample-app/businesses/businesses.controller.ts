import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import { AssetBusiness, AssetHttpService, AssetScope } from 'nestjs-asset-auth';
import { map, type Observable } from 'rxjs';
import { type AssetObject, type AssetPage } from '../asset/asset-answers.js';
import { type Business } from './business.js';
import { CreateBusinessDto } from './dto/create-business.dto.js';
import { ListBusinessesQuery } from './dto/list-businesses.query.js';

@Controller('businesses')
@AssetBusiness(null) // These paths are the whole tenant's, even if a default business is configured.
export class BusinessesController {
  constructor(private readonly asset: AssetHttpService) {}

  @Get()
  @AssetScope('business:read') // Asset does not document the scope of this call; the name is assumed.
  list(@Query() { pageSize, pageToken }: ListBusinessesQuery): Observable<AssetPage<Business>> {
    return this.asset
      .get<AssetPage<Business>>('/v0/business', { params: { page_size: pageSize, page_token: pageToken } })
      .pipe(map(({ data }) => data));
  }

  @Post()
  @AssetScope('business:create')
  create(@Body() business: CreateBusinessDto): Observable<AssetObject<Business>> {
    return this.asset.post<AssetObject<Business>>('/v0/business', business).pipe(map(({ data }) => data));
  }
}
