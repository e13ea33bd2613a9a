import { Controller, Get } from '@nestjs/common';
import { type AssetTokenSnapshot, AssetTokenService } from 'nestjs-asset-auth';

@Controller('tokens')
export class TokensController {
  constructor(private readonly tokens: AssetTokenService) {}

  /** Which tokens are held, for what and how long; the tokens themselves are not shown. */
  @Get()
  list(): readonly AssetTokenSnapshot[] {
    return this.tokens.snapshot();
  }
}
