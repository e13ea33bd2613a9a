import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  Body,
  Controller,
  Get,
  Header,
  HttpCode,
  NotFoundException,
  Param,
  Post,
  Sse,
  StreamableFile,
} from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { map, type Observable } from 'rxjs';
import { type Action, ACTIONS, Breakages } from './breakages.js';
import { PageState } from './page-state.js';

/** Nothing from elsewhere, no script in the markup, and no frame around the buttons. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const FILES = ['page.css', 'page.js', 'callers.js', 'timeline.js', 'dom.js'];

const read = (name: string): Buffer => readFileSync(join(import.meta.dirname, name));

class ActionDto {
  @IsIn(ACTIONS)
  readonly action!: Action;
}

@Controller()
@ApiExcludeController()
export class PageController {
  readonly #html = read('page.html').toString();
  readonly #files = new Map(FILES.map((name) => [name, read(name)]));

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

  @Sse('page/events')
  events(): Observable<{ readonly data: string }> {
    return this.state.changes().pipe(map((data) => ({ data })));
  }

  @Get('page/:name')
  @Header('Cache-Control', 'no-store')
  file(@Param('name') name: string): StreamableFile {
    const content = this.#files.get(name);
    if (content === undefined) throw new NotFoundException();
    return new StreamableFile(content, { type: name.endsWith('.css') ? 'text/css' : 'text/javascript' });
  }

  @Post('page/actions')
  @HttpCode(204)
  act(@Body() { action }: ActionDto): void {
    this.breakages.act(action);
  }
}
