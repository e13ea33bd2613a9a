import { Type } from 'class-transformer';
import { ArrayMinSize, IsArray, ValidateNested } from 'class-validator';
import { JournalLineDto } from './journal-line.dto.js';

/** Asset documents the call but not its fields; these are the ones that `AssetSandbox` understands. */
export class CreateJournalEntryDto {
  @IsArray()
  @ArrayMinSize(2)
  @ValidateNested({ each: true })
  @Type(() => JournalLineDto)
  readonly lines!: readonly JournalLineDto[];
}
