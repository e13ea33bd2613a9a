import { Module } from '@nestjs/common';
import { Breakages } from './breakages.js';
import { PageController } from './page.controller.js';
import { PageState } from './page-state.js';
import { RequestLog } from './request-log.js';
import { TokenHistory } from './token-history.js';

/** The page at `/`: what the tokens do, and buttons that break the sandbox. */
@Module({
  controllers: [PageController],
  providers: [Breakages, PageState, RequestLog, TokenHistory],
})
export class PageModule {}
