import { BadRequestException, Injectable, type PipeTransform } from '@nestjs/common';

/** Lets nothing into a path of Asset's that could lead elsewhere in it. Business ids are checked by `@AssetBusiness`. */
@Injectable()
export class LedgerIdPipe implements PipeTransform<string, string> {
  transform(id: string): string {
    if (/^ldg_[A-Za-z0-9]+$/.test(id)) return id;
    throw new BadRequestException('A ledger id is "ldg_", then letters and digits.');
  }
}
