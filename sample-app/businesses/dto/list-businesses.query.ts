import { Type } from 'class-transformer';
import { IsInt, IsNotEmpty, IsOptional, IsString, Max, Min } from 'class-validator';

export class ListBusinessesQuery {
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(100)
  readonly pageSize?: number;

  /** `next_page_token` or `previous_page_token` of an earlier answer. */
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  readonly pageToken?: string;
}
