import { IsOptional, IsString } from 'class-validator';
import { IsDecimalDollars } from './decimal-dollars.js';

/** Either a debit or a credit. */
export class JournalLineDto {
  @IsString()
  readonly ledger_id!: string;

  @IsOptional()
  @IsDecimalDollars()
  readonly debit?: string | number;

  @IsOptional()
  @IsDecimalDollars()
  readonly credit?: string | number;
}
