import { IsIn, IsNotEmpty, IsOptional, IsString } from 'class-validator';
import { LEDGER_TYPES, type LedgerType } from '../ledger.js';

export class CreateLedgerDto {
  @IsString()
  @IsNotEmpty()
  readonly name!: string;

  @IsIn(LEDGER_TYPES)
  readonly type!: LedgerType;

  @IsOptional()
  @IsString()
  readonly subtype?: string;

  @IsOptional()
  @IsString()
  readonly description?: string;
}
