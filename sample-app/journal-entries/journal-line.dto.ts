import { IsOptional, IsString, Matches } from 'class-validator';

/** Money travels as text: binary fractions cannot hold a cent. */
const DECIMAL_DOLLARS = /^\d+(\.\d{1,2})?$/;

/** Either a debit or a credit. */
export class JournalLineDto {
  @IsString()
  readonly ledger_id!: string;

  @IsOptional()
  @Matches(DECIMAL_DOLLARS)
  readonly debit?: string;

  @IsOptional()
  @Matches(DECIMAL_DOLLARS)
  readonly credit?: string;
}
