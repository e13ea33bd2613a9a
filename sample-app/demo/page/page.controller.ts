import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Body, Controller, Get, Header, HttpCode, Post, Sse, UseGuards } from '@nestjs/common';
import { IsIn } from 'class-validator';
import { map, type Observable } from 'rxjs';
import { type Action, ACTIONS, Breakages } from './breakages.js';
import { PageGuard } from './page.guard.js';
import { PageState } from './page-state.js';

/** Nothing from elsewhere, no script in the markup, and no frame around the buttons. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const read = (name: string): string => readFileSync(join(import.meta.dirname, name), 'utf8');

class ActionDto {
  @IsIn(ACTIONS)
  readonly action!: Action;
}

@Controller()
@UseGuards(PageGuard)
export class PageController {
  readonly #html = read('page.html');
  readonly #css = read('page.css');
  readonly #script = read('page.js');

  constructor(
    private readonly state: PageState,
    private readonly breakages: Breakages,
  ) {}

  @Get()
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Content-Security-Policy', POLICY)
  @Header('Cache-Control', 'no-store')
  html(): string {
    return this.#html;
  }

  @Get('page/page.css')
  @Header('Content-Type', 'text/css; charset=utf-8')
  @Header('Cache-Control', 'no-store')
  css(): string {
    return this.#css;
  }

  @Get('page/page.js')
  @Header('Content-Type', 'text/javascript; charset=utf-8')
  @Header('Cache-Control', 'no-store')
  script(): string {
    return this.#script;
  }

  @Sse('page/events')
  events(): Observable<{ readonly data: string }> {
    return this.state.changes().pipe(map((data) => ({ data })));
  }

  @Post('page/actions')
  @HttpCode(204)
  act(@Body() { action }: ActionDto): void {
    this.breakages.act(action);
  }
}
