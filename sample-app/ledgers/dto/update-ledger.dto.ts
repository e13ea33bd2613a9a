import { IsIn, IsNotEmpty, IsOptional, IsString } from 'class-validator';
import { LEDGER_TYPES, type LedgerType } from '../ledger.js';

export class UpdateLedgerDto {
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  readonly name?: string;

  @IsOptional()
  @IsIn(LEDGER_TYPES)
  readonly type?: LedgerType;

  @IsOptional()
  @IsString()
  readonly subtype?: string;

  @IsOptional()
  @IsString()
  readonly description?: string;
}
